package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-github/v60/github"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

// payloadOf merges JSON objects, later ones over earlier ones, key by key.
func payloadOf(t testing.TB, parts ...string) []byte {
	t.Helper()
	all := map[string]any{}
	for _, p := range parts {
		one := map[string]any{}
		if err := json.Unmarshal([]byte(p), &one); err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		maps.Copy(all, one)
	}
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	inRegistry = `{"action":"x","installation":{"id":7},"sender":{"id":2,"login":"alice","type":"User"},"repository":{"id":10,"name":"identities","full_name":"acme/identities","default_branch":"main","owner":{"id":1,"login":"acme"}}}`
	elsewhere  = `{"action":"x","installation":{"id":7},"sender":{"id":2,"login":"alice","type":"User"},"repository":{"id":11,"name":"payments","full_name":"acme/payments","default_branch":"main","owner":{"id":1,"login":"acme"}}}`
	bot        = `{"sender":{"id":9,"login":"keyreeve[bot]","type":"Bot"}}`
	byBot      = `"user":{"id":9,"login":"keyreeve[bot]","type":"Bot"},"performed_via_github_app":{"id":29310}`
	queuedPull = `{"action":"checks_requested","merge_group":{"head_sha":"h1","base_sha":"b1","head_ref":"refs/heads/gh-readonly-queue/main/pr-4-b1","base_ref":"refs/heads/main"}}`
	ownCheck   = `{"action":"rerequested","check_run":{"app":{"id":29310},"pull_requests":[{"number":4,"base":{"repo":{"id":10}}},{"number":4,"base":{"repo":{"id":10}}},{"number":5,"base":{"repo":{"id":99}}},{"number":6,"base":{"repo":{"id":10}}}]}}`
)

func testInput(event string, body []byte) Input {
	return Input{App: testApp, Event: event, Body: body, Registry: func(owner, name string) bool {
		return owner == "acme" && name == "identities"
	}}
}

// outcome writes a routing in one line.
func outcome(r Routing, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	if r.Rule != "" {
		return "ignored: " + string(r.Rule)
	}
	keys := []string{}
	for _, s := range r.Subjects {
		keys = append(keys, s.Key())
	}
	return strings.Join(keys, " ")
}

func TestRoute(t *testing.T) {
	tests := []struct {
		name, event string
		parts       []string
		want        string
	}{
		{"issue of a registry", "issues", []string{inRegistry, `{"issue":{"number":3}}`}, "7/issue/10#3"},
		{"issue elsewhere", "issues", []string{elsewhere, `{"issue":{"number":3}}`}, "7/issue/11#3"},
		{"comment on an issue", "issue_comment", []string{elsewhere, `{"issue":{"number":3},"comment":{}}`}, "7/issue/11#3"},
		{"comment on a registry's pull request", "issue_comment", []string{inRegistry, `{"issue":{"number":4,"pull_request":{"url":"u"}}}`}, "7/pull/10#4"},
		{"pull_request null", "issue_comment", []string{inRegistry, `{"issue":{"number":4,"pull_request":null}}`}, "7/issue/10#4"},
		{"comment on another pull request", "issue_comment", []string{elsewhere, `{"issue":{"number":4,"pull_request":{}}}`}, "ignored: not a registry"},
		{"own comment", "issue_comment", []string{elsewhere, bot, `{"issue":{"number":3},"comment":{` + byBot + `}}`}, "ignored: own comment"},
		{"own comment, edited by a person", "issue_comment", []string{elsewhere, `{"issue":{"number":3},"comment":{` + byBot + `}}`}, "7/issue/11#3"},
		{"a person's comment through the App", "issue_comment", []string{elsewhere, `{"issue":{"number":3},"comment":{"user":{"id":2,"type":"User"},"performed_via_github_app":{"id":29310}}}`}, "7/issue/11#3"},
		{"another App's comment", "issue_comment", []string{elsewhere, bot, `{"issue":{"number":3},"comment":{"user":{"id":9,"type":"Bot"},"performed_via_github_app":{"id":1}}}`}, "7/issue/11#3"},
		{"pull request", "pull_request", []string{inRegistry, `{"number":4,"pull_request":{"number":4}}`}, "7/pull/10#4"},
		{"review", "pull_request_review", []string{inRegistry, `{"pull_request":{"number":4}}`}, "7/pull/10#4"},
		{"review comment", "pull_request_review_comment", []string{inRegistry, `{"pull_request":{"number":4}}`}, "7/pull/10#4"},
		{"review thread", "pull_request_review_thread", []string{inRegistry, `{"pull_request":{"number":4}}`}, "7/pull/10#4"},
		{"pull request elsewhere", "pull_request", []string{elsewhere, `{"pull_request":{"number":4}}`}, "ignored: not a registry"},
		{"review elsewhere", "pull_request_review", []string{elsewhere, `{"pull_request":{"number":4}}`}, "ignored: not a registry"},
		{"check asked for again", "check_run", []string{inRegistry, ownCheck}, "7/pull/10#4 7/pull/10#6"},
		{"button", "check_run", []string{inRegistry, ownCheck, `{"action":"requested_action"}`}, "7/pull/10#4 7/pull/10#6"},
		{"a button that no check run has", "check_run", []string{inRegistry, ownCheck, `{"action":"requested_action","requested_action":{"identifier":"rerun"}}`}, "ignored: unknown button"},
		{"in the merge queue", "merge_group", []string{inRegistry, queuedPull}, "7/merge-group/10@h1"},
		{"taken out of the merge queue", "merge_group", []string{inRegistry, queuedPull, `{"action":"destroyed"}`}, "ignored: check report"},
		{"a merge queue elsewhere", "merge_group", []string{elsewhere, queuedPull}, "ignored: not a registry"},
		{"a merge queue's ref of another form", "merge_group", []string{inRegistry, `{"action":"checks_requested","merge_group":{"head_sha":"h1","base_sha":"b1","head_ref":"refs/heads/x"}}`}, "error: read merge_group payload: merge_group.head_ref: missing"},
		{"a merge queue without commits", "merge_group", []string{inRegistry, `{"action":"checks_requested","merge_group":{}}`}, "error: read merge_group payload: merge_group.head_sha: missing"},
		{"check completed", "check_run", []string{inRegistry, ownCheck, `{"action":"completed"}`}, "ignored: check report"},
		{"another App's check (THREATS 19)", "check_run", []string{inRegistry, `{"action":"rerequested","check_run":{"app":{"id":1},"pull_requests":[{"number":4}]}}`}, "ignored: check of another App"},
		{"nobody's check", "check_run", []string{inRegistry, `{"action":"rerequested","check_run":{"pull_requests":[{"number":4}]}}`}, "ignored: check of another App"},
		{"check elsewhere", "check_run", []string{elsewhere, ownCheck}, "ignored: not a registry"},
		{"check of a fork", "check_run", []string{inRegistry, `{"action":"rerequested","check_run":{"app":{"id":29310},"pull_requests":[]}}`}, "ignored: check without a pull request"},
		{"suite requested", "check_suite", []string{inRegistry, `{"action":"requested","check_suite":{"app":{"id":29310},"pull_requests":[{"number":4}]}}`}, "7/pull/10#4"},
		{"suite completed", "check_suite", []string{inRegistry, `{"action":"completed","check_suite":{"app":{"id":29310},"pull_requests":[{"number":4}]}}`}, "ignored: check report"},
		{"push to main", "push", []string{inRegistry, `{"ref":"refs/heads/main"}`}, "7/installation"},
		{"push to a branch", "push", []string{inRegistry, `{"ref":"refs/heads/x"}`}, "ignored: push outside the registry's default branch"},
		{"tag named main", "push", []string{inRegistry, `{"ref":"refs/tags/main"}`}, "ignored: push outside the registry's default branch"},
		{"push elsewhere", "push", []string{elsewhere, `{"ref":"refs/heads/main"}`}, "ignored: push outside the registry's default branch"},
		{"team", "team", []string{`{"installation":{"id":7}}`}, "7/installation"},
		{"team on a repository", "team_add", []string{elsewhere}, "7/installation"},
		{"membership", "membership", []string{`{"installation":{"id":7}}`}, "7/installation"},
		{"collaborator", "member", []string{elsewhere}, "7/installation"},
		{"organization", "organization", []string{`{"installation":{"id":7}}`}, "7/installation"},
		{"repository", "repository", []string{elsewhere}, "7/installation"},
		{"account renamed", "installation_target", []string{`{"action":"renamed","installation":{"id":7}}`}, "7/installation"},
		{"installed", "installation", []string{`{"action":"created","installation":{"id":7,"account":{"id":1,"login":"acme"}},"repositories":[{"id":10,"full_name":"Acme/identities"}]}`}, "7/installation"},
		{"unsuspended", "installation", []string{`{"action":"unsuspend","installation":{"id":7}}`}, "7/installation"},
		{"uninstalled", "installation", []string{`{"action":"deleted","installation":{"id":7}}`}, "ignored: installation gone"},
		{"suspended", "installation", []string{`{"action":"suspend","installation":{"id":7}}`}, "ignored: installation gone"},
		{"repositories added", "installation_repositories", []string{`{"action":"added","installation":{"id":7,"account":{"login":"acme"}},"repositories_added":[{"full_name":"acme/x"}]}`}, "7/installation"},

		{"not watched", "star", []string{elsewhere}, "ignored: event not watched"},
		{"not known", "sponsorship", []string{elsewhere}, "ignored: event not watched"},
		{"ping", "ping", []string{`{}`}, "ignored: event not watched"},
		{"no installation", "issues", []string{elsewhere, `{"installation":null,"issue":{"number":3}}`}, "ignored: no installation"},
		{"installation 0", "issues", []string{elsewhere, `{"installation":{"id":0},"issue":{"number":3}}`}, "ignored: no installation"},

		{"no number", "issues", []string{elsewhere, `{"issue":{}}`}, "error: read issues payload: issue.number: missing"},
		{"negative number", "pull_request", []string{inRegistry, `{"pull_request":{"number":-4}}`}, "error: read pull_request payload: pull_request.number: missing"},
		{"no repository", "issues", []string{`{"installation":{"id":7},"issue":{"number":3}}`}, "error: read issues payload: repository: missing"},
		{"path as a name", "issues", []string{elsewhere, `{"issue":{"number":3},"repository":{"id":11,"name":"../x","owner":{"login":"acme"}}}`}, "error: read issues payload: repository: missing"},
		{"no default branch", "push", []string{inRegistry, `{"ref":"refs/heads/main","repository":{"id":10,"name":"identities","owner":{"login":"acme"}}}`}, "error: read push payload: repository.default_branch: missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := outcome(Route(testInput(tt.event, payloadOf(t, tt.parts...)))); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestThreat34ForeignRepository(t *testing.T) {
	account := func(s string) string { return `{"issue":{"number":3},"installation":{"id":7,"account":` + s + `}}` }
	owners := func(installation int64) int64 { return map[int64]int64{7: 666, 8: 1}[installation] }
	const ignored = "ignored: repository not of the installation's account"
	tests := []struct {
		name, event string
		parts       []string
		account     func(int64) int64
		want        string
	}{
		{"its own", "issues", []string{elsewhere, account(`{"id":1,"login":"acme"}`)}, nil, "7/issue/11#3"},
		{"by id", "issues", []string{elsewhere, account(`{"id":666,"login":"acme"}`)}, nil, ignored},
		{"renamed meanwhile", "issues", []string{elsewhere, account(`{"id":1,"login":"acme-old"}`)}, nil, "7/issue/11#3"},
		{"by login", "issues", []string{elsewhere, account(`{"login":"mallory"}`)}, nil, ignored},
		{"by login, in any case", "issues", []string{elsewhere, account(`{"login":"ACME"}`)}, nil, "7/issue/11#3"},
		{"in a list", "installation", []string{`{"action":"created","installation":{"id":7,"account":{"id":1,"login":"acme"}},"repositories":[{"full_name":"acme/a"},{"full_name":"mallory/b"}]}`}, nil, ignored},
		{"in a list of added", "installation_repositories", []string{`{"installation":{"id":7,"account":{"login":"acme"}},"repositories_added":[{"full_name":"mallory/b"}]}`}, nil, ignored},
		{"by what is known of the installation", "issues", []string{elsewhere, `{"issue":{"number":3}}`}, owners, ignored},
		{"the known owner", "issues", []string{elsewhere, `{"issue":{"number":3},"installation":{"id":8}}`}, owners, "8/issue/11#3"},
		{"nothing known", "issues", []string{elsewhere, `{"issue":{"number":3},"installation":{"id":9}}`}, owners, "9/issue/11#3"},
		{"transferred away", "repository", []string{elsewhere, `{"action":"transferred"}`}, owners, "7/installation"},
		{"edited, not its own", "repository", []string{elsewhere, `{"action":"edited"}`}, owners, ignored},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := testInput(tt.event, payloadOf(t, tt.parts...))
			in.Account = tt.account
			if got := outcome(Route(in)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Values that go-github v60 does not expect lose no event unless they are what routing asks for.
func TestMisfits(t *testing.T) {
	properties := strings.Replace(elsewhere, `"id":11`, `"id":11,"custom_properties":{"regions":["eu","us"]}`, 1)
	registry := strings.Replace(inRegistry, `"id":10`, `"id":10,"custom_properties":{"regions":["eu","us"]}`, 1)
	tests := []struct {
		name, event string
		parts       []string
		want        string
		misfit      string
	}{
		{"property with several values", "issues", []string{properties, `{"issue":{"number":3}}`}, "7/issue/11#3", "repository.custom_properties"},
		{"push", "push", []string{registry, `{"ref":"refs/heads/main"}`}, "7/installation", "repository.custom_properties"},
		{"it could be what a rule asks for", "push", []string{properties, `{"ref":"refs/heads/main"}`}, "error: read push payload: repository.custom_properties: not a string", ""},
		{"installation", "issues", []string{elsewhere, `{"installation":{"id":"7"},"issue":{"number":3}}`}, "error: read issues payload: installation.id: not a int64", ""},
		{"number", "issues", []string{elsewhere, `{"issue":{"number":"3"}}`}, "error: read issues payload: issue.number: not a int", ""},
		{"pull request of a comment", "issue_comment", []string{registry, `{"issue":{"number":3,"pull_request":"x"}}`}, "7/pull/10#3", "issue.pull_request"},
		{"app of a check", "check_run", []string{inRegistry, `{"action":"rerequested","check_run":{"app":{"id":"29310"},"pull_requests":[{"number":4}]}}`}, "error: read check_run payload: check_run.app.id: not a int64", ""},
		{"time", "issues", []string{elsewhere, `{"issue":{"number":3,"created_at":"once upon a time"}}`}, "error: read issues payload: a value that can't be read", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Route(testInput(tt.event, payloadOf(t, tt.parts...)))
			if got := outcome(r, err); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			misfit := ""
			if r.Misfit != nil {
				misfit = r.Misfit.Path
			}
			if misfit != tt.misfit {
				t.Errorf("misfit %q, want %q", misfit, tt.misfit)
			}
		})
	}
}

func TestErrorsQuoteNothing(t *testing.T) {
	for _, body := range []string{
		`{"installation":{"id":"ghp_private"}}`, `{"installation":{"id":7},"repository":ghp_private}`, `ghp_private`, ``,
		`{"installation":{"id":7},"issue":{"created_at":"ghp_private"}}`, `{"installation":{"id":7},"issue":{"number":5550123.5}}`,
	} {
		_, err := Route(testInput("issues", []byte(body)))
		if err == nil || strings.Contains(err.Error(), "ghp") || strings.Contains(err.Error(), "'g'") || strings.Contains(err.Error(), "555") {
			t.Errorf("%s: %v", body, err)
		}
		if _, ok := errors.AsType[*PayloadError](err); !ok {
			t.Errorf("%s: %T", body, err)
		}
	}
}

// The same signed body under a new id: the delivery's id is nowhere in what is asked for, so the effects, which are
// keyed by content, are the same.
func TestThreat6ANewIDForTheSameBody(t *testing.T) {
	r := newRig(t)
	body := string(payloadOf(t, elsewhere, `{"issue":{"number":3}}`))
	for _, id := range []string{guid, "another-id"} {
		if w := r.send(delivery("issues", id, body)); w.Code != 202 {
			t.Fatalf("answered %d", w.Code)
		}
	}
	asked := map[string]bool{}
	for _, d := range r.rows {
		asked[outcome(Route(testInput(d.Event, d.Body)))] = true
	}
	if len(r.rows) != 2 || len(asked) != 1 || !asked["7/issue/11#3"] {
		t.Errorf("%d deliveries ask for %v", len(r.rows), asked)
	}
}

// However old, however ordered: what happened to an issue always says only "look at it", and carries nothing of what
// the payload says about it.
func TestThreat7LateAndOutOfOrder(t *testing.T) {
	var first []workflow.Subject
	for _, state := range []string{"open", "closed"} {
		for _, action := range []string{"closed", "opened", "edited", "deleted", "labeled", "unlabeled", "reopened", "transferred", "locked", "unlocked", "assigned", "of next year"} {
			body := payloadOf(t, elsewhere, fmt.Sprintf(`{"action":%q,"issue":{"number":3,"state":%q,"title":%q}}`, action, state, action))
			got, err := Route(testInput("issues", body))
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = got.Subjects
			}
			if len(first) != 1 || !slices.Equal(got.Subjects, first) {
				t.Errorf("%s: %v, want %v", action, got.Subjects, first)
			}
		}
	}
}

func TestWatchedEventsHaveTypes(t *testing.T) {
	n := 0
	for _, event := range github.MessageTypes() {
		if isWatched(event) {
			n++
		}
	}
	if n != 19 {
		t.Errorf("go-github knows %d of the 19 watched events", n)
	}
}

// TestPress: what is kept of a pressed button is named by the signed body, so that the same one under another delivery's id
// is no second press (THREATS 6).
func TestPress(t *testing.T) {
	pressed := []string{inRegistry, ownCheck, `{"action":"requested_action","requested_action":{"identifier":"approve"},"check_run":{"head_sha":"c0ffee","app":{"id":29310},"pull_requests":[{"number":4}]},"sender":{"id":5,"login":"dana","type":"User"}}`}
	body := payloadOf(t, pressed...)
	got, err := Route(testInput("check_run", body))
	if err != nil || len(got.Presses) != 1 {
		t.Fatalf("presses: %+v, %v", got.Presses, err)
	}
	p := got.Presses[0]
	if p.Action != "approve" || p.Head != "c0ffee" || p.By.ID != 5 || p.By.Login != "dana" || p.Bot || p.Subject.Number != 4 || p.Subject.Kind != workflow.PullSubject {
		t.Errorf("press: %+v", p)
	}
	again, _ := Route(testInput("check_run", body))
	if again.Presses[0].ID != p.ID {
		t.Error("the same body is another press")
	}
	other, _ := Route(testInput("check_run", append([]byte(" "), body...)))
	if other.Presses[0].ID == p.ID {
		t.Error("another body is the same press")
	}
	byApp, _ := Route(testInput("check_run", payloadOf(t, append(pressed, `{"sender":{"id":6,"login":"x[bot]","type":"Bot"}}`)...)))
	if !byApp.Presses[0].Bot {
		t.Error("an App's press is a person's")
	}
	again, _ = Route(testInput("check_run", payloadOf(t, append(pressed, `{"action":"rerequested"}`)...)))
	if len(again.Presses) != 1 || again.Presses[0].Action != workflow.Rerun || len(again.Subjects) == 0 {
		t.Errorf("a re-run: %+v", again)
	}
}
