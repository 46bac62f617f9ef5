package store_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyreeve/keyreeve/internal/store"
)

func TestSQLiteURLs(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	options := store.Options{Now: newClock().Now, Log: slog.New(slog.DiscardHandler)}
	for url, file := range map[string]string{
		"sqlite://" + dir + "/a.db": "a.db",
		"sqlite:b.db":               "b.db",
		"file:" + dir + "/c.db":     "c.db",
		"file://" + dir + "/d.db":   "d.db",
		"e and %41 '&.db":           "e and %41 '&.db",
	} {
		s, err := store.Open(t.Context(), url, options)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		ok(t, s.Close())
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", url, info, err)
		}
	}
	for _, url := range []string{"", "sqlite://", ":memory:", "file::memory:", "a.db?mode=memory", dir + "/no/such/dir/a.db"} {
		if s, err := store.Open(t.Context(), url, options); err == nil {
			_ = s.Close()
			t.Errorf("%q was opened", url)
		}
	}
	options.ReadOnly = true
	if s, err := store.Open(t.Context(), "none.db", options); err == nil {
		_ = s.Close()
		t.Error("a file that is not there was opened for reading")
	}
}

// TestSQLiteLock: two processes never share a file. (A lock belongs to the open file, so two stores of one process show it.)
func TestSQLiteLock(t *testing.T) {
	db := database{filepath.Join(t.TempDir(), "k.db"), newClock()}
	s := db.open(t)
	_, err := store.Open(t.Context(), db.url, store.Options{Now: db.clock.Now, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "another process uses it: stop that one first") {
		t.Errorf("opened twice: %v", err)
	}
	ok(t, s.Close())
	db.open(t)
}

func TestPostgreSQLURL(t *testing.T) {
	_, err := store.Open(t.Context(), "postgres://keyreeve:hunter2@localhost:notaport/db",
		store.Options{Now: newClock().Now, Log: slog.New(slog.DiscardHandler)})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a bad URL: %v", err)
	}
}
