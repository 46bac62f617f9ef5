package approvals

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/keyreeve/keyreeve/internal/identity"
)

var (
	alice = identity.Person{ID: 1, Login: "alice"}
	bob   = identity.Person{ID: 2, Login: "bob"}
	carol = identity.Person{ID: 3, Login: "carol"}
	dave  = identity.Person{ID: 4, Login: "dave"} // asks
)

const (
	digest = "sha256:aa"
	head   = "c0ffee"
)

// facts are those of a request by dave that alice or bob may approve for the
// path, and carol for the resource.
func facts(votes ...Vote) Facts {
	return Facts{
		Digest: digest,
		Head:   head,
		Needs: []Need{
			{Kind: Path, Subject: "grants/pay/1.yaml", Owners: []string{"@acme/security"}, Source: "acme/identities:.github/CODEOWNERS:3 *"},
			{Kind: Resource, Subject: "acme/payments", Owners: []string{"@carol", "@acme/pay"}, Source: "acme/payments:CODEOWNERS:1 *"},
		},
		People: map[string]Members{
			"@acme/security": {Known: true, People: []identity.Person{bob, alice, dave}},
			"@carol":         {Known: true, People: []identity.Person{carol}},
			"@acme/pay":      {Known: true, People: []identity.Person{dave}},
		},
		Excluded: []Exclusion{{Person: dave, Why: Requester}, {Person: dave, Why: Author}},
		Votes:    votes,
	}
}

var serial int

// vote gives a sound vote by comment; each one has its own id.
func vote(verb Verb, by identity.Person, with ...func(*Vote)) Vote {
	serial++
	v := Vote{ID: fmt.Sprintf("comment/%d", serial), By: by, Verb: verb, Digest: digest}
	for _, w := range with {
		w(&v)
	}
	return v
}

func edited(v *Vote)      { v.Edited = true }
func hidden(v *Vote)      { v.Hidden = true }
func late(v *Vote)        { v.Late = true }
func bot(v *Vote)         { v.Bot = true }
func otherDigest(v *Vote) { v.Digest = "sha256:bb" }
func thisHead(v *Vote)    { v.Head = head }
func otherHead(v *Vote)   { v.Head = "dead" }

// outcome writes a decision as one line: the verdict, the reasons' codes, and
// for each vote "+" or why it does not count.
func outcome(d Decision) string {
	var b strings.Builder
	b.WriteString(string(d.Verdict))
	for _, r := range d.Reasons {
		b.WriteString(" " + string(r.Code))
	}
	b.WriteString(" |")
	for _, v := range d.Votes {
		if v.Counts {
			b.WriteString(" +")
			continue
		}
		b.WriteString(" " + string(v.Why.Code))
	}
	return b.String()
}

func TestVotes(t *testing.T) {
	yes := vote(Approve, carol)
	for _, c := range []struct {
		name string
		f    Facts
		want string
	}{
		{"nobody has voted", facts(), "pending |"},
		{"one need is met", facts(vote(Approve, alice)), "pending | +"},
		{"both are met", facts(vote(Approve, alice), yes), "approved | + +"},
		{"a review of this head", facts(vote(Approve, alice, thisHead), yes), "approved | + +"},
		{"a review of another head", facts(vote(Approve, alice, otherHead), yes), "pending | other-head +"},
		{"the requester", facts(vote(Approve, dave), yes), "pending | requester +"},
		{"not an owner", facts(vote(Approve, identity.Person{ID: 9, Login: "mallory"}), yes), "pending | not-owner +"},
		{"the login of an owner, another account", facts(vote(Approve, identity.Person{ID: 9, Login: "alice"}), yes), "pending | not-owner +"},
		{"an owner under a new login", facts(vote(Approve, identity.Person{ID: 1, Login: "alice2"}), yes), "approved | + +"},
		{"no account", facts(vote(Approve, identity.Person{Login: "alice"}), yes), "pending | nobody +"},
		{"a bot", facts(vote(Approve, alice, bot), yes), "pending | bot +"},
		{"edited", facts(vote(Approve, alice, edited), yes), "pending | edited +"},
		{"hidden", facts(vote(Approve, alice, hidden), yes), "pending | hidden +"},
		{"late", facts(vote(Approve, alice, late), yes), "pending | late +"},
		{"another digest", facts(vote(Approve, alice, otherDigest), yes), "pending | other-digest +"},
		{"an unknown verb", facts(vote("merge", alice), yes), "pending | unknown-verb +"},
		{"twice is once", facts(vote(Approve, alice), vote(Approve, alice)), "pending | superseded +"},

		{"withdrawn", facts(vote(Approve, alice), yes, vote(Withdraw, alice)), "pending | superseded + +"},
		{"withdrawn by somebody else", facts(vote(Approve, alice), yes, vote(Withdraw, bob)), "approved | + + +"},
		{"approved again", facts(vote(Approve, alice), yes, vote(Withdraw, alice), vote(Approve, alice)), "approved | superseded + superseded +"},
		{"a withdrawal that was hidden still withdraws", facts(vote(Approve, alice), yes, vote(Withdraw, alice, hidden)), "pending | superseded + hidden"},
		{"a withdrawal between two edits of the request", facts(vote(Approve, alice), yes, vote(Withdraw, alice, otherDigest)), "pending | superseded + other-digest"},
		{"an edited approval leaves the sound one", facts(vote(Approve, alice), yes, vote(Approve, alice, edited)), "approved | + + edited"},

		{"denied", facts(vote(Deny, bob), vote(Approve, alice), yes), "denied denied-by | + + +"},
		{"an approver changes to a denial", facts(vote(Approve, alice), yes, vote(Deny, alice)), "denied denied-by | superseded + +"},
		{"a denial withdrawn", facts(vote(Deny, bob), vote(Approve, alice), yes, vote(Withdraw, bob)), "approved | superseded + + +"},
		{"a denial turned to an approval", facts(vote(Deny, bob), yes, vote(Approve, bob)), "approved | superseded + +"},
		{"a denial by no owner", facts(vote(Deny, identity.Person{ID: 9}), vote(Approve, alice), yes), "approved | not-owner + +"},
		{"a denial by the requester", facts(vote(Deny, dave), vote(Approve, alice), yes), "approved | requester + +"},
		{"a denial with a typing error mended", facts(vote(Deny, bob, edited), vote(Approve, alice), yes), "pending edited | edited + +"},
		{"such a denial, withdrawn", facts(vote(Deny, bob, edited), vote(Approve, alice), yes, vote(Withdraw, bob)), "approved | edited + + +"},
		{"an edited denial after an approval", facts(vote(Approve, alice), yes, vote(Deny, alice, edited)), "pending edited | superseded + edited"},
		{"an edited withdrawal lifts no denial", facts(vote(Deny, bob), vote(Approve, alice), yes, vote(Withdraw, bob, edited)), "denied denied-by | + + + edited"},
		{"an edited approval lifts no denial", facts(vote(Deny, bob), vote(Approve, alice), yes, vote(Approve, bob, edited)), "denied denied-by | + + + edited"},
		{"a late denial", facts(vote(Deny, bob, late), vote(Approve, alice), yes), "pending late | late + +"},
		{"a late vote bound to no digest", facts(vote(Approve, alice, late, otherDigest), yes), "pending | late +"},
		{"an edited denial of other content", facts(vote(Deny, bob, edited, otherDigest), vote(Approve, alice), yes), "approved | other-digest + +"},
		{"a denial that a moderator hid", facts(vote(Deny, bob, hidden), vote(Approve, alice), yes), "approved | hidden + +"},
		{"a denial of other content", facts(vote(Deny, bob, otherDigest), vote(Approve, alice), yes), "approved | other-digest + +"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := outcome(Decide(c.f)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestFacts(t *testing.T) {
	all := func() []Vote { return []Vote{vote(Approve, alice), vote(Approve, carol)} }
	for _, c := range []struct {
		name   string
		change func(*Facts)
		want   string
	}{
		{"all known", func(*Facts) {}, "approved | + +"},
		{"no digest binds nothing", func(f *Facts) { f.Digest, f.Votes[0].Digest, f.Votes[1].Digest = "", "", "" }, "pending | other-digest other-digest"},
		{"locked: comments", func(f *Facts) { f.Locked = true }, "pending | locked locked"},
		{"locked: a review counts", func(f *Facts) { f.Locked = true; thisHead(&f.Votes[0]) }, "pending | + locked"},
		{"unknown", func(f *Facts) { f.Unknown = []string{"commits of acme/identities#4"} }, "pending facts-unknown | + +"},
		{"stopped", func(f *Facts) { f.Stopped = []Reason{{Code: SelfEscalation}} }, "refused self-escalation | + +"},
		{"stopped and unknown", func(f *Facts) {
			f.Stopped, f.Unknown = []Reason{{Code: TooMany}}, []string{"x"}
		}, "refused too-many facts-unknown | + +"},
		{"unknown and denied", func(f *Facts) {
			f.Unknown = []string{"x"}
			f.Votes = append(f.Votes, vote(Deny, bob))
		}, "pending facts-unknown denied-by | + + +"},
		{"somebody excluded has no account", func(f *Facts) {
			f.Excluded = append(f.Excluded, Exclusion{Why: Coauthor, Person: identity.Person{Login: "ghost"}})
		}, "pending facts-unknown | + +"},
		{"no needs", func(f *Facts) { f.Needs = nil }, "pending no-owner | not-owner not-owner"},
		{"blocked", func(f *Facts) { f.Needs[1].Blocked = &Reason{Code: NoCodeowners} }, "refused no-codeowners | + +"},
		{"blocked, but facts are unknown", func(f *Facts) {
			f.Needs[1].Blocked, f.Unknown = &Reason{Code: NoCodeowners}, []string{"x"}
		}, "pending no-codeowners facts-unknown | + +"},
		{"blocked by what is unknown", func(f *Facts) { f.Needs[1].Blocked = &Reason{Code: FactsUnknown} }, "pending facts-unknown | + +"},
		{"no owners", func(f *Facts) { f.Needs[1].Owners = nil }, "refused no-owner | + not-owner"},
		{"owners are nobody", func(f *Facts) { f.People["@carol"] = Members{Known: true} }, "refused owners-nobody | + not-owner"},
		{"owners are the requester alone", func(f *Facts) { f.Needs[1].Owners = []string{"@acme/pay"} }, "refused owners-nobody | + not-owner"},
		{"too few people for the count", func(f *Facts) { f.Needs[0].Count = 3 }, "refused owners-nobody | + +"},
		{"two are needed, one is there", func(f *Facts) { f.Needs[0].Count = 2 }, "pending | + +"},
		{"two are needed, two are there", func(f *Facts) {
			f.Needs[0].Count = 2
			f.Votes = append(f.Votes, vote(Approve, bob))
		}, "approved | + + +"},
		{"two are needed, one voted twice", func(f *Facts) {
			f.Needs[0].Count = 2
			f.Votes = append(f.Votes, vote(Approve, alice))
		}, "pending | superseded + +"},
		{"two are needed, one stands behind two owners", func(f *Facts) {
			f.Needs[0].Count, f.Needs[0].Owners = 2, []string{"@acme/security", "@alice"}
			f.People["@alice"] = Members{Known: true, People: []identity.Person{alice}}
		}, "pending | + +"},
		{"members unknown: nobody is refused", func(f *Facts) { f.People["@carol"] = Members{} }, "pending membership-unknown | + membership-unknown"},
		{"members never looked up", func(f *Facts) { delete(f.People, "@carol") }, "pending membership-unknown | + membership-unknown"},
		{"a failed look-up's list says nothing", func(f *Facts) {
			f.People["@carol"] = Members{People: []identity.Person{carol}}
		}, "pending membership-unknown | + membership-unknown"},
		{"unknown members of a need that is met by others", func(f *Facts) { f.People["@acme/pay"] = Members{} }, "approved | + +"},
		{"a denial by somebody who may be an owner", func(f *Facts) {
			f.People["@acme/pay"] = Members{}
			f.Votes = append(f.Votes, vote(Deny, identity.Person{ID: 9, Login: "mallory"}))
		}, "pending membership-unknown | + + membership-unknown"},
		{"an owner who left the team", func(f *Facts) {
			f.People["@acme/security"] = Members{Known: true, People: []identity.Person{bob}}
		}, "pending | not-owner +"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := facts(all()...)
			c.change(&f)
			if got := outcome(Decide(f)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestNeedResults(t *testing.T) {
	d := Decide(facts(vote(Approve, bob), vote(Approve, dave)))
	path := d.Needs[0]
	if !path.Met || !slices.Equal(path.By, []identity.Person{bob}) {
		t.Errorf("path: met %v by %v, want by bob", path.Met, path.By)
	}
	if want := []identity.Person{alice, bob}; !slices.Equal(path.Eligible, want) {
		t.Errorf("path: eligible %v, want %v: sorted, without the requester", path.Eligible, want)
	}
	if res := d.Needs[1]; res.Met || len(res.By) != 0 || !slices.Equal(res.Eligible, []identity.Person{carol}) {
		t.Errorf("resource: met %v by %v, eligible %v; want not met, carol eligible", res.Met, res.By, res.Eligible)
	}
}

func TestReasonsSayWhoAndWhat(t *testing.T) {
	f := facts(vote(Deny, bob, func(v *Vote) { v.ID, v.Reason = "comment/77", "wrong repository" }))
	f.Needs[1].Owners = nil
	d := Decide(f)
	want := []Reason{
		{Code: NoOwner, Subject: "acme/payments", Detail: "acme/payments:CODEOWNERS:1 *"},
		{Code: DeniedBy, Person: bob, Subject: "comment/77", Detail: "wrong repository"},
	}
	if !slices.Equal(d.Reasons, want) {
		t.Errorf("reasons %+v, want %+v", d.Reasons, want)
	}
}
