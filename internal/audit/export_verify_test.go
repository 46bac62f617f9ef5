package audit

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

func TestVerifyExport(t *testing.T) {
	g := grow(t, 12)
	var rows []Row
	for i, raw := range g.raws {
		h := Hash(raw)
		rows = append(rows, Row{Seq: int64(i), Canonical: raw, Hash: h[:]})
	}
	whole := string(export(t, JSONL, rows))
	lines := strings.SplitAfter(strings.TrimSuffix(whole, "\n"), "\n")
	nine, twelve := g.head(t, 9), g.head(t, 12)
	var proven strings.Builder
	for _, n := range []int64{2, 5, 8} {
		path, err := tlog.ProveRecord(9, n, g.hashes)
		if err != nil {
			t.Fatal(err)
		}
		line, err := ProvenLine(rows[n], path)
		if err != nil {
			t.Fatal(err)
		}
		proven.Write(append(line, '\n'))
	}
	join := func(list ...string) string { return strings.Join(list, "") }
	// changed swaps a word in line 4, and the hash beside it too.
	changed := bytes.Replace(rows[4].Canonical, []byte("step 4"), []byte("step X"), 1)
	old, hash := Hash(rows[4].Canonical), Hash(changed)
	both := strings.Replace(strings.Replace(lines[4], "step 4", "step X", 1), b64(old), b64(hash), 1)

	for name, tt := range map[string]struct {
		text   string
		signed *Checkpoint
		entry  int64
		where  string // "" where nothing is wrong
		why    string
		vouch  int64
	}{
		"whole":                         {whole, &twelve, 0, "", "", 12},
		"newer than the checkpoint":     {whole, &nine, 0, "", "", 9},
		"no checkpoint":                 {whole, nil, 0, "", "", 0},
		"nothing":                       {"", nil, 0, "", "", 0},
		"proofs":                        {proven.String(), &nine, 0, "", "", 3},
		"a part, without a checkpoint":  {join(lines[3:7]...), nil, 0, "", "", 0},
		"a part":                        {join(lines[3:7]...), &nine, -1, "checkpoint", "begins with entry 3", 0},
		"a word changed":                {strings.Replace(whole, "step 4", "step X", 1), nil, 4, "line 5", "not what its hash says", 0},
		"the hash changed":              {strings.Replace(whole, b64(old), b64(hash), 1), nil, 4, "line 5", "not what its hash says", 0},
		"both changed":                  {join(join(lines[:4]...), both, join(lines[5:]...)), &twelve, -1, "checkpoint", "changed together with its hash", 0},
		"one removed":                   {join(join(lines[:4]...), join(lines[5:]...)), nil, 4, "line 5", "it is missing; the next one is 5", 0},
		"the first removed":             {join(lines[1:]...), &twelve, -1, "checkpoint", "begins with entry 1", 0},
		"the last removed":              {join(lines[:11]...), &twelve, 11, "checkpoint", "the log was cut", 0},
		"swapped":                       {join(lines[0], lines[2], lines[1]), nil, 1, "line 2", "it is missing; the next one is 2", 0},
		"twice":                         {join(lines[0], lines[1], lines[1]), nil, 1, "line 3", "twice", 0},
		"all gone":                      {"", &nine, 0, "checkpoint", "the log was cut", 0},
		"proofs of another checkpoint":  {proven.String(), &twelve, 2, "line 1", "does not lead to the checkpoint's root", 0},
		"proofs mixed with others":      {lines[0] + proven.String(), &nine, -1, "export", "some lines carry a proof", 0},
		"an entry under another's path": {strings.Replace(proven.String(), "step 5", "step Y", 1), &nine, 5, "line 2", "not what its hash says", 0},
	} {
		done, err := VerifyExport(ReadExport(strings.NewReader(tt.text)), tt.signed)
		if tt.where == "" {
			if err != nil || done.Signed != tt.vouch {
				t.Errorf("%s: %+v, %v", name, done, err)
			}
			continue
		}
		p, ok := errors.AsType[*Problem](err)
		if !ok || p.Entry != tt.entry || p.Where != tt.where || !strings.Contains(p.Why, tt.why) {
			t.Errorf("%s: %v, want entry %d, %s: … %s …", name, err, tt.entry, tt.where, tt.why)
		}
	}
	if _, err := VerifyExport(ReadExport(strings.NewReader(lines[0]+"{")), nil); !errors.Is(err, ErrEntry) || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("what is no line: %v", err)
	}
}

func b64(h tlog.Hash) string { return base64.StdEncoding.EncodeToString(h[:]) }
