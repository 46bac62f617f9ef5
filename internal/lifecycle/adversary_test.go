package lifecycle

import (
	"testing"
	"time"
)

// A stop is obeyed whatever the clock says.
func TestStopAndAClockThatGoesBack(t *testing.T) {
	l := lease("a", write, Active).Obey([]Order{{ID: "comment/3", Kind: Stop, At: t0.Add(10 * time.Minute)}})
	p := Decide(new(none), []Lease{l}, Observed{Known: true, Level: write}, t0.Add(5*time.Minute))
	if p.Act == nil || !p.Act.Revoke {
		t.Errorf("nothing is revoked: %+v", p)
	}
}

func TestExtendAfterEnd(t *testing.T) {
	l := lease("a", write, Active)
	end := l.EndsAt
	if got := l.Obey([]Order{{ID: "comment/3", Kind: Extend, For: time.Hour, At: end.Add(time.Minute)}}); !got.EndsAt.Equal(end) {
		t.Errorf("ended at %s, was extended a minute later to %s", end, got.EndsAt)
	}
}
