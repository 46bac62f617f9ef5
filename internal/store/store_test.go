package store_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/store/storetest"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// database is one database that can be opened again and again.
type database struct {
	url   string
	clock *clock
}

func (d database) open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), d.url, store.Options{Now: d.clock.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestSQLite(t *testing.T) {
	conformance(t, func(t *testing.T) database {
		return database{"sqlite://" + filepath.Join(t.TempDir(), "k.db"), newClock()}
	})
}

// TestPostgreSQL runs on the server that KEYREEVE_TEST_POSTGRES names, each test in a database of its own.
func TestPostgreSQL(t *testing.T) {
	if os.Getenv(storetest.Server) == "" {
		t.Skip(storetest.Server + " names no server")
	}
	conformance(t, func(t *testing.T) database { return database{storetest.PostgreSQL(t), newClock()} })
}

// conformance is what each database has to hold. fresh makes an empty one.
func conformance(t *testing.T, fresh func(t *testing.T) database) {
	for name, test := range map[string]func(*testing.T, database){
		"deliveries":            testDeliveries,
		"generations":           testGenerations,
		"due":                   testDue,
		"requeue":               testRequeue,
		"claims":                testClaims,
		"commit and load":       testCommit,
		"presses":               testPresses,
		"orders":                testOrders,
		"reviews":               testReviews,
		"first binding stands":  testFirstBinding,
		"commit is atomic":      testAtomic,
		"installations apart":   testInstallations,
		"accesses":              testAccesses,
		"open":                  testOpen,
		"by pull request":       testByPull,
		"wake by key":           testWakeKeys,
		"log under concurrency": testLog,
		"tampering is seen":     testTampering,
		"tampering by column":   testTamperTables,
		"tampering as a whole":  testTamperWhole,
		"redaction":             testRedaction,
		"schedules":             testSchedules,
		"enqueue":               testEnqueue,
		"reopen":                testReopen,
		"killed":                testKilled,
		"read-only":             testReadOnly,
		"ping":                  testPing,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, fresh(t)) })
	}
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func issue(installation int64, number int) workflow.Subject {
	return workflow.Subject{
		Installation: installation, Kind: workflow.IssueSubject, Number: number,
		Repo: identity.Repo{ID: 99, Owner: "acme", Name: "identities"},
	}
}

func delivery(id string, at time.Time) workflow.Delivery {
	return workflow.Delivery{App: 1, ID: id, Event: "issues", Body: []byte(`{"action":"opened"}`), ReceivedAt: at, Installation: 7}
}

func entry(what string) audit.Entry {
	return audit.Entry{At: time.Unix(1, 0), Step: audit.Decided, Installation: 7, Subject: "request:x", What: what}
}

func keys(subjects []workflow.Subject) string {
	var list []string
	for _, x := range subjects {
		list = append(list, x.Key())
	}
	return fmt.Sprint(list)
}
