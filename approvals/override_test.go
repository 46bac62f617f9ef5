package approvals

import "testing"

// glass lets bob override.
func glass(f Facts) Facts {
	f.BreakGlass = &BreakGlass{From: []string{"@acme/security"}}
	return f
}

func TestOverride(t *testing.T) {
	withoutPeople := glass(facts(vote(Override, bob)))
	withoutPeople.BreakGlass.From = []string{"@acme/nobody"}
	blocked := glass(facts(vote(Override, bob)))
	blocked.BreakGlass.Blocked = &Reason{Code: OverrideTooLong, Detail: "asks for 8h, at most 1h"}
	needBlocked := glass(facts(vote(Override, bob)))
	needBlocked.Needs[0].Blocked = &Reason{Code: NoCodeowners}
	unknown := glass(facts(vote(Override, bob)))
	unknown.Unknown = []string{"commits"}
	unknownOwner := glass(facts(vote(Override, bob)))
	unknownOwner.People["@carol"] = Members{}
	stopped := glass(facts(vote(Override, bob)))
	stopped.Stopped = []Reason{{Code: SelfEscalation}}
	for _, c := range []struct {
		name       string
		f          Facts
		want       string
		overridden bool
	}{
		{"without a group in the policy", facts(vote(Override, bob)), "pending | not-break-glass", false},
		{"by the group", glass(facts(vote(Override, bob))), "approved | +", true},
		{"by an owner outside the group", glass(facts(vote(Override, carol))), "pending | not-break-glass", false},
		{"by the requester, though in the group", glass(facts(vote(Override, dave))), "pending | requester", false},
		{"where nothing is known of the group", withoutPeople, "pending | membership-unknown", false},
		{"longer than it may give", blocked, "pending | override-too-long", false},
		{"of a need that is blocked", needBlocked, "refused no-codeowners | +", false},
		{"of unknown facts", unknown, "pending facts-unknown | +", false},
		{"of owners that are unknown", unknownOwner, "pending membership-unknown | +", false},
		{"of what is stopped", stopped, "refused self-escalation | +", false},
		{"against a denial that stands", glass(facts(vote(Deny, alice), vote(Override, bob))), "denied denied-by | + +", false},
		{"withdrawn", glass(facts(vote(Override, bob), vote(Withdraw, bob))), "pending | superseded +", false},
		{"of another content", glass(facts(vote(Override, bob, otherDigest))), "pending | other-digest", false},
		{"in an edited comment", glass(facts(vote(Override, bob, edited))), "pending | edited", false},
		{"where all approve, it was not needed", glass(facts(vote(Override, bob), vote(Approve, carol))), "approved | + +", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := Decide(c.f)
			if got := outcome(d); got != c.want || (d.Override != nil) != c.overridden {
				t.Errorf("got %q, overridden: %v; want %q, %v", got, d.Override, c.want, c.overridden)
			}
			if d.Override != nil && !d.Override.By.Same(bob) {
				t.Errorf("overridden by %v", d.Override.By)
			}
		})
	}
}

// TestSameTree: an approval is carried over to a head that holds the same files, and to no other.
func TestSameTree(t *testing.T) {
	f := facts(vote(Approve, alice, otherHead), vote(Approve, carol))
	if got := outcome(Decide(f)); got != "pending | other-head +" {
		t.Errorf("another tree: %s", got)
	}
	f.SameTree = []string{"dead"}
	if got := outcome(Decide(f)); got != "approved | + +" {
		t.Errorf("the same tree: %s", got)
	}
	f.Votes[0].Digest = "sha256:bb"
	if got := outcome(Decide(f)); got != "pending | other-digest +" {
		t.Errorf("the same tree, another digest: %s", got)
	}
}
