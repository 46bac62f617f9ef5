package hub

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestJWT(t *testing.T) {
	w := newWorld(t)
	good := noonOffset{-time.Minute, 5 * time.Minute}
	for _, tc := range []struct {
		name  string
		token string
		want  int
	}{
		{"id as number", w.signed(w.app.ID, good), 200},
		{"id as string", w.signed(fmt.Sprint(w.app.ID), good), 200},
		{"client id", w.signed(w.app.ClientID, good), 200},
		{"unknown App", w.signed(99, good), 404},
		{"expired", w.signed(w.app.ID, noonOffset{-time.Minute, -time.Second}), 401},
		{"exp too far", w.signed(w.app.ID, noonOffset{0, 11 * time.Minute}), 401},
		{"exp at the bound", w.signed(w.app.ID, noonOffset{0, 10 * time.Minute}), 200},
		{"iat drifts a little", w.signed(w.app.ID, noonOffset{time.Minute, 5 * time.Minute}), 200},
		{"iat in the future", w.signed(w.app.ID, noonOffset{2 * time.Minute, 5 * time.Minute}), 401},
		{"bad signature", good.forge(w), 401},
		{"HS256", good.symmetric(w), 401},
		{"nobody", "", 401},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := w.call(tc.token, "GET", "/app", nil)
			res.t = t
			res.want(tc.want)
		})
	}
	w.call(w.jwt(), "GET", "/repos/acme/app", nil).want(403)
	w.call(w.jwt(), "GET", "/orgs/acme/installation", nil).want(200).is("id", w.inst)
	w.call(w.jwt(), "GET", "/repos/acme/app/installation", nil).want(200).is("app_slug", "keyreeve")
	w.call(w.jwt(), "GET", "/users/sam/installation", nil).want(404)
	w.call(w.jwt(), "GET", "/app/installations", nil).want(200).is("0.id", w.inst)
}

func (o noonOffset) forge(w *world) string {
	good := w.signed(w.app.ID, o)
	head := good[:strings.LastIndex(good, ".")+1]
	return head + strings.Repeat("A", len(good)-len(head))
}

func (o noonOffset) symmetric(w *world) string {
	now := w.clock.Now()
	tok := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": w.app.ID, "iat": now.Unix(), "exp": now.Add(o.exp).Unix()})
	text, err := tok.SignedString([]byte("whatever"))
	must(w.t, err)
	return text
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	path := fmt.Sprintf("/app/installations/%d/access_tokens", w.inst)

	for _, body := range []string{"", "null", "{}"} {
		res := w.call(w.jwt(), "POST", path, body).want(201)
		res.is("expires_at", "2026-03-02T13:00:00Z").is("permissions.issues", "write").is("repository_selection", "all")
	}
	w.refused(422, w.jwt(), "POST", path, `{"permissions":{"packages":"read"}}`)
	w.refused(422, w.jwt(), "POST", path, `{"permissions":{"actions":"write"}}`)
	w.refused(422, w.jwt(), "POST", path, `{"repositories":["nope"]}`)
	w.refused(422, w.jwt(), "POST", path, `{"repository_ids":[1]}`)
	w.call(w.jwt(), "POST", "/app/installations/77/access_tokens", "").want(404)

	narrow := w.token(`{"repositories":["identities"],"permissions":{"issues":"write"}}`)
	if !strings.HasPrefix(narrow, "ghs_") {
		t.Errorf("token %.4s… has not the prefix ghs_", narrow)
	}
	w.call(narrow, "GET", "/repos/acme/app", nil).want(404)
	w.call(narrow, "GET", "/repos/acme/identities", nil).want(200)
	w.call(narrow, "POST", "/repos/acme/identities/issues", `{"title":"x"}`).want(201)
	denied := w.call(narrow, "GET", "/repos/acme/identities/pulls", nil).want(403)
	denied.is("message", "Resource not accessible by integration")
	if got := denied.header.Get("X-Accepted-GitHub-Permissions"); got != "pull_requests=read" {
		t.Errorf("X-Accepted-GitHub-Permissions is %q", got)
	}
	w.call(narrow, "GET", "/installation/repositories", nil).want(200).is("total_count", 1)

	w.clock.advance(time.Hour)
	w.call(narrow, "GET", "/repos/acme/identities", nil).want(401).is("message", "Bad credentials")

	second := w.token("")
	w.call(second, "DELETE", "/installation/token", nil).want(204)
	w.call(second, "GET", "/repos/acme/identities", nil).want(401)

	third := w.token("")
	must(t, w.Suspend(w.inst))
	w.call(third, "GET", "/repos/acme/identities", nil).want(403)
	w.call(w.jwt(), "POST", path, "").want(403)
	must(t, w.Unsuspend(w.inst))
	w.call(third, "GET", "/repos/acme/identities", nil).want(200)
	must(t, w.Uninstall(w.inst))
	w.call(third, "GET", "/repos/acme/identities", nil).want(401)
	w.call(w.jwt(), "POST", path, "").want(404)
}

func TestNothingSecretIsKept(t *testing.T) {
	w := newWorld(t)
	plain := w.token("")
	for hash, tok := range w.tokens {
		if strings.Contains(fmt.Sprintf("%v %+v", hash, *tok), plain) {
			t.Error("a token is kept in clear")
		}
	}
}

func TestRateAndConditional(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	first := w.call(tok, "GET", "/repos/acme/identities", nil).want(200)
	tag := first.header.Get("ETag")
	if tag == "" || first.header.Get("X-RateLimit-Limit") != "5000" || first.header.Get("X-GitHub-Request-Id") == "" {
		t.Fatalf("headers are missing: %v", first.header)
	}
	before := first.header.Get("X-RateLimit-Remaining")
	again := w.call(tok, "GET", "/repos/acme/identities", nil, "If-None-Match", tag).want(304)
	if len(again.body) != 0 || again.header.Get("X-RateLimit-Remaining") != before {
		t.Errorf("a 304 has a body or costs: %q, remaining %s, before %s", again.body, again.header.Get("X-RateLimit-Remaining"), before)
	}
	w.call(tok, "POST", "/repos/acme/identities/issues", `{"title":"x"}`).want(201)
	w.call(tok, "GET", "/repos/acme/identities", nil, "If-None-Match", tag).want(200)

	w.mu.Lock()
	w.limits["installation:"+itoa(w.inst)].used = 5000
	w.mu.Unlock()
	w.call(tok, "GET", "/repos/acme/identities", nil).want(403).is("message", "API rate limit exceeded for installation.")
	w.call(tok, "GET", "/rate_limit", nil).want(200).is("rate.remaining", 0)
	w.clock.advance(61 * time.Minute)
	w.call(w.token(""), "GET", "/repos/acme/identities", nil).want(200)
}

func TestPeopleAndVisibility(t *testing.T) {
	w := newWorld(t)
	dana, sam, olga := w.Token("dana"), w.Token("sam"), w.Token("olga")
	w.call("", "GET", "/repos/acme/identities", nil).want(404)
	w.call(sam, "GET", "/repos/acme/identities", nil).want(404)
	w.call(dana, "GET", "/repos/acme/identities", nil).want(200).is("permissions.push", false)
	w.call(dana, "GET", "/repos/acme/app", nil).want(404)
	w.call(olga, "GET", "/repos/acme/app", nil).want(200).is("permissions.admin", true)
	w.call(dana, "PUT", "/repos/acme/identities/collaborators/dana", `{"permission":"admin"}`).want(403)
	w.call("ghp_wrong", "GET", "/meta", nil).want(401)
	w.call(dana, "GET", "/user", nil).want(200).is("login", "dana")

	must(t, w.SetVisibility("acme", "app", "public"))
	w.call("", "GET", "/repos/acme/app", nil).want(200).is("visibility", "public")
	w.call("", "POST", "/repos/acme/app/issues", `{"title":"x"}`).want(401)
	w.call(sam, "POST", "/repos/acme/app/issues", `{"title":"x","labels":["bug"]}`).want(201).is("labels", []any{})

	must(t, w.ArchiveRepo("acme", "app"))
	w.call(sam, "POST", "/repos/acme/app/issues", `{"title":"x"}`).want(403)

	must(t, w.RenameRepo("acme", "app", "service"))
	moved := w.call(olga, "GET", "/repos/acme/app/issues?state=all", nil).want(http.StatusMovedPermanently)
	if got := moved.header.Get("Location"); got != w.URL()+"/repos/acme/service/issues" && !strings.HasPrefix(got, w.URL()+"/repos/acme/service/issues?") {
		t.Errorf("moved to %q", got)
	}
	must(t, w.RenameUser("dana", "danielle"))
	w.call(dana, "GET", "/user", nil).want(200).is("login", "danielle")
	w.call("", "GET", "/users/dana", nil).want(404)
}
