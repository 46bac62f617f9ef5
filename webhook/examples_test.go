package webhook

import (
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-github/v60/github"
)

var update = flag.Bool("update", false, "write the golden files anew")

// example is one of the payloads in testdata/octokit-examples.json.gz; testdata/README.md says where they are from.
type example struct {
	name  string // "check_run.rerequested#7": event, action, and its place among the event's examples
	event string
	body  json.RawMessage
}

func examples(t testing.TB) []example {
	t.Helper()
	f, err := os.Open("testdata/octokit-examples.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var events []struct {
		Name     string            `json:"name"`
		Examples []json.RawMessage `json:"examples"`
	}
	if err := json.NewDecoder(z).Decode(&events); err != nil {
		t.Fatal(err)
	}
	var out []example
	for _, e := range events {
		for i, body := range e.Examples {
			var a struct {
				Action string `json:"action"`
			}
			if err := json.Unmarshal(body, &a); err != nil {
				t.Fatal(err)
			}
			name := e.Name
			if a.Action != "" {
				name += "." + a.Action
			}
			out = append(out, example{fmt.Sprintf("%s#%d", name, i), e.Name, body})
		}
	}
	return out
}

// exampleInput takes the accounts of the hand-made examples as registries' owners, so that both sides of each rule occur.
func exampleInput(event string, body []byte) Input {
	return Input{App: testApp, Event: event, Body: body, Registry: func(owner, _ string) bool {
		return owner == "Codertocat" || owner == "github"
	}}
}

// withInstallation adds an installation to a payload that names none.
func withInstallation(t testing.TB, body []byte) []byte {
	t.Helper()
	var has struct {
		Installation *json.RawMessage `json:"installation"`
	}
	if err := json.Unmarshal(body, &has); err != nil {
		t.Fatal(err)
	}
	if has.Installation != nil {
		return body
	}
	return payloadOf(t, string(body), `{"installation":{"id":7,"node_id":"MDIzOkluc3RhbGxhdGlvbjc="}}`)
}

// Each example goes, signed, through the door, and then what the inbox kept of it is routed.
func TestExamples(t *testing.T) {
	all := examples(t)
	if len(all) != 329 {
		t.Errorf("%d examples, want 329", len(all))
	}
	var golden strings.Builder
	golden.WriteString("# example | as it is | with an installation\n")
	var unreadable []string
	routed, ignored := 0, 0
	for _, e := range all {
		var outcomes []string
		for _, body := range [][]byte{e.body, withInstallation(t, e.body)} {
			r := newRig(t)
			w := r.send(delivery(e.event, guid, string(body)))
			if want := map[bool]int{true: 200, false: 202}[e.event == "ping"]; w.Code != want {
				t.Errorf("%s: answered %d %s", e.name, w.Code, w.Body)
			}
			d, kept := r.rows[fmt.Sprintf("%d/%s", testApp, guid)]
			if !kept || string(d.Body) != string(body) || d.Event != e.event {
				t.Fatalf("%s: kept %t, as another one", e.name, kept)
			}
			got, err := Route(exampleInput(d.Event, d.Body))
			switch {
			case err != nil:
				unreadable = append(unreadable, e.name)
			case (got.Rule != "") == (len(got.Subjects) > 0):
				t.Errorf("%s: both or neither of subjects and rule: %+v", e.name, got)
			case got.Rule != "":
				ignored++
			default:
				routed++
				if got.Subjects[0].Installation != d.Installation {
					t.Errorf("%s: the door read installation %d, routing %d", e.name, d.Installation, got.Subjects[0].Installation)
				}
			}
			outcomes = append(outcomes, outcome(got, err))
		}
		fmt.Fprintf(&golden, "%s | %s\n", e.name, strings.Join(outcomes, " | "))
	}
	// They have a time without a zone, which go-github does not take. Both name an installation, so both runs meet it.
	want := []string{"check_run.rerequested#7", "check_run.rerequested#8"}
	if unreadable = slices.Compact(unreadable); !slices.Equal(unreadable, want) {
		t.Errorf("not readable: %q, want %q", unreadable, want)
	}
	t.Logf("%d routed, %d ignored, %d unreadable of %d", routed, ignored, len(unreadable), 2*len(all))
	compareGolden(t, "testdata/outcomes.golden", golden.String())
}

// The examples that go-github v60 does not read. Those of events that are not watched are ignored all the same.
func TestExamplesThatDoNotParse(t *testing.T) {
	want := []string{
		"check_run.rerequested#7",
		"check_run.rerequested#8",
		"deployment_review.requested#0", // no such event in v60
		"discussion.answered#1",
		"package.published#0",
		"package.published#1",
		"package.published#2",
		"sponsorship.created#0", // no such event in v60
		"sponsorship.pending_tier_change#1",
		"sponsorship.created#2",
		"sponsorship.pending_tier_change#3",
	}
	var got []string
	for _, e := range examples(t) {
		if _, err := github.ParseWebHook(e.event, e.body); err != nil {
			got = append(got, e.name)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("do not parse: %q\nwant %q", got, want)
	}
}

func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(string(b), "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(want) || line != want[i] {
			t.Fatalf("%s:%d differs: %s\n(-update writes it anew)", path, i+1, line)
		}
	}
	if got != string(b) {
		t.Errorf("%s has more lines than there are", path)
	}
}
