package workflow

import (
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
)

func TestReminders(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		due   int
		next  time.Duration
	}{
		{0, 0, time.Hour},
		{time.Hour - 1, 0, time.Hour},
		{time.Hour, 1, 3 * time.Hour},
		{3*time.Hour - 1, 1, 3 * time.Hour},
		{3 * time.Hour, 2, 7 * time.Hour},
		{7 * time.Hour, 3, 15 * time.Hour},
	} {
		due, next := reminders(noon, time.Hour, noon.Add(c.after))
		if due != c.due || !next.Equal(noon.Add(c.next)) {
			t.Errorf("after %s: %d are due and the next is after %s, want %d and %s", c.after, due, next.Sub(noon), c.due, c.next)
		}
	}
}

func TestPatience(t *testing.T) {
	f := asking()
	f.rules.Requests = identity.Patience{RemindAfter: identity.Duration(time.Hour), ExpireAfter: identity.Duration(5 * time.Hour)}
	f = settled(f)
	at := func(d time.Duration) issueOutcome { g := f; g.now = noon.Add(d); return decideIssue(g) }

	if out := at(0); !out.request.Since.Equal(noon) || !out.again.Equal(noon.Add(time.Hour)) {
		t.Errorf("it waits since %v, and is looked at again at %v", out.request.Since, out.again)
	}
	if out := at(90 * time.Minute); out.request.Reminded != 1 || !out.again.Equal(noon.Add(3*time.Hour)) {
		t.Errorf("reminded %d times, looked at again at %v", out.request.Reminded, out.again)
	}
	if out := at(4 * time.Hour); out.request.Reminded != 2 || !out.again.Equal(noon.Add(5*time.Hour)) {
		t.Errorf("reminded %d times, looked at again at %v", out.request.Reminded, out.again)
	}
	if out := at(5 * time.Hour); out.request.State != Expired {
		t.Errorf("in the end it is %s", out.request.State)
	}
	if out := at(-time.Hour); out.request.State != Waiting || out.request.Reminded != 0 {
		t.Errorf("a clock that goes back makes it %s, reminded %d times", out.request.State, out.request.Reminded)
	}
	f.grant.Duration *= 2 // asked for something else: the time begins anew
	if out := at(5 * time.Hour); out.request.State != Waiting || !out.request.Since.Equal(noon.Add(5*time.Hour)) {
		t.Errorf("after an edit it is %s since %v", out.request.State, out.request.Since)
	}
}
