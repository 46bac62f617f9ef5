package forge_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/forge"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

func TestLimitsNameTheirEnd(t *testing.T) {
	const secondary = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
	for _, c := range []struct {
		name    string
		status  int
		header  map[string]string
		message string
		reset   time.Duration // X-RateLimit-Reset after the server's Date
		want    time.Duration // 0: not a limit
	}{
		{name: "429 with Retry-After", status: 429, header: map[string]string{"Retry-After": "90"}, message: "slow down", want: 90 * time.Second},
		{name: "429 with nothing", status: 429, message: "slow down", want: time.Minute},
		{name: "429 primary", status: 429, header: map[string]string{"X-RateLimit-Remaining": "0"}, reset: 20 * time.Minute, message: "API rate limit exceeded", want: 20 * time.Minute},
		{name: "403 primary", status: 403, header: map[string]string{"X-RateLimit-Remaining": "0"}, reset: 20 * time.Minute, message: "API rate limit exceeded", want: 20 * time.Minute},
		{name: "403 secondary with Retry-After", status: 403, header: map[string]string{"Retry-After": "30", "X-RateLimit-Remaining": "4000"}, message: secondary, want: 30 * time.Second},
		{name: "403 secondary with nothing", status: 403, header: map[string]string{"X-RateLimit-Remaining": "4000"}, message: secondary, want: time.Minute},
		{name: "403 abuse", status: 403, message: "You have triggered an abuse detection mechanism.", want: time.Minute},
		{name: "a reset in the past", status: 429, header: map[string]string{"X-RateLimit-Remaining": "0"}, reset: -time.Hour, message: "x", want: time.Second},
		{name: "an absurd Retry-After", status: 429, header: map[string]string{"Retry-After": "99999999"}, message: "x", want: 2 * time.Hour},
		{name: "a Retry-After that is a date", status: 429, header: map[string]string{"Retry-After": "Sun, 01 Mar 2026 12:05:00 GMT"}, message: "x", want: 5 * time.Minute},
		{name: "403 without permission", status: 403, header: map[string]string{"X-RateLimit-Remaining": "4000"}, message: "Resource not accessible by integration", want: 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f *fake
			f = newFake(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
				for k, v := range c.header {
					w.Header().Set(k, v)
				}
				if c.reset != 0 {
					w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(f.clock().Add(c.reset).Unix(), 10))
				}
				say(w, c.status, c.message)
			})
			began := f.clock()
			_, err := f.read(1)
			limited, ok := errors.AsType[*workflow.LimitedError](err)
			if c.want == 0 {
				if e, is := errors.AsType[*forge.APIError](err); ok || !is || e.Status != 403 {
					t.Fatalf("got %v, want a plain refusal", err)
				}
				return
			}
			if !ok || limited.Installation != 1 || !limited.Until.Equal(began.Add(c.want)) {
				t.Fatalf("got %v, want limited until %s", err, began.Add(c.want))
			}
			if n := len(f.made()); n != 1 {
				t.Errorf("a limited read was tried %d times", n)
			}
			// While it lasts, nothing is sent; afterwards, it is.
			if err := f.write(1); err == nil || len(f.made()) != 1 {
				t.Errorf("a write while limited: %v, %d calls", err, len(f.made()))
			}
			f.advance(c.want)
			f.answer = func(w http.ResponseWriter, _ *http.Request, _ string) { fmt.Fprint(w, ref(sha)) }
			if got, err := f.read(1); err != nil || got != sha {
				t.Errorf("after the limit: %q, %v", got, err)
			}
		})
	}
}

func TestLimitsWithoutAnEndGrow(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request, _ string) { say(w, 429, "slow down") })
	for _, want := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
		_, err := f.read(1)
		limited, ok := errors.AsType[*workflow.LimitedError](err)
		if !ok || limited.Until.Sub(f.clock()) != want {
			t.Fatalf("got %v, want a wait of %s", err, want)
		}
		f.advance(want)
	}
}

func TestTheLastCallShutsTheGate(t *testing.T) {
	var f *fake
	f = newFake(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(f.clock().Add(10*time.Minute).Unix(), 10))
		fmt.Fprint(w, ref(sha))
	})
	if _, err := f.read(1); err != nil {
		t.Fatal(err)
	}
	_, err := f.read(1)
	if limited, ok := errors.AsType[*workflow.LimitedError](err); !ok || limited.Until.Sub(f.clock()) != 10*time.Minute {
		t.Errorf("the call after the last one gave %v", err)
	}
	if n := len(f.made()); n != 1 {
		t.Errorf("%d calls were sent, want 1", n)
	}
}

func TestALimitedMintLimits(t *testing.T) {
	f := newFake(t, func(http.ResponseWriter, *http.Request, string) { t.Error("a call without a token") })
	f.minted = func(w http.ResponseWriter, _ string) bool {
		w.Header().Set("Retry-After", "40")
		say(w, 429, "slow down")
		return true
	}
	err := f.write(3)
	if limited, ok := errors.AsType[*workflow.LimitedError](err); !ok || limited.Installation != 3 || limited.Until.Sub(f.clock()) != 40*time.Second {
		t.Errorf("got %v", err)
	}
}

func TestALimitConcernsOneInstallation(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		if auth := r.Header.Get("Authorization"); auth[len(auth)-1] == '1' {
			say(w, 429, "slow down")
			return
		}
		fmt.Fprint(w, ref(sha))
	})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := f.read(1); err == nil {
				t.Error("installation 1 was answered")
			}
		})
		wg.Go(func() {
			if got, err := f.read(2); err != nil || got != sha {
				t.Errorf("installation 2: %q, %v", got, err)
			}
		})
	}
	wg.Wait()
}

func TestOneWriteAtATimePerInstallation(t *testing.T) {
	var mu sync.Mutex
	running, most := map[string]int{}, map[string]int{}
	both := make(chan struct{}) // closed when both installations write at once
	var once sync.Once
	f := newFake(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		auth := r.Header.Get("Authorization")
		who := auth[len(auth)-1:]
		mu.Lock()
		running[who]++
		most[who] = max(most[who], running[who])
		if running["1"] > 0 && running["2"] > 0 {
			once.Do(func() { close(both) })
		}
		mu.Unlock()
		<-both
		mu.Lock()
		running[who]--
		mu.Unlock()
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"id":1}`)
	})
	var wg sync.WaitGroup
	for range 5 {
		for _, installation := range []int64{1, 2} {
			wg.Go(func() {
				if err := f.write(installation); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if most["1"] != 1 || most["2"] != 1 || len(f.made()) != 10 {
		t.Errorf("writes at once: %v, of %d", most, len(f.made()))
	}
}
