package approvals

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keyreeve/keyreeve/internal/identity"
)

func TestReplayNamesTheFirstDifference(t *testing.T) {
	f := facts(vote(Approve, alice), vote(Approve, carol))
	for _, c := range []struct {
		name   string
		change func(*Decision)
		want   string // "" for no difference
	}{
		{"the same", func(*Decision) {}, ""},
		{"verdict", func(d *Decision) { d.Verdict = Denied }, "verdict is stored as denied, but the facts give approved"},
		{"digest", func(d *Decision) { d.Digest = "x" }, `digest is stored as "x"`},
		{"head", func(d *Decision) { d.Head = "" }, `head is stored as ""`},
		{"a need less", func(d *Decision) { d.Needs = d.Needs[:1] }, "1 needs are stored, but the facts give 2"},
		{"another approver", func(d *Decision) { d.Needs[1].By = []identity.Person{bob} }, "need 2 is stored as"},
		{"a vote", func(d *Decision) { d.Votes[0].Counts = false }, "vote 1 is stored as"},
		{"a reason", func(d *Decision) { d.Reasons = []Reason{{Code: TooMany}} }, "1 reasons are stored, but the facts give 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Decide(f)
			c.change(&d)
			err := Replay(f, d)
			if c.want == "" {
				if err != nil || !d.Equal(Decide(f)) {
					t.Fatalf("Replay: %v, want nil and Equal", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || d.Equal(Decide(f)) {
				t.Errorf("Replay: %v, want %q and not Equal", err, c.want)
			}
		})
	}
}

// drawPerson draws from few ids, so that people meet themselves in several roles.
func drawPerson(t *rapid.T) identity.Person {
	id := rapid.Int64Range(0, 5).Draw(t, "id")
	return identity.Person{ID: id, Login: []string{"", "ann", "ben", "cas", "dee", "eli"}[id]}
}

// rare is true once in a while. (Draws of numbers favour small ones.)
func rare(t *rapid.T, name string) bool { return rapid.IntRange(0, 99).Draw(t, name)%16 == 11 }

func drawVote(t *rapid.T) Vote {
	v := Vote{
		ID:     "comment/" + rapid.StringMatching(`[1-9][0-9]{0,3}`).Draw(t, "vote id"),
		By:     drawPerson(t),
		Bot:    rare(t, "bot"),
		Verb:   rapid.SampledFrom([]Verb{Approve, Approve, Approve, Deny, Withdraw, Override, "shout"}).Draw(t, "verb"),
		Digest: digest, Edited: rare(t, "edited"), Hidden: rare(t, "hidden"), Late: rare(t, "late"),
	}
	if rare(t, "digest") {
		v.Digest = "sha256:other"
	}
	v.Head = rapid.SampledFrom([]string{"", "", "", head, "other", "twin"}).Draw(t, "head")
	return v
}

func drawFacts(t *rapid.T) Facts {
	owners := []string{"@acme/a", "@acme/b", "@ann", "ben@example.com"}
	f := Facts{Digest: digest, Head: head, People: map[string]Members{}}
	for _, o := range owners {
		if !rare(t, "unlisted") {
			f.People[o] = Members{
				Known:  !rare(t, "unknown"),
				People: rapid.SliceOfN(rapid.Custom(drawPerson), 2, 6).Draw(t, "members"),
			}
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "needs") {
		n := Need{
			Kind: Path, Subject: rapid.SampledFrom([]string{"a.yaml", "b.yaml"}).Draw(t, "subject"),
			Owners: rapid.SliceOfN(rapid.SampledFrom(owners), 1, 3).Draw(t, "owners"),
			Count:  rapid.IntRange(0, 2).Draw(t, "count"),
		}
		if rare(t, "blocked") {
			n.Blocked = &Reason{Code: rapid.SampledFrom([]Code{NoCodeowners, FactsUnknown}).Draw(t, "why blocked")}
		}
		f.Needs = append(f.Needs, n)
	}
	for range rapid.IntRange(0, 2).Draw(t, "excluded") {
		if p := drawPerson(t); p.ID != 0 || rare(t, "excluded without an account") {
			f.Excluded = append(f.Excluded, Exclusion{Person: p, Why: Requester})
		}
	}
	if rapid.Bool().Draw(t, "break glass") {
		f.BreakGlass = &BreakGlass{From: []string{rapid.SampledFrom(owners).Draw(t, "break glass by")}}
		if rare(t, "no override") {
			f.BreakGlass.Blocked = &Reason{Code: OverrideTooLong}
		}
	}
	f.Votes = rapid.SliceOfN(rapid.Custom(drawVote), 0, 12).Draw(t, "votes")
	if rapid.Bool().Draw(t, "everybody overrides") {
		f.Votes, f.BreakGlass = nil, &BreakGlass{From: []string{"@cas"}}
		f.People["@cas"] = Members{Known: true, People: []identity.Person{{ID: 3, Login: "cas"}, {ID: 4, Login: "dee"}}}
		for id := range int64(6) {
			f.Votes = append(f.Votes, Vote{ID: "comment/1", By: identity.Person{ID: id, Login: "x"}, Verb: Override, Digest: digest})
		}
	}
	if rapid.Bool().Draw(t, "everybody approves") {
		for id := range int64(6) {
			f.Votes = append(f.Votes, Vote{ID: "comment/0", By: identity.Person{ID: id, Login: "x"}, Verb: Approve, Digest: digest})
		}
	}
	if rapid.Bool().Draw(t, "same tree") {
		f.SameTree = []string{"twin"}
	}
	f.Locked = rare(t, "locked")
	if rare(t, "unknown facts") {
		f.Unknown = []string{"commits"}
	}
	if rare(t, "stopped") {
		f.Stopped = []Reason{{Code: TooMany}}
	}
	return f
}

func TestApprovedMeans(t *testing.T) {
	approved, overridden := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		d := Decide(f)
		excluded := map[int64]bool{0: true}
		for _, x := range f.Excluded {
			excluded[x.Person.ID] = true
		}
		for _, n := range d.Needs {
			if n.Met != (n.Need.Blocked == nil && len(n.By) >= max(1, n.Need.Count)) {
				t.Fatalf("need met: %v by %v of %d", n.Met, n.By, n.Need.Count)
			}
			ids := map[int64]bool{}
			for _, p := range n.By {
				if excluded[p.ID] || ids[p.ID] {
					t.Fatalf("%v is excluded or counted twice", p)
				}
				ids[p.ID] = true
				if !behind(f, n.Need, p) || !soundApproval(f, p) {
					t.Fatalf("%v meets %v without standing or without a sound approval", p, n.Need)
				}
			}
		}
		if d.Verdict != Approved {
			return
		}
		if d.Override != nil {
			overridden++
			by := d.Override.By
			if excluded[by.ID] || !behind(f, Need{Owners: f.BreakGlass.From}, by) || f.BreakGlass.Blocked != nil || !sound(f, by, Override) {
				t.Fatalf("overridden by %v, whom nothing lets", by)
			}
		} else {
			approved++
		}
		if len(f.Needs) == 0 || len(f.Unknown) > 0 || len(f.Stopped) > 0 || len(d.Reasons) > 0 {
			t.Fatalf("approved in spite of %v %v %v %v", f.Needs, f.Unknown, f.Stopped, d.Reasons)
		}
		for _, n := range d.Needs {
			if !n.Met && (d.Override == nil || n.Need.Blocked != nil) {
				t.Fatalf("approved without %v", n.Need)
			}
		}
		for _, v := range d.Votes {
			if v.Counts && v.Vote.Verb == Deny && latest(d, v.Vote.By) == v.Vote.ID {
				t.Fatalf("approved in spite of the denial %v", v.Vote)
			}
		}
	})
	t.Logf("%d were approved, %d overridden", approved, overridden)
	if approved == 0 || overridden == 0 {
		t.Error("no drawn facts were approved: the test shows nothing")
	}
}

func behind(f Facts, n Need, p identity.Person) bool {
	for _, o := range n.Owners {
		if m := f.People[o]; m.Known {
			for _, q := range m.People {
				if q.Same(p) {
					return true
				}
			}
		}
	}
	return false
}

func soundApproval(f Facts, p identity.Person) bool {
	return sound(f, p, Approve) || sound(f, p, Override)
}

func sound(f Facts, p identity.Person, verb Verb) bool {
	for _, v := range f.Votes {
		if v.By.Same(p) && v.Verb == verb && !v.Bot && !v.Edited && !v.Hidden && !v.Late && v.Digest == f.Digest &&
			(v.Head == f.Head || slices.Contains(f.SameTree, v.Head) || v.Head == "" && !f.Locked) {
			return true
		}
	}
	return false
}

// latest is the id of the newest vote of a person that counts.
func latest(d Decision, p identity.Person) (id string) {
	for _, v := range d.Votes {
		if v.Counts && v.Vote.By.Same(p) {
			id = v.Vote.ID
		}
	}
	return id
}

// permissive orders verdicts by how much they let happen.
func permissive(v Verdict) int {
	return map[Verdict]int{Refused: 0, Denied: 0, Pending: 1, Approved: 2}[v]
}

func TestIneligibleVoteGivesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		before := Decide(f)
		extra := drawVote(t)
		f.Votes = append(f.Votes, extra)
		after := Decide(f)
		if after.Votes[len(after.Votes)-1].Counts {
			return
		}
		if permissive(after.Verdict) > permissive(before.Verdict) {
			t.Fatalf("%+v turns %s into %s", extra, before.Verdict, after.Verdict)
		}
		if extra.Verb == Approve && after.Verdict != before.Verdict {
			t.Fatalf("an approval that does not count turns %s into %s", before.Verdict, after.Verdict)
		}
	})
}

// TestIneligiblePersonChangesNothing: whoever may not vote can vote as often and wherever they like in the order.
func TestIneligiblePersonChangesNothing(t *testing.T) {
	changed := 0
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		before := Decide(f)
		extra := drawVote(t)
		if rapid.Bool().Draw(t, "stranger") {
			extra.By = identity.Person{ID: 99, Login: "stranger"}
		}
		at := rapid.IntRange(0, len(f.Votes)).Draw(t, "at")
		f.Votes = slices.Insert(slices.Clone(f.Votes), at, extra)
		after := Decide(f)
		result := after.Votes[at]
		if result.Counts || !slices.Contains([]Code{BotVote, Nobody, UnknownVerb, Requester, NotOwner, NotBreakGlass}, result.Why.Code) {
			return
		}
		changed++
		after.Votes = slices.Delete(slices.Clone(after.Votes), at, at+1)
		if !after.Equal(before) {
			t.Fatalf("%+v, which is void (%s), turns\n%s into\n%s", extra, result.Why.Code, asJSON(before), asJSON(after))
		}
	})
	if changed == 0 {
		t.Error("no ineligible vote was drawn: the test shows nothing")
	}
}

func TestUnknownNeverApproves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		before := Decide(f)
		owner := rapid.SampledFrom([]string{"@acme/a", "@acme/b", "@ann", "ben@example.com"}).Draw(t, "owner")
		f.People[owner] = Members{People: f.People[owner].People}
		if after := Decide(f); after.Verdict == Approved && before.Verdict != Approved && before.Verdict != Pending {
			t.Fatalf("not knowing %s turns %s into approved", owner, before.Verdict)
		} else if after.Verdict == Approved && before.Verdict == Pending && len(before.Reasons) == 0 {
			t.Fatalf("not knowing %s meets a need", owner)
		}
		f.Unknown = append(f.Unknown, "a fact")
		if after := Decide(f); after.Verdict == Approved || after.Verdict == Denied {
			t.Fatalf("%s with unknown facts", after.Verdict)
		}
	})
}

func TestReplaysAfterStoring(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		d := Decide(f)
		var f2 Facts
		var d2 Decision
		roundTrip(t, f, &f2)
		roundTrip(t, d, &d2)
		if err := Replay(f2, d2); err != nil {
			t.Fatal(err)
		}
		if !d.Equal(d2) {
			t.Fatal("a stored decision is not equal to itself")
		}
	})
}

func roundTrip(t *rapid.T, from, to any) {
	b, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, to); err != nil {
		t.Fatal(err)
	}
}
