// Package demo builds a small world on the simulated GitHub, plays the story of one access request in it with the real
// bot, and shows the conversation on a terminal as it happens. The story tests build the same world.
package demo

import (
	"fmt"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/templates/starter"
)

// The world's names: the organization acme with its registry, a repository
// that access is asked for, and the people around it.
const (
	Org      = "acme"
	Registry = "acme/identities"
	Payments = "acme/payments"
	Ledger   = "acme/ledger"

	Developer = "dana"  // a code owner of acme/payments, who asks
	Owner     = "erin"  // the other code owner, who approves
	Security  = "frank" // owns the rest of the registry, and production by the policy
	Stranger  = "gus"   // a member of the organization who owns nothing

	DeployBot = "payments-deploy-bot" // the machine user that would hold the access
	BotTeam   = "release-bots"        // a team of machine users

	// DeployIdentity and ReleaseIdentity are the registry's two identities; the first acts as DeployBot, the second as BotTeam.
	DeployIdentity  = "payments/deploy-bot"
	ReleaseIdentity = "payments/release-bots"
)

// AppPermissions are what the App asks for, with the reason for each in docs/permissions.md.
func AppPermissions() map[string]string {
	return map[string]string{
		"metadata": "read", "contents": "write", "issues": "write", "pull_requests": "write", "checks": "write",
		"administration": "write", "merge_queues": "read", "members": "read",
	}
}

// AppEvents are the webhook events that the App subscribes to.
func AppEvents() []string {
	return []string{
		"issues", "issue_comment", "pull_request", "pull_request_review", "check_run", "check_suite", "merge_group", "push",
		"member", "membership", "team", "organization", "repository", "installation", "installation_repositories",
	}
}

// World is the simulated GitHub with the world in it.
type World struct {
	Hub          *hub.Hub
	App          hub.App
	Installation int64
	Secret       string // of the webhook
}

// Build makes the world below dir, by the clock now. webhook is where the App's deliveries go.
func Build(h *hub.Hub, webhook, secret string, now time.Time) (*World, error) {
	w := &World{Hub: h, Secret: secret}
	b := builder{h: h}
	b.people()
	b.registry(now)
	b.do(h.AddRepo(Org, "payments", map[string]string{
		".github/CODEOWNERS": "* @acme/payments\n",
		"README.md":          "# payments\n\nTakes payments.\n",
	}))
	b.do(h.AddRepo(Org, "ledger", map[string]string{"README.md": "# ledger\n\nHas no CODEOWNERS, so nobody can be asked.\n"}))
	b.do(h.GrantTeam(Org, "payments", Org, "payments", "write"))
	b.do(h.GrantTeam(Org, "payments", Org, "identities", "write"))
	b.do(h.GrantTeam(Org, "security", Org, "identities", "maintain"))
	b.do(h.GrantTeam(Org, "security", Org, "ledger", "write"))
	b.do(h.GrantTeam(Org, "staff", Org, "identities", "read"))
	if b.err != nil {
		return nil, fmt.Errorf("build the demo's world: %w", b.err)
	}
	app, err := h.AddApp(hub.AppConfig{
		Slug: "keyreeve", Name: "keyreeve", WebhookURL: webhook, WebhookSecret: secret,
		Permissions: AppPermissions(), Events: AppEvents(),
	})
	if err != nil {
		return nil, fmt.Errorf("register the App: %w", err)
	}
	w.App = app
	w.Installation, err = h.Install(app.ID, Org)
	if err != nil {
		return nil, fmt.Errorf("install the App: %w", err)
	}
	return w, nil
}

// builder stops at the first error.
type builder struct {
	h   *hub.Hub
	err error
}

func (b *builder) do(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *builder) people() {
	b.do(b.h.AddOrg(Org))
	for _, login := range []string{Developer, Owner, Security, Stranger, DeployBot, "release-bot-1", "release-bot-2"} {
		_, err := b.h.AddUser(login)
		b.do(err)
		b.do(b.h.AddMember(Org, login, "member"))
	}
	b.do(b.h.AddTeam(Org, "payments", Developer, Owner))
	b.do(b.h.AddTeam(Org, "security", Security))
	b.do(b.h.AddTeam(Org, "staff", Stranger, DeployBot))
	b.do(b.h.AddTeam(Org, BotTeam, "release-bot-1", "release-bot-2"))
}

// registry is what `keyreeve init` writes, with the demo's own records in place of the example's.
func (b *builder) registry(now time.Time) {
	files, err := starter.Files(starter.Options{
		Org: Org, Owners: "@acme/security", Environments: []string{"development", "staging", "production"}, Today: now,
	})
	if err != nil {
		b.do(err)
		return
	}
	tree := map[string]string{}
	for path, data := range files {
		example := strings.HasPrefix(path, "identities/") || strings.HasPrefix(path, "use-cases/") || path == identity.PolicyTestPath
		if !example {
			tree[path] = string(data)
		}
	}
	tree[".github/CODEOWNERS"] = "# Who approves what in this registry; the last line that matches decides.\n" +
		"*                      @acme/security\n" +
		"/identities/payments/  @acme/payments\n" +
		"/grants/payments/      @acme/payments\n"
	tree["keyreeve.yaml"] += productionRule
	expires := now.AddDate(1, 0, 0).UTC().Format(time.DateOnly)
	tree["use-cases/deploy.yaml"] = useCase
	tree[identity.IdentityPath(DeployIdentity)] = fmt.Sprintf(deployBot, expires)
	tree[identity.IdentityPath(ReleaseIdentity)] = fmt.Sprintf(releaseBots, expires)
	b.do(b.h.AddRepo(Org, "identities", tree))
}

// productionRule is a rule of the demo's own, below the starter's.
const productionRule = `  # Production is never one team's business alone.
  - name: production
    when:
      environments: [production]
    require:
      - from: ["@acme/security"]
        count: 1
`

const useCase = `version: 1
name: deploy
owner: "@acme/security"
purpose: Bring releases of the payments service to its environments.
kinds: [service-account, machine-user]
ceiling:
  - provider: github
    resource: acme/payments
    permission: write
    environments: [staging, production]
  - provider: github
    resource: acme/ledger
    permission: read
    environments: [production]
maxDuration: 8h
`

const deployBot = `version: 1
name: payments/deploy-bot
kind: machine-user
owner: "@acme/payments"
purpose: Tags and uploads the releases of the payments service.
useCase: deploy
environment: production
expires: %s
status: active
account:
  user: payments-deploy-bot
`

const releaseBots = `version: 1
name: payments/release-bots
kind: machine-user
owner: "@acme/payments"
purpose: The machine users that cut releases together.
useCase: deploy
environment: production
expires: %s
status: active
account:
  team: acme/release-bots
`

// Ask is the body of an access request for the deploy bot, as the form makes it.
func Ask(permission, duration, reason string) string {
	return identity.Form{
		Identity: DeployIdentity, Repository: Payments, Permission: permission, Environment: "production",
		Duration: duration, Reason: reason, Confirmed: true,
	}.Body()
}
