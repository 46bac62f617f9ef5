// Package proof checks the whole state of a simulated GitHub and of the bot's database against the invariants of the
// design: not what the bot says, but what is. The demo's exit status and every story's end rest on it.
package proof

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// Slack is how long after its end a lease may still be on its way to revoked:
// one retry interval.
const Slack = time.Minute

// Report is what was checked: each line of Held is true, each of Broken is an invariant that does not hold.
type Report struct {
	Held   []string
	Broken []string
}

func (r *Report) say(broken []string, held string, args ...any) {
	if len(broken) == 0 {
		r.Held = append(r.Held, fmt.Sprintf(held, args...))
	}
	r.Broken = append(r.Broken, broken...)
}

// State is all that Check looks at.
type State struct {
	World  hub.World
	Writes []hub.Write
	App    string // the bot's App, by its slug
	AppID  int64
	Now    time.Time
	Before map[string]identity.Permission // access held before the bot did anything, by Access
}

// stored is what the database says.
type stored struct {
	requests   []workflow.Request
	leases     []lifecycle.Lease
	decisions  map[string]workflow.StoredDecision
	intents    []workflow.Intent
	entries    []audit.Entry
	deliveries []store.StoredDelivery
}

// Check reads the database and compares. An error means that it could not look.
func Check(ctx context.Context, db *store.Store, s State) (Report, error) {
	var r Report
	d, err := read(ctx, db)
	if err != nil {
		return r, err
	}
	r.say(replays(d), "%d stored decision(s) come out the same when they are made again from their facts", len(d.decisions))
	r.say(backed(s, d), "every access that was granted has a stored, approved decision behind it")
	r.say(own(d), "nobody approved their own access")
	r.say(ends(s, d), "no lease outlives its end")
	r.say(access(s, d), "the access that exists is the union of the live leases and what was there before")
	r.say(logged(d), "each of %d effect(s) has a log entry before it and one after it", len(d.intents))
	r.say(kept(s, d), "each of %d acknowledged delivery(ies) is in the inbox, and finished", len(d.deliveries))
	r.say(once(s, d), "one answer in each conversation, one merge and one grant for each request")
	broken, size, err := tree(ctx, db)
	if err != nil {
		return r, err
	}
	r.say(broken, "the log of %d entries hashes to its root", size)
	return r, nil
}

func read(ctx context.Context, db *store.Store) (d stored, err error) {
	if d.requests, err = db.Requests(ctx); err != nil {
		return d, err
	}
	if d.leases, err = db.Leases(ctx); err != nil {
		return d, err
	}
	list, err := db.Decisions(ctx)
	if err != nil {
		return d, err
	}
	d.decisions = map[string]workflow.StoredDecision{}
	for _, x := range list {
		d.decisions[x.ID] = x
	}
	if d.intents, err = db.Intents(ctx); err != nil {
		return d, err
	}
	if d.deliveries, err = db.Deliveries(ctx, 1_000_000); err != nil {
		return d, err
	}
	for from := int64(0); ; from = d.entries[len(d.entries)-1].Seq + 1 {
		page, err := db.Entries(ctx, from, 10_000)
		if err != nil || len(page) == 0 {
			return d, err
		}
		d.entries = append(d.entries, page...)
	}
}

// replays is the second half of invariant 1.
func replays(d stored) (broken []string) {
	for id, x := range d.decisions {
		if err := approvals.Replay(x.Facts, x.Decision); err != nil {
			broken = append(broken, fmt.Sprintf("decision %s on %s does not replay: %v", id, x.Subject, err))
		}
	}
	slices.Sort(broken)
	return broken
}

// backed is invariant 1: no access without a stored decision that says approved.
func backed(s State, d stored) (broken []string) {
	granted := map[string]bool{}
	for _, l := range d.leases {
		granted[l.Access.String()] = true
		if v := d.decisions[l.Decision].Decision.Verdict; v != approvals.Approved {
			broken = append(broken, fmt.Sprintf("lease %s rests on decision %q, which says %q", l.ID, l.Decision, v))
		}
	}
	for _, w := range s.Writes {
		a, ok := grant(w)
		if ok && w.App == s.App && !granted[a.String()] {
			broken = append(broken, fmt.Sprintf("%s %s granted %s, for which there is no lease", w.Method, w.Path, a))
		}
	}
	return broken
}

// own is invariant 7.
func own(d stored) (broken []string) {
	for id, x := range d.decisions {
		for _, n := range x.Decision.Needs {
			for _, p := range n.By {
				for _, out := range x.Facts.Excluded {
					if out.Person.Same(p) {
						broken = append(broken, fmt.Sprintf("decision %s counts %s, who is excluded: %s", id, p.Login, out.Why))
					}
				}
			}
		}
	}
	slices.Sort(broken)
	return broken
}

// ends is invariant 2.
func ends(s State, d stored) (broken []string) {
	for _, l := range d.leases {
		if l.State == lifecycle.Active && s.Now.After(l.EndsAt.Add(Slack)) {
			broken = append(broken, fmt.Sprintf("lease %s is active after its end at %s", l.ID, l.EndsAt))
		}
		if (l.State == lifecycle.Active || l.State == lifecycle.Revoking) && (l.Granted == nil || !l.EndsAt.Equal(l.VerifiedAt.Add(l.Duration))) {
			broken = append(broken, fmt.Sprintf("lease %s is %s without a read-back, or for longer than was approved", l.ID, l.State))
		}
		if l.State == lifecycle.Revoked && l.Ended == nil {
			broken = append(broken, fmt.Sprintf("lease %s is revoked without a read-back", l.ID))
		}
	}
	return broken
}

// logged is invariant 3.
func logged(d stored) (broken []string) {
	before, after := map[string]int{}, map[string]int{}
	for _, e := range d.entries {
		switch e.Step {
		case audit.Intended:
			before[e.Ref]++
		case audit.Applied, audit.Failed:
			after[e.Ref]++
		case audit.Received, audit.Decided, audit.Verified, audit.Changed, audit.IsStuck:
		}
	}
	for _, in := range d.intents {
		if before[in.ID] != 1 || after[in.ID] != 1 {
			broken = append(broken, fmt.Sprintf("effect %q has %d entries before it and %d after it, its state is %s", in.What, before[in.ID], after[in.ID], in.State))
		}
	}
	return broken
}

// kept is invariant 4.
func kept(s State, d stored) (broken []string) {
	finished := map[string]bool{}
	for _, x := range d.deliveries {
		finished[x.ID] = !x.FinishedAt.IsZero()
	}
	for _, x := range s.World.Deliveries {
		if x.AppID != s.AppID || x.StatusCode < 200 || x.StatusCode > 299 {
			continue
		}
		if done, known := finished[x.GUID]; !known {
			broken = append(broken, fmt.Sprintf("delivery %s (%s) was acknowledged and is not in the inbox", x.GUID, x.Event))
		} else if !done {
			broken = append(broken, fmt.Sprintf("delivery %s (%s) was acknowledged and never finished", x.GUID, x.Event))
		}
	}
	return broken
}

// once looks for what a redelivery, a crash or a race would have doubled.
func once(s State, d stored) (broken []string) {
	for _, repo := range s.World.Repos {
		issues := slices.Clone(repo.Issues)
		for _, p := range repo.Pulls {
			issues = append(issues, p.Issue)
		}
		for _, i := range issues {
			answers := 0
			for _, c := range i.Comments {
				if strings.HasPrefix(c.Body, "<!-- keyreeve:status ") && c.ViaApp != "" {
					answers++
				}
			}
			if answers > 1 {
				broken = append(broken, fmt.Sprintf("%s#%d has %d answers of the bot", repo.FullName, i.Number, answers))
			}
		}
	}
	pulls := map[string]int{}
	for _, repo := range s.World.Repos {
		for _, p := range repo.Pulls {
			pulls[p.Head]++
		}
	}
	for branch, n := range pulls {
		if strings.HasPrefix(branch, "keyreeve/") && n > 1 {
			broken = append(broken, fmt.Sprintf("branch %s has %d pull requests", branch, n))
		}
	}
	return append(broken, doubled(s, d)...)
}

// doubled counts the grants against the leases: one for each, and no more.
func doubled(s State, d stored) (broken []string) {
	leases, grants := map[string]int{}, map[string]int{}
	for _, l := range d.leases {
		leases[l.Access.String()]++
	}
	for _, w := range s.Writes {
		if a, ok := grant(w); ok && w.App == s.App {
			grants[a.String()]++
		}
	}
	for a, n := range grants {
		// The end of one of several overlapping leases may set the level of the others again.
		if most := 2*leases[a] - 1; n > most {
			broken = append(broken, fmt.Sprintf("%s was granted %d times for %d lease(s)", a, n, leases[a]))
		}
	}
	slices.Sort(broken)
	return broken
}

func tree(ctx context.Context, db *store.Store) (broken []string, size int64, err error) {
	size, root, err := db.Root(ctx)
	if err != nil {
		return nil, 0, err
	}
	leaves, err := db.Leaves(ctx, size)
	if err != nil {
		return nil, size, err
	}
	if bad, err := audit.VerifyLeaves(db.Canonical(ctx, size), leaves, root); err != nil {
		broken = append(broken, fmt.Sprintf("the log does not verify at entry %d: %v", bad, err))
	}
	return broken, size, nil
}
