package store_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/benchfile"
	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

var (
	writeBenchmarks = flag.Bool("write-benchmarks", false, "write the numbers into docs/benchmarks.md")
	benchEntries    = flag.Int("log-entries", 1_000_000, "how many entries TestLogAtSize appends and verifies with -write-benchmarks")
)

// fewEntries are enough for what does not depend on the size: that each is appended, verified and proven.
const fewEntries = 2_000

// batch is how many entries are appended in one transaction: as many as a busy round of walks writes.
const batch = 100

// TestLogAtSize appends, verifies and proves on a SQLite file. With -write-benchmarks it does so at size, holds the times
// to their bounds, and writes them down.
func TestLogAtSize(t *testing.T) {
	entries := fewEntries
	if *writeBenchmarks {
		entries = *benchEntries
	}
	ctx := t.Context()
	s, err := store.Open(ctx, filepath.Join(t.TempDir(), "k.db"), store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	ok(t, err)
	defer func() { _ = s.Close() }()

	began := time.Now()
	appendMany(ctx, t, s, entries)
	appending := time.Since(began)

	began = time.Now()
	done, peak := checked(t, s)
	verifying := time.Since(began)
	if done.Size != int64(entries) {
		t.Fatalf("%d entries", done.Size)
	}
	proving := proofTime(t, s, done)
	if !*writeBenchmarks {
		return
	}

	rate := float64(entries) / appending.Seconds()
	table := fmt.Sprintf(`## The log

A SQLite file (`+"`synchronous=FULL`"+`) with %d entries of about 450 bytes, each a leaf of the tree, %d to a transaction.

| what | measured | bound |
|---|---|---|
| append, entries a second | %.0f | at least 20,000 |
| verify each column of every table (`+"`keyreeve audit verify`"+`) | %.1f s | at most 10 s for 1,000,000 |
| memory in use while verifying, at most | %.0f MB | |
| prove one entry, the slowest of 200 | %.2f ms | at most 10 ms |`,
		entries, batch, rate, verifying.Seconds(), float64(peak)/1e6, float64(proving.Microseconds())/1000)
	t.Log(table)
	if entries >= 1_000_000 && (rate < 20_000 || verifying > 10*time.Second) || proving > 10*time.Millisecond {
		t.Errorf("a bound is not kept")
	}
	body := table + "\n\n" + benchfile.Machine() + ", " + time.Now().Format(time.DateOnly) + ": `go test ./internal/store -run TestLogAtSize`"
	ok(t, benchfile.Write("../../docs/benchmarks.md", "ledger", body))
}

func appendMany(ctx context.Context, t *testing.T, s *store.Store, n int) {
	t.Helper()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := 0; i < n; i += batch {
		c := workflow.Commit{}
		for j := i; j < min(n, i+batch); j++ {
			c.Entries = append(c.Entries, audit.Entry{
				At: at.Add(time.Duration(j) * time.Second), Step: audit.Applied, Installation: 7, Subject: fmt.Sprintf("7/access/github/acme/payments/user:deploy-bot-%d", j%500),
				What: "grant github/acme/payments/user:deploy-bot write", Ref: fmt.Sprintf("7/issue/99/%d 20260301T120000.%d", j, j%12),
			})
		}
		ok(t, s.Commit(ctx, c))
	}
}

// checked verifies the log, and measures the most memory that was in use meanwhile.
func checked(t *testing.T, s *store.Store) (audit.Checked, uint64) {
	t.Helper()
	runtime.GC()
	stop, peak := make(chan struct{}), make(chan uint64)
	go func() {
		most, sample := uint64(0), []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				metrics.Read(sample)
				most = max(most, sample[0].Value.Uint64())
			case <-stop:
				peak <- most
				return
			}
		}
	}()
	done, err := s.CheckLog(t.Context(), nil, nil)
	close(stop)
	most := <-peak
	ok(t, err)
	return done, most
}

// proofTime is the longest that one of 200 proofs took.
func proofTime(t *testing.T, s *store.Store, done audit.Checked) (slowest time.Duration) {
	t.Helper()
	hashes := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) { return s.Hashes(t.Context(), at) })
	for i := range int64(200) {
		n := i * (done.Size - 1) / 199
		began := time.Now()
		path, err := tlog.ProveRecord(done.Size, n, hashes)
		ok(t, err)
		slowest = max(slowest, time.Since(began))
		entry := must(s.Entries(t.Context(), n, 1))(t)
		raw := must(entry[0].Canonical())(t)
		if err := tlog.CheckRecord(path, done.Size, done.Root, n, audit.Hash(raw)); err != nil || !strings.Contains(string(raw), "grant") {
			t.Fatalf("entry %d: %v", n, err)
		}
	}
	return slowest
}
