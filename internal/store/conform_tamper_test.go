package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// tampering is what somebody with the database in hand can do to a log of ten entries, and what is said of it.
type tampering struct {
	name  string
	sql   string // statements, by ";"
	entry int64
	where string
	why   string
}

// The log's tables are entries (seq, installation, canonical, hash), log_hashes (idx, hash) and log_size (one, size).
var tamperings = []tampering{
	{"entries.seq changed", `UPDATE entries SET seq = 40 WHERE seq = 4`, 4, "entries.seq", "it is missing; the next one is 5"},
	{"entries.seq of the last changed", `UPDATE entries SET seq = 40 WHERE seq = 9`, 9, "entries.seq", "it is missing; the next one is 40"},
	{"entries.seq negative", `UPDATE entries SET seq = -1 WHERE seq = 0`, -1, "entries.seq", "out of order"},
	{"entries.installation changed", `UPDATE entries SET installation = 8 WHERE seq = 6`, 6, "entries.installation", "it says 8, and the entry says 7"},
	{"entries.canonical changed", `UPDATE entries SET canonical = replace(canonical, 'step 4', 'step 5') WHERE seq = 4`, 4, "entries.canonical", "not what was logged"},
	{"entries.canonical with a space", `UPDATE entries SET canonical = canonical || ' ' WHERE seq = 3`, 3, "entries.canonical", "not what was logged"},
	{"entries.canonical empty", `UPDATE entries SET canonical = '' WHERE seq = 0`, 0, "entries.canonical", "not what was logged"},
	{"entries.hash changed", `UPDATE entries SET hash = (SELECT hash FROM entries WHERE seq = 1) WHERE seq = 5`, 5, "entries.hash", "not the hash of the entry"},
	{"entries.hash truncated", `UPDATE entries SET hash = substr(hash, 1, 31) WHERE seq = 5`, 5, "entries.hash", "not the hash of the entry"},
	{"both of entries changed", `UPDATE entries SET canonical = (SELECT canonical FROM entries WHERE seq = 1), hash = (SELECT hash FROM entries WHERE seq = 1) WHERE seq = 2`, 2, "log_hashes.hash", "the tree has another hash"},
	{"two entries swapped", `UPDATE entries SET seq = -7 WHERE seq = 7; UPDATE entries SET seq = 7 WHERE seq = 2; UPDATE entries SET seq = 2 WHERE seq = -7`, 2, "log_hashes.hash", "the tree has another hash"},
	{"re-ordered", `UPDATE entries SET seq = -1 - seq; UPDATE entries SET seq = 10 + seq`, 0, "log_hashes.hash", "the tree has another hash"},
	{"one removed", `DELETE FROM entries WHERE seq = 2`, 2, "entries.seq", "it is missing; the next one is 3"},
	{"the first removed", `DELETE FROM entries WHERE seq IN (0, 1)`, 0, "entries.seq", "no entry says that it was archived; the first that is there is 2"},
	{"the last removed", `DELETE FROM entries WHERE seq = 9`, 9, "entries.seq", "it is missing; the log says that it has 10"},
	{"all removed", `DELETE FROM entries`, 0, "entries.seq", "so is every other"},
	{"one added", `INSERT INTO entries SELECT 10, installation, replace(canonical, '"seq":9', '"seq":10'), hash FROM entries WHERE seq = 9`, 10, "log_size.size", "there are more"},
	{"one doubled", `INSERT INTO entries SELECT 10, installation, canonical, hash FROM entries WHERE seq = 3`, 10, "log_size.size", "there are more"},
	{"log_hashes.idx changed", `UPDATE log_hashes SET idx = 99 WHERE idx = 5`, 3, "log_hashes.idx", "the tree's hash 5 is missing"},
	{"log_hashes.idx negative", `UPDATE log_hashes SET idx = -5 WHERE idx = 5`, 0, "log_hashes.idx", "a hash -5 where 0 should come"},
	{"log_hashes.hash of a leaf changed", `UPDATE log_hashes SET hash = (SELECT hash FROM log_hashes WHERE idx = 0) WHERE idx = 3`, 2, "log_hashes.hash", "the tree has another hash at 3"},
	{"log_hashes.hash of a node changed", `UPDATE log_hashes SET hash = (SELECT hash FROM log_hashes WHERE idx = 0) WHERE idx = 6`, 3, "log_hashes.hash", "the tree's hash 6 is not made of those below it"},
	{"log_hashes.hash truncated", `UPDATE log_hashes SET hash = substr(hash, 1, 5) WHERE idx = 6`, 3, "log_hashes.hash", "has 5 bytes"},
	{"log_hashes swapped", `UPDATE log_hashes SET idx = -1 WHERE idx = 0; UPDATE log_hashes SET idx = 0 WHERE idx = 1; UPDATE log_hashes SET idx = 1 WHERE idx = -1`, 0, "log_hashes.hash", "the tree has another hash at 0"},
	{"a hash removed", `DELETE FROM log_hashes WHERE idx = 2`, 1, "log_hashes.idx", "the tree's hash 2 is missing"},
	{"the last hash removed", `DELETE FROM log_hashes WHERE idx = (SELECT max(idx) FROM log_hashes)`, 9, "log_hashes.idx", "is missing"},
	{"all hashes removed", `DELETE FROM log_hashes`, 0, "log_hashes.idx", "the tree's hash 0 is missing"},
	{"a hash added", `INSERT INTO log_hashes SELECT 9223372036854775807, hash FROM log_hashes WHERE idx = 0`, -1, "log_hashes.idx", "which no entry gives"},
	{"log_size.size lowered", `UPDATE log_size SET size = 9`, 9, "log_size.size", "9 entries, and there are more"},
	{"log_size.size raised", `UPDATE log_size SET size = 11`, 10, "entries.seq", "it is missing; the log says that it has 11"},
	{"log_size.size zero", `UPDATE log_size SET size = 0`, 0, "log_size.size", "there are more"},
	{"log_size.size negative", `UPDATE log_size SET size = -4`, 0, "log_size.size", "there are more"},
	{"log_size.one doubled", `INSERT INTO log_size (one, size) VALUES (2, 10)`, -1, "log_size", "not one row"},
	{"log_size removed", `DELETE FROM log_size`, -1, "log_size", "not one row"},
}

// testTamperTables: whatever column of whatever table of the log is changed, removed, swapped, truncated or re-ordered, the
// first entry that is wrong is named, and where.
func testTamperTables(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	for i := range 10 {
		ok(t, s.Commit(ctx, workflow.Commit{Entries: []audit.Entry{entry(fmt.Sprint("step ", i))}}))
	}
	for _, table := range []string{"entries", "log_hashes", "log_size"} {
		outside(t, db, fmt.Sprintf(`CREATE TABLE kept_%[1]s AS SELECT * FROM %[1]s`, table)) //nolint:unqueryvet // the whole table is what is kept
	}
	signed := head(t, s)
	seen := map[string]bool{}
	for _, tt := range tamperings {
		for statement := range strings.SplitSeq(tt.sql, ";") {
			outside(t, db, statement)
		}
		for _, c := range []*audit.Checkpoint{nil, &signed} {
			_, err := s.CheckLog(ctx, c, nil)
			p, is := errors.AsType[*audit.Problem](err)
			if !is || p.Entry != tt.entry || p.Where != tt.where || !strings.Contains(p.Why, tt.why) {
				t.Errorf("%s: %v, want entry %d, %s: … %s …", tt.name, err, tt.entry, tt.where, tt.why)
			}
		}
		seen[tt.where] = true
		for _, table := range []string{"entries", "log_hashes", "log_size"} {
			outside(t, db, `DELETE FROM `+table)
			outside(t, db, fmt.Sprintf(`INSERT INTO %[1]s SELECT * FROM kept_%[1]s`, table)) //nolint:unqueryvet // as above
		}
		if done, err := s.CheckLog(ctx, &signed, nil); err != nil || done.Size != 10 || done.Signed != 10 || done.Archived != 0 || done.Root != signed.Root {
			t.Fatalf("after %s, put right: %+v, %v", tt.name, done, err)
		}
	}
	for _, column := range []string{"entries.seq", "entries.installation", "entries.canonical", "entries.hash", "log_hashes.idx", "log_hashes.hash", "log_size.size", "log_size"} {
		if !seen[column] {
			t.Errorf("nothing is told of %s", column)
		}
	}
}

// head is the log's head as it would be signed.
func head(t *testing.T, s *store.Store) audit.Checkpoint {
	t.Helper()
	size, root, err := s.Root(t.Context())
	ok(t, err)
	return audit.Checkpoint{Origin: "keyreeve.example/log", Size: size, Root: root}
}

// testTamperWhole: a log that was written anew, or cut, with all of its hashes, is whole by itself: only a checkpoint tells.
func testTamperWhole(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	for i := range 5 {
		ok(t, s.Commit(ctx, workflow.Commit{Entries: []audit.Entry{entry(fmt.Sprint("step ", i))}}))
	}
	five := head(t, s)
	ok(t, s.Commit(ctx, workflow.Commit{Entries: []audit.Entry{entry("step 5"), entry("step 6")}}))
	seven := head(t, s)
	if done, err := s.CheckLog(ctx, &five, nil); err != nil || done.Signed != 5 || done.Size != 7 || done.Root != seven.Root {
		t.Errorf("a log that grew: %+v, %v", done, err)
	}
	outside(t, db, `DELETE FROM entries WHERE seq >= 5`)
	outside(t, db, fmt.Sprintf(`DELETE FROM log_hashes WHERE idx >= %d`, tlog.StoredHashIndex(0, 5)))
	outside(t, db, `UPDATE log_size SET size = 5`)
	if done, err := s.CheckLog(ctx, nil, nil); err != nil || done.Root != five.Root {
		t.Errorf("cut, without a checkpoint: %+v, %v", done, err)
	}
	_, err := s.CheckLog(ctx, &seven, nil)
	if p, is := errors.AsType[*audit.Problem](err); !is || p.Where != "checkpoint" || p.Entry != 5 || !errors.Is(err, audit.ErrRoot) || !strings.Contains(p.Why, "the log was cut: it has 5 entries, and had 7") {
		t.Errorf("cut: %v", err)
	}
	// What is logged after the cut makes the log as long as it was, of other entries.
	ok(t, s.Commit(ctx, workflow.Commit{Entries: []audit.Entry{entry("step 5"), entry("another step")}}))
	_, err = s.CheckLog(ctx, &seven, nil)
	if p, is := errors.AsType[*audit.Problem](err); !is || p.Where != "checkpoint" || !errors.Is(err, audit.ErrRoot) || !strings.Contains(p.Why, "written anew") {
		t.Errorf("written anew: %v", err)
	}
	empty := audit.Checkpoint{Origin: "keyreeve.example/log"}
	var none audit.Range
	empty.Root = none.Root()
	if _, err := s.CheckLog(ctx, &empty, nil); err != nil {
		t.Errorf("the checkpoint of the empty log: %v", err)
	}
}

// testRedaction: what people and other programs wrote is redacted before it is hashed, and the log verifies.
func testRedaction(t *testing.T, db database) {
	s, ctx := db.open(t), t.Context()
	token := "ghp_" + strings.Repeat("A1b2", 9)
	e := entry("open an issue: use " + token)
	e.Data = []byte(`{"error":"401 for ` + token + `"}`)
	ok(t, s.Commit(ctx, workflow.Commit{Entries: []audit.Entry{e}}))
	got := must(s.Entries(ctx, 0, 1))(t)[0]
	if strings.Contains(got.What+string(got.Data), token) || !strings.Contains(got.What, "[redacted ") || !strings.Contains(string(got.Data), "401 for [redacted ") {
		t.Errorf("%+v %s", got, got.Data)
	}
	verify(t, s)
}
