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
	r.say(asked(d), "each access is what its request asked for, for whom it was asked, at most as long")
	r.say(own(s, d), "nobody approved their own access")
	r.say(ends(s, d), "no lease outlives its end")
	r.say(access(s, d), "the access that exists is the union of the live leases and what was there before")
	r.say(logged(s, d), "each of %d effect(s) has a log entry before it and one after it", len(d.intents))
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
		granted[strings.ToLower(l.Access.String())] = true
		if v := d.decisions[l.Decision].Decision.Verdict; v != approvals.Approved {
			broken = append(broken, fmt.Sprintf("lease %s rests on decision %q, which says %q", l.ID, l.Decision, v))
		}
	}
	for _, w := range s.Writes {
		a, ok := grant(w)
		if ok && w.App == s.App && !granted[strings.ToLower(a.String())] {
			broken = append(broken, fmt.Sprintf("%s %s granted %s, for which there is no lease", w.Method, w.Path, a))
		}
	}
	return broken
}

// own is invariant 7, by the requests and the world rather than by what the decision says of itself.
func own(s State, d stored) (broken []string) {
	for _, l := range d.leases {
		r, _ := d.request(l.ID)
		out := map[string]bool{strings.ToLower(r.Requester.Login): true}
		for _, login := range holders(s.World, l.Access.Principal) {
			out[strings.ToLower(login)] = true
		}
		override := d.decisions[l.Decision].Decision.Override
		if override != nil {
			broken = append(broken, overridden(l, r, override.By, out)...)
		}
		for _, n := range d.decisions[l.Decision].Decision.Needs {
			for _, p := range n.By {
				if out[strings.ToLower(p.Login)] || r.Requester.Same(p) {
					broken = append(broken, fmt.Sprintf("lease %s was approved by %s, whose own access it is", l.ID, p.Login))
				}
			}
			if len(n.By) < max(1, n.Need.Count) && override == nil {
				broken = append(broken, fmt.Sprintf("lease %s was approved by %d for %s, and needs %d", l.ID, len(n.By), n.Need.Subject, n.Need.Count))
			}
		}
	}
	slices.Sort(broken)
	return broken
}

// overridden is what is wrong with an override: of whom it is, and that a second person looks at it.
func overridden(l lifecycle.Lease, r workflow.Request, by identity.Person, own map[string]bool) (broken []string) {
	if own[strings.ToLower(by.Login)] || r.Requester.Same(by) {
		broken = append(broken, fmt.Sprintf("lease %s was overridden by %s, whose own access it is", l.ID, by.Login))
	}
	if review := r.Review; l.State == lifecycle.Revoked && (review == nil || review.By.Same(by) || r.Requester.Same(review.By)) {
		broken = append(broken, fmt.Sprintf("the override of lease %s is not reviewed by a second person", l.ID))
	}
	return broken
}

// request finds the request that a lease came from: they have one id.
func (d stored) request(id string) (workflow.Request, bool) {
	for _, r := range d.requests {
		if r.ID == id {
			return r, true
		}
	}
	return workflow.Request{}, false
}

// asked compares each lease with its request, and with the digest that was approved.
func asked(d stored) (broken []string) {
	for _, l := range d.leases {
		r, ok := d.request(l.ID)
		if !ok || r.Grant == nil {
			broken = append(broken, fmt.Sprintf("lease %s has no request", l.ID))
			continue
		}
		holder, _ := r.Identity.Account.Principal()
		if !strings.EqualFold(l.Access.Resource, r.Grant.Resource) || l.Access.Principal.Kind != holder.Kind || !strings.EqualFold(l.Access.Principal.Name, holder.Name) ||
			l.Permission != r.Grant.Permission || l.Duration != time.Duration(r.Grant.Duration) {
			broken = append(broken, fmt.Sprintf("lease %s on %s is not what was asked for", l.ID, l.Access))
		}
		if got := d.decisions[l.Decision].Facts.Digest; got != r.Grant.Digest() {
			broken = append(broken, fmt.Sprintf("lease %s rests on an approval of %s, and gives %s", l.ID, got, r.Grant.Digest()))
		}
	}
	return broken
}

// ends is invariant 2.
func ends(s State, d stored) (broken []string) {
	for _, l := range d.leases {
		if l.State == lifecycle.Active && s.Now.After(l.EndsAt.Add(Slack)) {
			broken = append(broken, fmt.Sprintf("lease %s is active after its end at %s", l.ID, l.EndsAt))
		}
		switch l.State {
		case lifecycle.Active, lifecycle.Revoking, lifecycle.Revoked:
			if never := l.VerifiedAt.IsZero() && stopped(l); !never && (l.Granted == nil || !l.EndsAt.Equal(endOf(l))) {
				broken = append(broken, fmt.Sprintf("lease %s is %s without a read-back, or for longer than was approved", l.ID, l.State))
			}
		case lifecycle.Approved, lifecycle.Granting, lifecycle.Stuck:
		}
		if l.State == lifecycle.Revoked && (l.Ended == nil || l.RevokedAt.Before(l.EndsAt)) {
			broken = append(broken, fmt.Sprintf("lease %s is revoked without a read-back, or before its end", l.ID))
		}
	}
	return broken
}

// endOf is when a lease is to end: by its duration, what it was extended by, and the first order to end it.
func endOf(l lifecycle.Lease) time.Time {
	at := l.VerifiedAt.Add(l.Duration)
	for _, o := range l.Orders {
		if o.Kind == lifecycle.Extend {
			at = at.Add(o.For)
		}
	}
	for _, o := range l.Orders {
		if o.Kind == lifecycle.Stop && o.At.Before(at) {
			at = o.At
		}
	}
	return at
}

func stopped(l lifecycle.Lease) bool {
	return slices.ContainsFunc(l.Orders, func(o lifecycle.Order) bool { return o.Kind == lifecycle.Stop })
}

// logged is invariant 3: for each intent in the log's own order, and for each write of access that the world saw.
func logged(s State, d stored) (broken []string) {
	before, after := map[string][]int64{}, map[string][]int64{}
	for _, e := range d.entries {
		switch e.Step {
		case audit.Intended:
			before[e.Ref] = append(before[e.Ref], e.Seq)
		case audit.Applied, audit.Failed:
			after[e.Ref] = append(after[e.Ref], e.Seq)
		case audit.Received, audit.Decided, audit.Verified, audit.Changed, audit.IsStuck, audit.Archived, audit.Revoked, audit.Expired, audit.Swept, audit.Configured:
		}
	}
	intended := map[string]int{}
	for _, in := range d.intents {
		b, a := before[in.ID], after[in.ID]
		if len(b) != 1 || len(a) != 1 || b[0] >= a[0] {
			broken = append(broken, fmt.Sprintf("effect %q has the entries %v before it and %v after it, its state is %s", in.What, b, a, in.State))
		}
		if in.Subject.Access != nil {
			intended[strings.ToLower(in.Subject.Access.String())]++
		}
	}
	written := map[string]int{}
	for _, w := range s.Writes {
		if a, ok := changed(w); ok && w.App == s.App {
			written[strings.ToLower(a.String())]++
		}
	}
	for a, n := range written {
		if n > intended[a] {
			broken = append(broken, fmt.Sprintf("%s was changed %d times, and intended %d times", a, n, intended[a]))
		}
	}
	slices.Sort(broken)
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
