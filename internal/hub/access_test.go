package hub

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const appRepo = "/repos/acme/app"

// permissionOf is what the API says a person has on acme/app.
func (w *world) permissionOf(tok, login string) string {
	w.t.Helper()
	return w.call(tok, "GET", appRepo+"/collaborators/"+login+"/permission", nil).want(200).str("role_name")
}

func TestCollaborators(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	w.hooks()
	if got := w.permissionOf(tok, "dana"); got != "none" {
		t.Errorf("dana has %s before", got)
	}
	w.call(tok, "GET", appRepo+"/collaborators/dana", nil).want(404)
	w.call(tok, "PUT", appRepo+"/collaborators/dana", `{"permission":"maintain"}`).want(204)
	w.call(tok, "GET", appRepo+"/collaborators/dana/permission", nil).want(200).is("permission", "write").is("role_name", "maintain").is("user.permissions.admin", false)
	w.call(tok, "GET", appRepo+"/collaborators/dana", nil).want(204)
	w.call(tok, "GET", appRepo+"/collaborators?affiliation=direct", nil).want(200).is("0.login", "dana").is("0.role_name", "maintain").is("1", nil)
	w.call(tok, "GET", appRepo+"/collaborators?affiliation=outside", nil).want(200).is("", []any{})
	w.call(tok, "GET", appRepo+"/collaborators", nil).want(200).is("1.login", "olga").is("1.role_name", "admin")
	w.call(tok, "PUT", appRepo+"/collaborators/dana", `{"permission":"write"}`).want(422)
	w.call(tok, "PUT", appRepo+"/collaborators/nobody", `{"permission":"pull"}`).want(404)
	w.call(tok, "DELETE", appRepo+"/collaborators/dana", nil).want(204)
	w.call(tok, "DELETE", appRepo+"/collaborators/dana", nil).want(204)
	if got := w.permissionOf(tok, "dana"); got != "none" {
		t.Errorf("dana has %s afterwards", got)
	}
	sameNames(t, hookNames(w.hooks()), "member.added", "member.removed")
	if got := w.permissionOf(tok, "olga"); got != "admin" {
		t.Errorf("an owner has %s", got)
	}
}

func TestInvitations(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	inv := w.call(tok, "PUT", appRepo+"/collaborators/sam", `{"permission":"push"}`).want(201).is("permissions", "write").is("expired", false)
	same := w.call(tok, "PUT", appRepo+"/collaborators/sam", `{"permission":"pull"}`).want(201).is("permissions", "read")
	if inv.id("id") != same.id("id") {
		t.Error("a second invitation was made")
	}
	if got := w.permissionOf(tok, "sam"); got != "none" {
		t.Errorf("an invited person has %s", got)
	}
	w.call(tok, "GET", appRepo+"/invitations", nil).want(200).is("0.invitee.login", "sam")
	w.call(tok, "PATCH", fmt.Sprintf("%s/invitations/%d", appRepo, inv.id("id")), `{"permissions":"triage"}`).want(200).is("permissions", "triage")
	w.call(w.Token("dana"), "PATCH", fmt.Sprintf("/user/repository_invitations/%d", inv.id("id")), nil).want(404)
	w.call(w.Token("sam"), "GET", "/user/repository_invitations", nil).want(200).is("0.id", inv.id("id"))
	must(t, w.As("sam").AcceptInvitation("acme/app"))
	if got := w.permissionOf(tok, "sam"); got != "triage" {
		t.Errorf("after accepting, sam has %s", got)
	}
	w.call(tok, "PUT", appRepo+"/collaborators/sam", `{"permission":"push"}`).want(204)
	w.call(tok, "GET", appRepo+"/collaborators?affiliation=outside", nil).want(200).is("0.login", "sam")
	w.call(tok, "GET", appRepo+"/invitations", nil).want(200).is("", []any{})
	w.call(tok, "DELETE", appRepo+"/collaborators/sam", nil).want(204)

	again := w.call(tok, "PUT", appRepo+"/collaborators/sam", `{"permission":"push"}`).want(201)
	w.clock.advance(8 * 24 * time.Hour)
	tok = w.token("")
	w.call(tok, "GET", appRepo+"/invitations", nil).want(200).is("0.expired", true)
	if err := w.As("sam").AcceptInvitation("acme/app"); err == nil {
		t.Error("a lapsed invitation was accepted")
	}
	w.call(tok, "DELETE", fmt.Sprintf("%s/invitations/%d", appRepo, again.id("id")), nil).want(204)
	w.call(tok, "DELETE", fmt.Sprintf("%s/invitations/%d", appRepo, again.id("id")), nil).want(404)

	w.call(tok, "PUT", appRepo+"/collaborators/sam", `{}`).want(201)
	w.call(tok, "DELETE", appRepo+"/collaborators/sam", nil).want(204)
	w.call(tok, "GET", appRepo+"/invitations", nil).want(200).is("", []any{})
}

func TestTeams(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	w.hooks()
	team := "/orgs/acme/teams/security"
	w.call(tok, "GET", "/orgs/acme/teams", nil).want(200).is("0.slug", "security")
	w.call(tok, "GET", team, nil).want(200).is("members_count", 1).is("organization.login", "acme")
	w.call(tok, "GET", "/orgs/acme/teams/ghosts", nil).want(404)
	w.call(tok, "GET", team+"/members", nil).want(200).is("0.login", "rory").is("1", nil)
	w.call(tok, "GET", team+"/memberships/rory", nil).want(200).is("state", "active").is("role", "member")
	w.call(tok, "GET", team+"/memberships/dana", nil).want(404)
	w.call(tok, "PUT", team+"/memberships/dana", `{"role":"maintainer"}`).want(200).is("role", "maintainer")
	w.call(tok, "PUT", team+"/memberships/sam", nil).want(200).is("state", "pending")
	w.call(tok, "GET", team+"/members", nil).want(200).is("2", nil)
	w.call(tok, "DELETE", team+"/memberships/dana", nil).want(204)
	w.call(tok, "DELETE", team+"/memberships/dana", nil).want(404)

	onApp := team + "/repos/acme/app"
	w.call(tok, "GET", onApp, nil).want(404)
	w.call(tok, "PUT", onApp, `{"permission":"push"}`).want(204)
	w.call(tok, "GET", onApp, nil).want(204)
	w.call(tok, "GET", onApp, nil, "Accept", "application/vnd.github.v3.repository+json").want(200).is("permissions.push", true).is("role_name", "write")
	w.call(tok, "GET", appRepo+"/teams", nil).want(200).is("0.slug", "security").is("0.permission", "push")
	w.call(tok, "GET", team+"/repos", nil).want(200).is("0.name", "identities").is("1.name", "app")
	if got := w.permissionOf(tok, "rory"); got != "write" {
		t.Errorf("by the team, rory has %s", got)
	}
	w.call(tok, "PUT", onApp, `{"permission":"root"}`).want(422)
	must(t, w.RemoveFromTeam("acme", "security", "rory"))
	if got := w.permissionOf(tok, "rory"); got != "none" {
		t.Errorf("off the team, rory has %s", got)
	}
	w.call(tok, "DELETE", onApp, nil).want(204)
	w.call(tok, "GET", onApp, nil).want(404)
	sameNames(t, hookNames(w.hooks()), "membership.added", "membership.removed", "team.added_to_repository", "team_add",
		"membership.removed", "team.removed_from_repository")

	must(t, w.AddMember("acme", "sam", "member"))
	w.call(tok, "GET", team+"/memberships/sam", nil).want(200).is("state", "active")
}

func TestTeamsAreMadeAndGo(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	w.call(tok, "POST", "/orgs/acme/teams", `{"name":"Release Managers","maintainers":["dana"]}`).want(201).is("slug", "release-managers").is("members_count", 1)
	w.call(tok, "POST", "/orgs/acme/teams", `{"name":"release managers"}`).want(422)
	w.call(tok, "PUT", "/orgs/acme/teams/release-managers/repos/acme/app", `{"permission":"push"}`).want(204)
	w.call(tok, "PATCH", "/orgs/acme/teams/release-managers", `{"name":"Releasers"}`).want(200).is("slug", "releasers")
	w.call(tok, "GET", "/orgs/acme/teams/release-managers", nil).want(404)
	w.call(tok, "GET", "/orgs/acme/teams/releasers/teams", nil).want(200).is("", []any{})
	if got := w.permissionOf(tok, "dana"); got != "write" {
		t.Errorf("by the renamed team, dana has %s", got)
	}
	w.call(tok, "DELETE", "/orgs/acme/teams/releasers", nil).want(204)
	if got := w.permissionOf(tok, "dana"); got != "none" {
		t.Errorf("after the team is gone, dana has %s", got)
	}
	w.call(tok, "PATCH", appRepo, `{"name":"service"}`).want(200).is("full_name", "acme/service")
	w.call(tok, "PATCH", "/repos/acme/service", `{"archived":true}`).want(200).is("archived", true)
	w.call(tok, "PUT", "/repos/acme/service/collaborators/dana", `{}`).want(403)
	w.call(tok, "PATCH", "/repos/acme/service", `{"name":"app"}`).want(403)
	w.call(tok, "PATCH", "/repos/acme/service", `{"archived":false}`).want(200).is("archived", false)
	w.call(tok, "PUT", "/repos/acme/service/collaborators/dana", `{}`).want(204)
	w.call(tok, "DELETE", "/orgs/acme/members/dana", nil).want(204)
	w.call(tok, "GET", "/orgs/acme/members/dana", nil).want(404)
}

func TestMembers(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	w.call(tok, "GET", "/orgs/acme", nil).want(200).is("login", "acme")
	w.call(tok, "GET", "/orgs/other", nil).want(404)
	w.call(tok, "GET", "/orgs/acme/members", nil).want(200).is("0.login", "dana").is("3", nil)
	w.call(tok, "GET", "/orgs/acme/members?role=admin", nil).want(200).is("0.login", "olga").is("1", nil)
	w.call(tok, "GET", "/orgs/acme/members/dana", nil).want(204)
	w.call(tok, "GET", "/orgs/acme/members/sam", nil).want(404)
	w.call(tok, "GET", "/orgs/acme/memberships/olga", nil).want(200).is("role", "admin").is("state", "active")
	w.call(tok, "GET", "/orgs/acme/memberships/sam", nil).want(404)
	w.call(tok, "GET", "/orgs/acme/installations", nil).want(200).is("installations.0.app_slug", "keyreeve")
	w.call(tok, "GET", "/orgs/acme/repos", nil).want(200).is("1.full_name", "acme/app")
	dana := w.call(tok, "GET", "/users/dana", nil).want(200).is("type", "User")
	w.call(tok, "GET", fmt.Sprintf("/user/%d", dana.id("id")), nil).want(200).is("login", "dana")
	w.call(tok, "GET", "/users/keyreeve%5Bbot%5D", nil).want(200).is("type", "Bot")
	w.call(w.Token("sam"), "GET", "/orgs/acme/members", nil).want(403)
	must(t, w.SetBasePermission("acme", "read"))
	if got := w.permissionOf(tok, "dana"); got != "read" {
		t.Errorf("by the base permission, dana has %s", got)
	}
	must(t, w.AddCollaborator("acme", "app", "dana", "admin"))
	must(t, w.RemoveMember("acme", "dana"))
	if got := w.permissionOf(tok, "dana"); got != "none" {
		t.Errorf("out of the organization, dana has %s", got)
	}
}

func TestDeployKeys(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	key := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHZW8sXW0hZQ1m6qGJ4mTgq1mB7c0n1nXJ8m2s9hQm5x"
	made := w.call(tok, "POST", appRepo+"/keys", map[string]any{"title": "deploy", "key": key + " me@host", "read_only": true}).want(201)
	made.is("key", key).is("read_only", true).is("added_by", "keyreeve[bot]")
	w.call(tok, "POST", registry+"/keys", map[string]any{"title": "deploy", "key": key}).want(422).is("errors.0.message", "key is already in use")
	w.refused(422, tok, "POST", registry+"/keys", map[string]any{"title": "deploy", "key": "no key"})
	one := fmt.Sprintf("%s/keys/%d", appRepo, made.id("id"))
	w.call(tok, "GET", one, nil).want(200).is("title", "deploy")
	w.call(tok, "GET", appRepo+"/keys", nil).want(200).is("0.id", made.id("id"))
	w.call(tok, "GET", registry+"/keys", nil).want(200).is("", []any{})
	w.call(tok, "DELETE", one, nil).want(204)
	w.call(tok, "GET", one, nil).want(404)
}

func TestEnvironmentsAndSecrets(t *testing.T) {
	w := newWorld(t)
	tok := w.token("")
	env := appRepo + "/environments/production%2Feu"
	w.call(tok, "GET", env, nil).want(404)
	w.call(tok, "PUT", env, nil).want(200).is("name", "production/eu").is("protection_rules", []any{})
	rory := w.call(tok, "GET", "/users/olga", nil).want(200).id("id")
	w.call(tok, "PUT", env, map[string]any{
		"wait_timer": 5, "reviewers": []any{map[string]any{"type": "User", "id": rory}},
		"deployment_branch_policy": map[string]any{"protected_branches": true, "custom_branch_policies": false},
	}).want(200).is("protection_rules.1.reviewers.0.reviewer.login", "olga")
	w.call(tok, "PUT", env, map[string]any{"reviewers": []any{map[string]any{"type": "User", "id": 5}}}).want(422)
	w.call(tok, "GET", appRepo+"/environments", nil).want(200).is("total_count", 1)

	for _, scope := range []string{appRepo + "/actions", appRepo + "/dependabot", appRepo + "/codespaces", appRepo + "/agents", env} {
		key := w.call(tok, "GET", scope+"/secrets/public-key", nil).want(200)
		sealed := map[string]any{"encrypted_value": b64(strings.Repeat("x", 60)), "key_id": key.str("key_id")}
		w.call(tok, "PUT", scope+"/secrets/deploy_key", sealed).want(201)
		w.clock.advance(time.Minute)
		w.call(tok, "PUT", scope+"/secrets/DEPLOY_KEY", sealed).want(204)
		got := w.call(tok, "GET", scope+"/secrets/DEPLOY_KEY", nil).want(200)
		if got.str("created_at") >= got.str("updated_at") {
			t.Errorf("%s: updated_at %s did not move from %s", scope, got.str("updated_at"), got.str("created_at"))
		}
		sealed["key_id"] = "other"
		w.refused(422, tok, "PUT", scope+"/secrets/DEPLOY_KEY", sealed)
		w.call(tok, "GET", scope+"/secrets", nil).want(200).is("total_count", 1).is("secrets.0.name", "DEPLOY_KEY")
		w.call(tok, "DELETE", scope+"/secrets/DEPLOY_KEY", nil).want(204)
		w.call(tok, "DELETE", scope+"/secrets/DEPLOY_KEY", nil).want(404)
	}
	for _, scope := range []string{appRepo + "/actions", appRepo + "/agents", env} {
		w.unchecked(tok, "POST", scope+"/variables", map[string]string{"name": "region", "value": "eu"}).want(201)
		w.unchecked(tok, "POST", scope+"/variables", map[string]string{"name": "REGION", "value": "eu"}).want(409)
		w.call(tok, "GET", scope+"/variables", nil).want(200).is("variables.0.value", "eu")
	}
	w.call(tok, "PATCH", appRepo+"/actions/variables/REGION", `{"value":"us"}`).want(204)
	w.call(tok, "GET", appRepo+"/actions/variables/region", nil).want(200).is("value", "us")
	w.call(tok, "DELETE", appRepo+"/actions/variables/REGION", nil).want(204)

	for _, store := range []string{"actions", "dependabot", "codespaces", "agents"} {
		must(t, w.AddSecret("acme", store, "ORG_TOKEN"))
		w.call(tok, "GET", "/orgs/acme/"+store+"/secrets", nil).want(200).is("secrets.0.visibility", "private")
	}
	must(t, w.AddSecret("acme/app", "actions", "PLANTED"))
	must(t, w.AddSecret("acme/app/production/eu", "actions", "PLANTED_TOO"))
	if err := w.AddSecret("acme/app/nowhere", "actions", "X"); err == nil {
		t.Error("a secret was put into an unknown environment")
	}
	w.call(tok, "GET", appRepo+"/actions/organization-secrets", nil).want(200).is("secrets.0.name", "ORG_TOKEN")
	got := w.Snapshot().Repo("acme/app")
	if len(got.Secrets) != 1 || got.Environments[0].Secrets[0].Name != "PLANTED_TOO" {
		t.Errorf("the snapshot has %+v and %+v", got.Secrets, got.Environments)
	}
	w.call(tok, "DELETE", env, nil).want(204)
	w.call(tok, "GET", env+"/secrets", nil).want(404)
}
