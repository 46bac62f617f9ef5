package contract

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

const label = `{"id":1,"node_id":"LA_1","url":"https://api.github.com/repos/o/r/labels/bug","name":"bug","description":null,"color":"d73a4a","default":true}`

const issueComment = `{"id":1,"node_id":"IC_1","url":"http://127.0.0.1/c/1","html_url":"http://127.0.0.1/i/1","user":null,` +
	`"created_at":"2026-03-01T09:00:00Z","updated_at":"2026-03-01T09:00:00Z","issue_url":"http://127.0.0.1/i","author_association":"NONE","body":"hello"}`

// exchangeCase is one request with one answer and the violations it must give,
// each as "side: part of the text".
type exchangeCase struct {
	name           string
	method, target string
	body           string
	accept         string
	status         int
	answer         string
	header         map[string]string
	want           []string
}

var exchanges = []exchangeCase{
	// Good traffic.
	{name: "a label", method: "GET", target: "/repos/o/r/labels/bug", status: 200, answer: label},
	{name: "under /api/v3", method: "GET", target: "/api/v3/repos/o/r/labels/bug", status: 200, answer: label},
	{name: "a list with a page", method: "GET", target: "/repos/o/r/labels?per_page=100&page=2", status: 200, answer: "[" + label + "]"},
	{name: "not modified", method: "GET", target: "/repos/o/r/labels/bug", status: 304},
	{name: "a comment", method: "POST", target: "/repos/o/r/issues/7/comments", body: `{"body":"hello"}`, status: 201, answer: issueComment},
	{name: "no content", method: "DELETE", target: "/repos/o/r/issues/comments/7", status: 204},
	{name: "member put as collaborator", method: "PUT", target: "/repos/o/r/collaborators/bob", body: `{"permission":"push"}`, status: 204},
	{name: "no body where none is needed", method: "PUT", target: "/repos/o/r/collaborators/bob", status: 204},
	{name: "slash in a reference", method: "DELETE", target: "/repos/o/r/git/refs/heads/a/b", status: 204},
	{name: "slash in a path", method: "GET", target: "/repos/o/r/contents/docs/a.md?ref=main", status: 404, answer: `{"message":"Not Found"}`},
	{name: "the root folder", method: "GET", target: "/repos/o/r/contents/", status: 200, answer: `[]`},
	{name: "the root folder without a slash", method: "GET", target: "/repos/o/r/contents", status: 200, answer: `[]`},
	{name: "encoded slash", method: "DELETE", target: "/repos/o/r/environments/a%2Fb", status: 204},
	{name: "redelivery", method: "POST", target: "/app/hook/deliveries/7/attempts", status: 202, answer: `{}`},
	{name: "tarball", method: "GET", target: "/repos/o/r/tarball/heads/main", status: 302, header: map[string]string{"Location": "https://x/y"}},
	{name: "bad credentials anywhere", method: "GET", target: "/repos/o/r/labels/bug", status: 401, answer: `{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest"}`},
	{name: "validation failed anywhere", method: "PATCH", target: "/repos/o/r/check-runs/7", body: `{"name":"x"}`, status: 422, answer: `{"message":"Validation Failed","errors":[{"resource":"CheckRun","code":"invalid"}]}`},
	{name: "null for an access token", method: "POST", target: "/app/installations/7/access_tokens", body: "null", status: 201, answer: `{"token":"ghs_x","expires_at":"2026-03-01T09:00:00Z"}`},
	{name: "completed with a conclusion", method: "PATCH", target: "/repos/o/r/check-runs/7", body: `{"status":"completed","conclusion":"success"}`, status: 404, answer: `{"message":"Not Found"}`},

	// What is no REST passes.
	{name: "git", method: "GET", target: "/o/r.git/info/refs?service=git-upload-pack", status: 200, answer: "# service"},
	{name: "a push", method: "POST", target: "/o/r.git/git-receive-pack", body: "0000", status: 200},
	{name: "GraphQL", method: "POST", target: "/graphql", body: "{", status: 200, answer: "{}"},
	{name: "GraphQL of a server", method: "POST", target: "/api/graphql", body: "{", status: 200, answer: "{}"},
	{name: "a page", method: "GET", target: "/o/r/issues/1", accept: "text/html,*/*", status: 200, answer: "<p>"},

	// Violations of the request.
	{name: "unknown path", method: "GET", target: "/repos/o/r/nonsense", status: 404, answer: `{"message":"Not Found"}`, want: []string{"request: no such operation"}},
	{name: "unknown method", method: "DELETE", target: "/repos/o/r/branches", status: 404, answer: `{"message":"Not Found"}`, want: []string{"request: no such operation"}},
	{name: "required property missing", method: "POST", target: "/repos/o/r/issues/7/comments", body: `{"text":"hello"}`, status: 422, answer: `{"message":"Validation Failed"}`, want: []string{`request: body: /body: property "body" is missing`}},
	{name: "wrong type", method: "POST", target: "/repos/o/r/issues/7/comments", body: `{"body":7}`, status: 422, answer: `{"message":"Validation Failed"}`, want: []string{"request: body: /body: value must be a string"}},
	{name: "no body", method: "POST", target: "/repos/o/r/issues/7/comments", status: 400, answer: `{"message":"Problems parsing JSON"}`, want: []string{"request: body: value is required"}},
	{name: "broken JSON", method: "POST", target: "/repos/o/r/issues/7/comments", body: `{`, status: 400, answer: `{"message":"Problems parsing JSON"}`, want: []string{"request: body:"}},
	{name: "unknown value", method: "PATCH", target: "/repos/o/r/issues/7", body: `{"state":"shut"}`, status: 422, answer: `{"message":"Validation Failed"}`, want: []string{"request: body: /state"}},
	{name: "null where no exception is", method: "POST", target: "/repos/o/r/issues/7/comments", body: "null", status: 400, answer: `{"message":"Body should be a JSON object"}`, want: []string{"request: body:"}},
	{name: "number in the path", method: "GET", target: "/repos/o/r/issues/seven", status: 404, answer: `{"message":"Not Found"}`, want: []string{`request: parameter "issue_number"`}},
	{name: "value of the query", method: "GET", target: "/repos/o/r/pulls?state=shut", status: 200, answer: "[]", want: []string{`request: parameter "state"`}},
	{name: "misspelt query", method: "GET", target: "/repos/o/r/pulls?sate=open", status: 200, answer: "[]", want: []string{"request: no such query parameter: sate"}},
	{name: "body of a GET", method: "GET", target: "/repos/o/r/pulls", body: "{}", status: 200, answer: "[]", want: []string{"request: the operation takes no body"}},
	{name: "completed without a conclusion", method: "PATCH", target: "/repos/o/r/check-runs/7", body: `{"status":"completed"}`, status: 404, answer: `{"message":"Not Found"}`, want: []string{"request: "}},
	{name: "four buttons", method: "PATCH", target: "/repos/o/r/check-runs/7", body: `{"actions":[` + strings.TrimSuffix(strings.Repeat(`{"label":"l","description":"d","identifier":"i"},`, 4), ",") + `]}`, status: 404, answer: `{"message":"Not Found"}`, want: []string{"request: body: /actions: maximum number of items is 3"}},

	// Violations of the answer.
	{name: "answer lacks a property", method: "GET", target: "/repos/o/r/labels/bug", status: 200, answer: strings.Replace(label, `"default":true`, `"x":1`, 1), want: []string{`response: status 200: response body doesn't match schema #/components/schemas/label: /default: property "default" is missing`}},
	{name: "answer of the wrong type", method: "GET", target: "/repos/o/r/labels/bug", status: 200, answer: strings.Replace(label, `"id":1`, `"id":"1"`, 1), want: []string{"/id: value must be an integer"}},
	{name: "null that may not be", method: "GET", target: "/repos/o/r/labels/bug", status: 200, answer: strings.Replace(label, `"name":"bug"`, `"name":null`, 1), want: []string{"/name: "}},
	{name: "in a list", method: "GET", target: "/repos/o/r/labels", status: 200, answer: "[" + label + `,{"id":2}]`, want: []string{"response: status 200: "}},
	{name: "bad time", method: "POST", target: "/repos/o/r/issues/7/comments", body: `{"body":"hello"}`, status: 201, answer: strings.Replace(issueComment, "2026-03-01T09:00:00Z", "yesterday", 1), want: []string{"/created_at: "}},
	{name: "relative address", method: "POST", target: "/repos/o/r/issues/7/comments", body: `{"body":"hello"}`, status: 201, answer: strings.Replace(issueComment, "http://127.0.0.1/i/1", "/i/1", 1), want: []string{"/html_url: "}},
	{name: "wrong success", method: "POST", target: "/repos/o/r/issues/7/comments", body: `{"body":"hello"}`, status: 200, answer: issueComment, want: []string{"response: status 200 is not one of 201, "}},
	{name: "status out of the blue", method: "GET", target: "/repos/o/r/labels/bug", status: 418, answer: `{"message":"teapot"}`, want: []string{"response: status 418 is not one of"}},
	{name: "422 without a body to judge", method: "GET", target: "/repos/o/r/labels/bug", status: 422, answer: `{"message":"x"}`, want: []string{"response: status 422 is not one of"}},
	{name: "error without a message", method: "GET", target: "/repos/o/r/labels/bug", status: 401, answer: `{"error":"x"}`, want: []string{"response: status 401: the body has no message"}},
	{name: "error that is no JSON", method: "GET", target: "/repos/o/r/labels/bug", status: 502, answer: `<html>`, want: []string{"response: status 502: the body is not JSON"}},
	{name: "no content type", method: "GET", target: "/repos/o/r/labels/bug", status: 200, answer: label, header: map[string]string{"Content-Type": "text/plain"}, want: []string{"response: status 200: "}},
	{name: "empty answer", method: "GET", target: "/repos/o/r/labels/bug", status: 200, want: []string{"response: status 200: "}},
	{name: "both sides", method: "POST", target: "/repos/o/r/issues/7/comments", body: `{}`, status: 201, answer: `{}`, want: []string{"request: body: /body", "response: status 201: "}},
}

func TestWrap(t *testing.T) {
	d, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range exchanges {
		t.Run(c.name, func(t *testing.T) { checkExchange(t, d, c) })
	}
}

func checkExchange(t *testing.T, d *Description, c exchangeCase) {
	var got []Violation
	var seen string
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		seen = r.Method + " " + r.URL.RequestURI() + " " + string(body)
		if c.answer != "" {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
		}
		for name, value := range c.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(c.status)
		io.WriteString(w, c.answer) //nolint:errcheck // a recorder
	})
	r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
	if c.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Accept", c.accept)
	w := httptest.NewRecorder()
	d.Wrap(next, func(v Violation) { got = append(got, v) }).ServeHTTP(w, r)

	if w.Code != c.status || w.Body.String() != c.answer {
		t.Errorf("the answer was changed: %d %q", w.Code, w.Body)
	}
	if want := c.method + " " + c.target + " " + c.body; seen != want {
		t.Errorf("the request was changed: %q, want %q", seen, want)
	}
	if len(got) != len(c.want) {
		t.Fatalf("violations %v, want %q", got, c.want)
	}
	for i, v := range got {
		if text := v.Side + ": " + v.Err.Error(); !strings.Contains(text, c.want[i]) {
			t.Errorf("violation %q, want %q", text, c.want[i])
		}
		if len(v.Error()) > 500 {
			t.Errorf("a violation is told in %d bytes: %s", len(v.Error()), v)
		}
	}
}

func TestViolationNamesTheOperation(t *testing.T) {
	d, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	var got []Violation
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	wrapped := d.Wrap(next, func(v Violation) { got = append(got, v) })
	wrapped.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/api/v3/repos/o/r/labels/bug?x=1", nil))
	wrapped.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/nonsense", nil))
	if len(got) != 3 || got[1].Operation != "issues/get-label" || got[1].Path != "/repos/o/r/labels/bug" || got[1].Side != Response {
		t.Fatalf("got %+v", got)
	}
	if !errors.Is(got[2], ErrUnknown) || got[2].Error() != "GET /nonsense (unknown operation): request: "+ErrUnknown.Error() {
		t.Errorf("got %v", got[2])
	}
}

// Over real HTTP, many at once: what the race detector should see.
func TestWrapConcurrently(t *testing.T) {
	d, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, label) //nolint:errcheck // judged by the client
	})
	server := httptest.NewServer(d.Wrap(next, func(v Violation) { t.Error(v) }))
	defer server.Close()
	done := make(chan error)
	for range 8 {
		go func() {
			res, err := http.Get(server.URL + "/repos/o/r/labels/bug")
			if err == nil {
				_, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// The checked in copy is what operations.txt asks for, is sound by OpenAPI's
// own rules, and is named in the README with its version.
func TestDescription(t *testing.T) {
	start := time.Now()
	d, err := load()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("loaded in %v", time.Since(start))
	if err := d.doc.Validate(t.Context()); err != nil {
		t.Errorf("the trimmed description: %v", err)
	}
	list, err := os.ReadFile("operations.txt")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for line := range strings.Lines(string(list)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			want = append(want, line)
		}
	}
	var got []string
	for op := range d.Operations() {
		got = append(got, op)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("github.json.gz and operations.txt differ: run make contract\nhas   %q\nwants %q", got, want)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), d.doc.Info.Version) {
		t.Errorf("README.md does not name version %s", d.doc.Info.Version)
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := parse(unpackForBench(b)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrap(b *testing.B) {
	d, err := Load()
	if err != nil {
		b.Fatal(err)
	}
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, label) //nolint:errcheck // a recorder
	})
	h := d.Wrap(next, func(v Violation) { b.Error(v) })
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/repos/o/r/labels/bug", nil))
	}
}

func unpackForBench(b *testing.B) []byte {
	b.Helper()
	data, err := unpack()
	if err != nil {
		b.Fatal(err)
	}
	return data
}
