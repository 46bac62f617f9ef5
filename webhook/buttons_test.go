package webhook

import (
	"testing"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/checks"
)

// TestButtons holds what is taken for a button to the buttons that check runs have.
func TestButtons(t *testing.T) {
	shown := map[string]bool{}
	for _, v := range []approvals.Verdict{approvals.Pending, approvals.Approved, approvals.Denied, approvals.Refused} {
		for _, a := range checks.Approvals(approvals.Decision{Verdict: v}).Actions {
			shown[a.Identifier] = true
			if !isButton(a.Identifier) {
				t.Errorf("the button %q of a check run that is %s is not known", a.Identifier, v)
			}
		}
	}
	if len(shown) != 3 {
		t.Errorf("check runs have the buttons %v", shown)
	}
}
