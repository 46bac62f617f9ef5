package store_test

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// verify checks the whole log against its root, as somebody outside would.
func verify(t *testing.T, s *store.Store) (size int64, root tlog.Hash) {
	t.Helper()
	size, root, err := s.Root(t.Context())
	ok(t, err)
	if bad, err := audit.Verify(s.Canonical(t.Context(), size), root); err != nil {
		t.Fatalf("entry %d: %v", bad, err)
	}
	leaves := must(s.Leaves(t.Context(), size))(t)
	if bad, err := audit.VerifyLeaves(s.Canonical(t.Context(), size), leaves, root); err != nil {
		t.Fatalf("entry %d, by its leaf: %v", bad, err)
	}
	return size, root
}

func testLog(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	if size, root := verify(t, s); size != 0 || root == (tlog.Hash{}) {
		t.Errorf("the empty log: %d, %s", size, root)
	}
	stores := []*store.Store{s}
	if replicas(db) {
		stores = append(stores, db.open(t))
	}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			c := workflow.Commit{Wake: []workflow.Subject{issue(7, 1), issue(7, 2), issue(7, i)}}
			for j := range 1 + i%3 {
				c.Entries = append(c.Entries, entry(fmt.Sprintf("%d.%d", i, j)))
			}
			if err := stores[i%len(stores)].Commit(ctx, c); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	size, root := verify(t, s)
	if size != 39 {
		t.Errorf("%d entries, want 39", size)
	}
	log := must(s.Entries(ctx, 0, 100))(t)
	for i, e := range log {
		// A commit's entries stand together, in their order.
		if _, j, _ := strings.Cut(e.What, "."); e.Seq != int64(i) || (j != "0" && strings.TrimSuffix(log[i-1].What, fmt.Sprint(".", int(j[0]-'1'))) != strings.TrimSuffix(e.What, "."+j)) {
			t.Errorf("entry %d: %+v", i, e)
		}
	}
	if part := must(s.Entries(ctx, 30, 2))(t); len(part) != 2 || part[0].Seq != 30 {
		t.Errorf("a part: %+v", part)
	}
	// The older tree is part of the newer one, provably.
	ok(t, s.Commit(ctx, workflow.Commit{Entries: []audit.Entry{entry("more")}}))
	size2, root2 := verify(t, s)
	hashes := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) { return s.Hashes(ctx, at) })
	proof := must(tlog.ProveTree(size2, size, hashes))(t)
	ok(t, tlog.CheckTree(proof, size2, root2, size, root))
	if _, err := s.Hashes(ctx, []int64{1 << 40}); err == nil {
		t.Error("a hash that is not there was read")
	}
}

// testTampering: a row that is changed or removed past the bot is named, from the root that was published.
func testTampering(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	for i := range 9 {
		ok(t, s.Commit(ctx, workflow.Commit{Entries: []audit.Entry{entry(fmt.Sprint("step ", i))}}))
	}
	size, root := verify(t, s)
	leaves := must(s.Leaves(ctx, size))(t)
	for _, tt := range []struct {
		sql string
		bad int64
	}{
		{`UPDATE entries SET canonical = replace(canonical, 'step 4', 'step 5') WHERE seq = 4`, 4},
		{`DELETE FROM entries WHERE seq = 2`, 2},
		{`DELETE FROM entries WHERE seq IN (0, 1)`, 0},
	} {
		outside(t, db, tt.sql)
		bad, err := audit.VerifyLeaves(s.Canonical(ctx, size), leaves, root)
		if bad != tt.bad || !errors.Is(err, audit.ErrEntry) {
			t.Errorf("%s: %d, %v", tt.sql, bad, err)
		}
	}
	outside(t, db, `DELETE FROM entries`)
	if bad, err := audit.VerifyLeaves(s.Canonical(ctx, size), leaves, root); bad != 0 || !errors.Is(err, audit.ErrEntry) {
		t.Errorf("all removed: %d, %v", bad, err)
	}
	outside(t, db, `DELETE FROM log_hashes`)
	if _, _, err := s.Root(ctx); err == nil {
		t.Error("a root without hashes")
	}
	if err := s.Commit(ctx, workflow.Commit{Request: request(issue(7, 1), workflow.Waiting), Entries: []audit.Entry{entry("x")}}); err == nil {
		t.Error("something was done without a log")
	}
}

// outside runs a statement past the store.
func outside(t *testing.T, db database, statement string) {
	t.Helper()
	driver, name := "sqlite", strings.TrimPrefix(db.url, "sqlite://")
	if replicas(db) {
		driver, name = "pgx", db.url
	}
	raw, err := sql.Open(driver, name)
	ok(t, err)
	defer func() { _ = raw.Close() }()
	_, err = raw.ExecContext(t.Context(), statement)
	ok(t, err)
}

func replicas(db database) bool { return strings.HasPrefix(db.url, "postgres") }

func testReopen(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	x := issue(7, 1)
	ok(t, s.Commit(ctx, full(x)))
	must(s.Accept(ctx, delivery("a-1", db.clock.Now())))(t)
	before := must(s.Load(ctx, x))(t)
	size, root := verify(t, s)
	ok(t, s.Close())
	ok(t, s.Close())

	s = db.open(t)
	if size2, root2 := verify(t, s); size2 != size || root2 != root {
		t.Errorf("the log: %d %s, before %d %s", size2, root2, size, root)
	}
	if after := must(s.Load(ctx, x))(t); after.Request.State != before.Request.State || len(after.Leases) != 2 || len(after.Open) != 2 {
		t.Errorf("after: %+v", after)
	}
	if open := must(s.UnfinishedDeliveries(ctx, 10))(t); len(open) != 1 {
		t.Errorf("deliveries: %+v", open)
	}
	ok(t, s.Commit(ctx, workflow.Commit{Entries: []audit.Entry{entry("more")}}))
	verify(t, s)
}

// testReadOnly: people look while the bot runs.
func testReadOnly(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	ok(t, s.Commit(ctx, full(issue(7, 1))))
	r, err := store.Open(ctx, db.url, store.Options{Now: db.clock.Now, Log: slog.New(slog.DiscardHandler), ReadOnly: true})
	ok(t, err)
	defer func() { _ = r.Close() }()
	if size, _ := verify(t, r); size != 2 || len(must(r.Requests(ctx))(t)) != 1 {
		t.Error("it does not see what is there")
	}
	for name, write := range map[string]error{
		"ping": r.Ping(ctx), "wake": r.Wake(ctx, issue(7, 1)), "commit": r.Commit(ctx, full(issue(7, 2))),
	} {
		if write == nil {
			t.Errorf("%s: it was written", name)
		}
	}
	ok(t, s.Ping(ctx))
}

const killedURL = "KEYREEVE_TEST_KILLED"

// testKilled: a process that is killed at any moment leaves whole
// transactions: state, log and tree say the same, and the database can be opened at once.
func testKilled(t *testing.T, db database) {
	for round := range 3 {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledChild$", "-test.v")
		child.Env = append(os.Environ(), killedURL+"="+db.url)
		out, err := child.StdoutPipe()
		ok(t, err)
		ok(t, child.Start())
		// After so many commits it is killed, in the middle of the next ones.
		said := 0
		for lines := bufio.NewScanner(out); said < 10+7*round && lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "committed ") {
				said++
			}
		}
		ok(t, child.Process.Kill())
		_ = child.Wait() // "signal: killed"
		if said != 10+7*round {
			t.Fatalf("round %d: the child ended after %d commits", round, said)
		}
		s := db.open(t)
		size, _ := verify(t, s)
		subjects := must(s.Subjects(t.Context()))(t)
		woken := int64(0)
		for _, x := range subjects {
			woken += x.Generation
		}
		requests := must(s.Requests(t.Context()))(t)
		if size < int64(said) || size != woken || len(requests) != len(subjects) {
			t.Errorf("round %d: %d entries, %d generations, %d requests of %d subjects", round, size, woken, len(requests), len(subjects))
		}
		ok(t, s.Close())
	}
}

// TestKilledChild commits until it is killed; it is the other half of testKilled.
func TestKilledChild(t *testing.T) {
	url := os.Getenv(killedURL)
	if url == "" {
		t.Skip("it is started by another test")
	}
	s := database{url, newClock()}.open(t)
	for i := 0; ; i++ {
		x := issue(7, i%5)
		ok(t, s.Commit(t.Context(), workflow.Commit{
			Request: request(x, workflow.Waiting), Entries: []audit.Entry{entry(fmt.Sprint("commit ", i))}, Wake: []workflow.Subject{x},
		}))
		fmt.Println("committed", i)
	}
}
