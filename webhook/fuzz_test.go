package webhook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

// Whatever the payload, Route gives an error, or exactly one of sound subjects and a rule; and the same one each time.
func FuzzRoute(f *testing.F) {
	seen := map[string]bool{}
	for _, e := range examples(f) {
		if isWatched(e.event) && !seen[e.event] {
			seen[e.event] = true
			f.Add(e.event, string(withInstallation(f, e.body)))
		}
	}
	f.Add("issue_comment", string(payloadOf(f, elsewhere, bot, `{"issue":{"number":3},"comment":{`+byBot+`}}`)))
	f.Add("check_run", string(payloadOf(f, inRegistry, ownCheck)))
	f.Add("check_suite", string(payloadOf(f, inRegistry, `{"check_suite":{"pull_requests":[null]}}`)))
	f.Add("issues", `{"installation":{"id":7},"repository":null,"issue":null}`)
	f.Add("push", `null`)
	f.Fuzz(func(t *testing.T, event, body string) {
		in := Input{App: testApp, Event: event, Body: []byte(body), Registry: func(o, _ string) bool { return len(o)%2 == 0 }}
		got, err := Route(in)
		again, errAgain := Route(in)
		if !reflect.DeepEqual(got, again) || fmt.Sprint(err) != fmt.Sprint(errAgain) {
			t.Fatalf("%+v, %v, then %+v, %v", got, err, again, errAgain)
		}
		if err != nil {
			if got.Rule != "" || len(got.Subjects) != 0 {
				t.Fatalf("an error and %+v", got)
			}
			return
		}
		if (got.Rule != "") == (len(got.Subjects) > 0) {
			t.Fatalf("both or neither: %+v", got)
		}
		keys := map[string]bool{}
		for _, s := range got.Subjects {
			named := s.Number > 0 && s.Repo.ID > 0 && strings.Count(s.Repo.String(), "/") == 1
			if s.Installation <= 0 || keys[s.Key()] || s.Kind != workflow.InstallationSubject && !named {
				t.Fatalf("unsound or repeated: %+v", got.Subjects)
			}
			keys[s.Key()] = true
		}
	})
}

// Whatever the headers and body, only what is signed is kept, as it came, and under a safe id.
func FuzzDoor(f *testing.F) {
	f.Add("issues", guid, sign(newSecret, payload), payload)
	f.Add("ping", guid, sign(oldSecret, "{}"), "{}")
	f.Add("issues", "a\nb", sign(newSecret, payload), payload)
	f.Add("", "", "sha256=", "")
	f.Add("issues", guid, "sha1="+strings.Repeat("0", 40), payload)
	f.Add("issues", guid, strings.ToUpper(sign(newSecret, payload)), payload)
	f.Add("issues", guid, "sign", `{"installation":{"id":-1}}`) // "sign" is replaced by a right signature
	f.Fuzz(func(t *testing.T, event, id, signature, body string) {
		r := newRig(t)
		if signature == "sign" {
			signature = sign(newSecret, body)
		}
		req := httptest.NewRequest(http.MethodPost, "/webhook", strings.NewReader(body))
		req.Header = http.Header{
			"Content-Type": {"application/json"}, "X-Github-Event": {event}, "X-Github-Delivery": {id},
			"X-Hub-Signature-256": {signature},
		}
		w := r.send(req)
		digits, prefixed := strings.CutPrefix(signature, "sha256=")
		signed := false
		for _, secret := range []string{newSecret, oldSecret} {
			signed = signed || prefixed && strings.ToLower(digits) == sign(secret, body)[7:]
		}
		if (w.Code == http.StatusUnauthorized) == signed {
			t.Fatalf("signed: %t, answered %d", signed, w.Code)
		}
		if (w.Code/100 == 2) != (len(r.rows) == 1) || len(r.counts) != 1 {
			t.Fatalf("answered %d with %d rows, counted %q", w.Code, len(r.rows), r.counts)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("answered %q", w.Body)
		}
		for _, d := range r.rows {
			if string(d.Body) != body || d.Event != event || d.ID != id || !signed || d.Installation < 0 ||
				len(d.ID) > 128 || strings.ContainsAny(d.ID, "/.\\\"'\n\x00 ") || !json.Valid(d.Body) {
				t.Fatalf("kept %+v", d)
			}
		}
	})
}
