package audit

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/identity"
)

var update = flag.Bool("update", false, "write the golden files anew")

// exported are entries of each kind, as rows.
func exported(t testing.TB) []Row {
	t.Helper()
	at := time.Date(2026, 3, 1, 12, 0, 0, 123_000_000, time.UTC)
	dana := &identity.Person{ID: 9, Login: "dana"}
	list := []Entry{
		{Step: Received, What: "receive issues", Subject: "delivery:abc", Ref: "abc", Data: json.RawMessage(`{"app":1,"bytes":20,"sha256":"00"}`)},
		{Step: Changed, What: "request acme-identities-1 is waiting", Subject: "7/issue/99#1", Ref: "acme-identities-1", Actor: dana},
		{Step: Decided, What: "decided approved", Subject: "7/issue/99#1", Ref: "sha256:aa"},
		{Step: Intended, What: "merge acme/identities#2 at 0123456", Subject: "7/issue/99#1", Ref: "7/issue/99#1 1.0"},
		{Step: Intended, What: "grant github/acme/payments/user:deploy-bot write", Subject: "7/access/github/acme/payments/user:deploy-bot"},
		{Step: Failed, What: "grant github/acme/payments/user:deploy-bot write", Subject: "7/access/github/acme/payments/user:deploy-bot", Data: json.RawMessage(`{"error":"502"}`)},
		{Step: Verified, What: "revoke github/acme/payments/team:acme/deployers to none", Subject: "7/access/github/acme/payments/team:acme/deployers"},
		{Step: IsStuck, What: "lease acme-identities-1 is stuck", Ref: "acme-identities-1", Subject: "7/access/x"},
		{Step: Archived, What: "=HYPERLINK(\"x\")", Subject: "log", Installation: 0},
	}
	rows := make([]Row, len(list))
	for i, e := range list {
		e.Seq, e.At, e.Controls = int64(i), at.Add(time.Duration(i)*time.Second), Controls(e.Step)
		if e.Step != Archived {
			e.Installation = 7
		}
		raw, err := e.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		h := Hash(raw)
		rows[i] = Row{e.Seq, e.Installation, raw, h[:]}
	}
	return rows
}

func export(t testing.TB, f Format, rows []Row) []byte {
	t.Helper()
	var b bytes.Buffer
	x, err := NewExporter(&b, f, Source{Origin: origin, Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := x.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestExportGolden(t *testing.T) {
	for _, f := range Formats() {
		name := "testdata/export." + string(f)
		got := export(t, f, exported(t))
		if *update {
			if err := os.WriteFile(name, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
	if _, err := NewExporter(nil, "xml", Source{}); err == nil || !strings.Contains(err.Error(), "jsonl") {
		t.Errorf("another format: %v", err)
	}
	for _, f := range []Format{CSV, OCSF, CloudEvents} {
		x, err := NewExporter(&bytes.Buffer{}, f, Source{})
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Write(Row{Seq: 3, Canonical: []byte("{")}); err == nil || !strings.Contains(err.Error(), "export entry 3") {
			t.Errorf("%s of what is no entry: %v", f, err)
		}
	}
}

// TestExportReads: what is exported as JSONL is read back byte by byte, and verifies.
func TestExportReads(t *testing.T) {
	rows := exported(t)
	raw := export(t, JSONL, rows)
	n := 0
	for x, err := range ReadExport(bytes.NewReader(raw)) {
		if err != nil || !bytes.Equal(x.Canonical, rows[n].Canonical) || !bytes.Equal(x.Hash, rows[n].Hash) || x.Seq != int64(n) || x.Installation != rows[n].Installation || x.Line != n+1 || x.Path != nil {
			t.Fatalf("line %d: %+v, %v", n, x, err)
		}
		n++
	}
	if n != len(rows) {
		t.Errorf("%d lines", n)
	}
	first := raw[:bytes.IndexByte(raw, '\n')]
	for name, text := range map[string]string{
		"not JSON":        "{",
		"an entry alone":  string(rows[0].Canonical),
		"no number":       `{"entry":{},"hash":"` + strings.Repeat("A", 43) + `="}`,
		"a short hash":    `{"entry":{"seq":0},"hash":"AAAA"}`,
		"another field":   string(first[:len(first)-1]) + `,"x":1}`,
		"a very long one": strings.Repeat("x", maxLine+1),
	} {
		n := 0
		var last error
		for _, err := range ReadExport(strings.NewReader("\n" + string(first) + "\n" + text + "\n" + string(first))) {
			n, last = n+1, err
		}
		if n != 2 || !errors.Is(last, ErrEntry) || !strings.Contains(last.Error(), "line 2") {
			t.Errorf("%s: %d lines, %v", name, n, last)
		}
	}
}

func FuzzReadExport(f *testing.F) {
	f.Add(export(f, JSONL, exported(f)))
	f.Add([]byte(`{"entry":{"seq":1},"hash":"","proof":["AA"]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for x, err := range ReadExport(bytes.NewReader(raw)) {
			if err == nil && (len(x.Hash) != 32 || !json.Valid(x.Canonical)) {
				t.Fatalf("%+v", x)
			}
		}
	})
}

func TestCSV(t *testing.T) {
	records, err := csv.NewReader(bytes.NewReader(export(t, CSV, exported(t)))).ReadAll()
	if err != nil || len(records) != 10 || records[0][0] != "seq" || records[2][6] != "dana" || records[2][5] != "9" {
		t.Fatalf("%v, %v", records, err)
	}
	if got := records[9][7]; got != `'=HYPERLINK("x")` {
		t.Errorf("a formula: %q", got)
	}
}

// TestCloudEvents holds the lines to the required attributes and the types of CloudEvents 1.0, section 3.1.
func TestCloudEvents(t *testing.T) {
	ids := map[string]bool{}
	for line := range bytes.Lines(export(t, CloudEvents, exported(t))) {
		var e map[string]any
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"id", "source", "specversion", "type", "time", "subject", "datacontenttype"} {
			if s, ok := e[name].(string); !ok || s == "" {
				t.Errorf("%s is missing: %s", name, line)
			}
		}
		if _, err := time.Parse(time.RFC3339, e["time"].(string)); err != nil || e["specversion"] != "1.0" || ids[e["id"].(string)] {
			t.Errorf("%s (%v)", line, err)
		}
		if data, ok := e["data"].(map[string]any); !ok || data["seq"] == nil {
			t.Errorf("no data: %s", line)
		}
		ids[e["id"].(string)] = true
	}
}

// ocsfClasses are what version 1.3.0 of the schema requires of each class that is used, and the activities that it has
// (https://schema.ocsf.io/1.3.0/classes).
var ocsfClasses = map[float64]struct {
	required   []string
	activities []float64
}{
	3004: {[]string{"entity"}, []float64{0, 1, 2, 3, 4, 99}},
	3005: {[]string{"user", "privileges"}, []float64{0, 1, 2, 99}},
	6003: {[]string{"actor", "api", "src_endpoint"}, []float64{0, 1, 2, 3, 4, 99}},
}

// ocsfBase is required of each event.
var ocsfBase = []string{"activity_id", "category_uid", "class_uid", "type_uid", "time", "severity_id", "metadata"}

func TestOCSF(t *testing.T) {
	var classes []float64
	for line := range bytes.Lines(export(t, OCSF, exported(t))) {
		var e map[string]any
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		uid, _ := e["class_uid"].(float64)
		class, ok := ocsfClasses[uid]
		if !ok {
			t.Errorf("class %v: %s", uid, line)
		}
		for _, name := range append(ocsfBase, class.required...) {
			if _, ok := e[name]; !ok {
				t.Errorf("%s is missing: %s", name, line)
			}
		}
		activity, _ := e["activity_id"].(float64)
		known := false
		for _, a := range class.activities {
			known = known || a == activity
		}
		meta, _ := e["metadata"].(map[string]any)
		product, _ := meta["product"].(map[string]any)
		if !known || e["type_uid"] != uid*100+activity || e["category_uid"] != float64(int(uid)/1000) || meta["version"] != "1.3.0" || product["name"] != "keyreeve" {
			t.Errorf("%s", line)
		}
		if status, _ := e["status_id"].(float64); status != 1 && status != 2 && status != 99 {
			t.Errorf("status: %s", line)
		}
		// at_least_one of an actor's, an entity's and an endpoint's attributes.
		if actor, ok := e["actor"].(map[string]any); !ok || actor["user"] == nil && actor["app_name"] == nil {
			t.Errorf("actor: %s", line)
		}
		classes = append(classes, uid)
	}
	want := []float64{6003, 3004, 3004, 6003, 3005, 3005, 3005, 3004, 3004}
	if len(classes) != len(want) {
		t.Fatalf("%v", classes)
	}
	for i := range want {
		if classes[i] != want[i] {
			t.Errorf("entry %d is of class %v, want %v", i, classes[i], want[i])
		}
	}
}

func TestAccessOf(t *testing.T) {
	for what, want := range map[string]access{
		"grant github/acme/payments/user:deploy-bot write": {false, "github/acme/payments", "user:deploy-bot", "write"},
		"revoke github/acme/p/team:acme/deployers to none": {true, "github/acme/p", "team:acme/deployers", "none"},
		"grant github/acme/payments write":                 {},
		"revoke github/acme/p/user:x":                      {},
		"revoke github/acme/p/user:x from none":            {},
		"grant user:x write":                               {},
		"grant":                                            {}, "": {},
		"decided approved": {},
		"grant github/acme/payments/user:deploy-bot write more": {},
	} {
		if got, ok := accessOf(Entry{What: what}); got != want || ok != (want != access{}) {
			t.Errorf("%q: %+v, %v", what, got, ok)
		}
	}
}
