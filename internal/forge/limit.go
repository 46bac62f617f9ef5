package forge

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

const (
	unnamedWait = time.Minute // when GitHub limits without saying for how long
	longestWait = 2 * time.Hour
)

// gates holds one gate for each installation; 0 stands for the App itself. One that is limited concerns no other.
type gates struct {
	mu sync.Mutex
	of map[int64]*gate
}

func newGates() *gates { return &gates{of: map[int64]*gate{}} }

func (g *gates) get(installation int64) *gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.of[installation]
	if one == nil {
		one = &gate{installation: installation, writing: make(chan struct{}, 1)}
		g.of[installation] = one
	}
	return one
}

// gate is shut while its installation is limited, and lets one write through at a time: GitHub's secondary limits
// count concurrent writes.
// https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
type gate struct {
	installation int64
	writing      chan struct{}

	mu      sync.Mutex
	until   time.Time
	strikes int // limits without a named time, one after the other
}

// check returns a *workflow.LimitedError while the gate is shut.
func (g *gate) check(now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Before(g.until) {
		return &workflow.LimitedError{Installation: g.installation, Until: g.until}
	}
	return nil
}

// write waits for its turn to write; done ends the turn.
func (g *gate) write(ctx context.Context) (done func(), err error) {
	select {
	case g.writing <- struct{}{}:
		return func() { <-g.writing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// limited shuts the gate as the answer asks, and returns the error to give.
func (g *gate) limited(resp *http.Response, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	wait, named := askedWait(resp, now)
	if named {
		g.strikes = 0
	} else {
		wait = min(unnamedWait<<min(g.strikes, 6), time.Hour)
		g.strikes++
	}
	if until := now.Add(min(max(wait, time.Second), longestWait)); until.After(g.until) {
		g.until = until
	}
	return &workflow.LimitedError{Installation: g.installation, Until: g.until}
}

// passed notes an answer that was not limited. One that used up the last call shuts the gate until the reset, which
// saves the call that would be refused.
func (g *gate) passed(resp *http.Response, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.strikes = 0
	if wait, named := untilReset(resp, now); named && wait > 0 {
		g.until = now.Add(min(wait, longestWait))
	}
}

// isLimit says whether an answer is a primary or secondary limit. Both come as 403 and as 429.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
func isLimit(resp *http.Response, body []byte) bool {
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
		text := strings.ToLower(string(body))
		return resp.Header.Get("Retry-After") != "" || resp.Header.Get("X-RateLimit-Remaining") == "0" ||
			strings.Contains(text, "rate limit") || strings.Contains(text, "abuse detection")
	default:
		return false
	}
}

// askedWait is how long the answer asks to wait; named is false when it does not say.
func askedWait(resp *http.Response, now time.Time) (wait time.Duration, named bool) {
	if after := resp.Header.Get("Retry-After"); after != "" {
		if s, err := strconv.Atoi(after); err == nil && s >= 0 {
			return time.Duration(min(s, int(longestWait/time.Second))) * time.Second, true
		}
		if at, err := http.ParseTime(after); err == nil {
			return at.Sub(served(resp, now)), true
		}
	}
	return untilReset(resp, now)
}

// untilReset is the time to the reset of a limit that is used up. It is taken from GitHub's own clock, since ours may differ.
func untilReset(resp *http.Response, now time.Time) (time.Duration, bool) {
	reset, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil || resp.Header.Get("X-RateLimit-Remaining") != "0" {
		return 0, false
	}
	return time.Unix(reset, 0).Sub(served(resp, now)), true
}

// served is when GitHub gave the answer.
func served(resp *http.Response, now time.Time) time.Time {
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		return at
	}
	return now
}
