package pages

import (
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

// still is a World that never changes.
type still struct{ world hub.World }

func (s still) Snapshot() hub.World { return s.world }

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }

func ptr[T any](v T) *T { return &v }

var (
	dana     = hub.User{ID: 11, Login: "dana", Type: "User"}
	olivia   = hub.User{ID: 12, Login: "olivia", Type: "User"}
	erik     = hub.User{ID: 13, Login: "erik", Type: "User"}
	keyreeve = hub.User{ID: 14, Login: "keyreeve[bot]", Type: "Bot"}
)

const status = `<!-- keyreeve:status 01J -->
### Access request: waiting for approval

` + "`ci-deployer`" + ` asks for **push** on ` + "`acme/storefront`" + ` for **30 days**.

| | |
|---|---|
| Identity | ` + "`ci-deployer`" + ` (machine, owned by ` + "`@acme/delivery`" + `) |
| Access | push on ` + "`acme/storefront`" + `, environment ` + "`production`" + ` |
| Record | ` + "`identities/ci-deployer.yaml`" + ` in #2 |

| Approval for | Owners | From | Approved by |
|---|---|---|---|
| resource | @acme/delivery | ` + "`acme/storefront`" + ` CODEOWNERS line 1 | ✅ ` + "`olivia`" + ` |

<sub>This one comment is kept up to date.</sub>
`

const hostile = `<script>alert("body")</script>

<img src=x onerror=alert(1)> [click](javascript:alert(2)) ![pixel](https://tracker.example/p.png)

<!-- a hidden remark -->
<div onclick="alert(3)">block</div>

a@b.example is no mention, @olivia and @acme/delivery are, ` + "`@code #9`" + ` is not; see #2 and acme/storefront#7`

// repoWithGit makes acme/identities: two commits on main and a branch with two more.
func repoWithGit(t *testing.T) (git Git, base, head string) {
	t.Helper()
	host, err := githost.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	repo, err := host.Create("acme", "identities", "main")
	if err != nil {
		t.Fatal(err)
	}
	commit := func(branch, who, message string, when int, files map[string]string) string {
		data := map[string]*[]byte{}
		for path, text := range files {
			data[path] = ptr([]byte(text))
		}
		sha, err := repo.CommitFiles(branch, data, githost.Signature{Name: who, Email: who + "@example.com", When: at(when)}, message)
		if err != nil {
			t.Fatal(err)
		}
		return sha
	}
	commit("main", "olivia", "Start the registry", -60*24*3, map[string]string{
		"README.md":             "# Identities\n\nWho and what may reach our repositories, and why.\n\n- [ ] one\n- [x] two\n",
		"policy.yaml":           "version: 1\napprovals:\n  resource: 1\n",
		".github/CODEOWNERS":    "* @acme/delivery\n",
		"use-cases/deploy.yaml": "name: deploy\n",
		"logo.bin":              "\x00\x01\x02",
	})
	base = commit("main", "olivia", "Allow 90 days", -60, map[string]string{"policy.yaml": "version: 1\napprovals:\n  resource: 1\nmaximum: 90d\n"})
	if err := repo.SetRef("refs/heads/keyreeve/request-1", base, ""); err != nil {
		t.Fatal(err)
	}
	commit("keyreeve/request-1", "keyreeve[bot]", "Request push on acme/storefront for ci-deployer", 2, map[string]string{
		"identities/ci-deployer.yaml": "kind: machine\nname: ci-deployer\nowner: \"@acme/delivery\"\ngrants:\n  - access: push\n    resource: acme/storefront\n    duration: 30d\n",
	})
	head = commit("keyreeve/request-1", "keyreeve[bot]", "Note <b>the reason</b>", 3, map[string]string{"policy.yaml": "version: 1\napprovals:\n  resource: 2 # <i>more</i>\nmaximum: 90d\n"})
	return host.Repo, base, head
}

// sample is a world with one conversation of each kind.
func sample(t *testing.T) (still, Git) {
	git, base, head := repoWithGit(t)
	issue := hub.Issue{
		ID: 101, Number: 1, Title: "Access: ci-deployer to storefront", Author: dana, State: "open", Labels: []string{"access-request"},
		CreatedAt: at(0), UpdatedAt: at(30), EditedAt: ptr(at(1)),
		Body: "### Identity\n\nci-deployer\n\n### Reason\n\nDeploys from the pipeline.\nSecond line.\n\n### Checks\n\n- [x] I have read the policy\n- [ ] Production",
		Comments: []hub.Comment{
			{ID: 201, Author: keyreeve, ViaApp: "keyreeve", Association: "NONE", Body: status, CreatedAt: at(1), EditedAt: ptr(at(20)), Reactions: []hub.Reaction{{User: "dana", Content: "+1"}, {User: "olivia", Content: "+1"}, {User: "dana", Content: "rocket"}}},
			{ID: 202, Author: erik, Association: "MEMBER", Body: "/approve", CreatedAt: at(12), Reactions: []hub.Reaction{{User: "keyreeve[bot]", Content: "confused"}}},
			{ID: 203, Author: erik, Association: "MEMBER", Body: hostile, CreatedAt: at(13), EditedAt: ptr(at(14)), Editor: "dana"},
			{ID: 204, Author: olivia, Association: "OWNER", Body: "/approve", CreatedAt: at(20), Reactions: []hub.Reaction{{User: "keyreeve[bot]", Content: "eyes"}}},
			{ID: 205, Author: dana, Association: "NONE", Body: "never mind", Minimized: true, CreatedAt: at(21)},
		},
	}
	pull := hub.Pull{
		Issue: hub.Issue{
			ID: 102, Number: 2, Title: "Request push on acme/storefront", Author: keyreeve, State: "open", CreatedAt: at(4), UpdatedAt: at(30), Body: "This records an access request, asked in #1.",
			Comments: []hub.Comment{{ID: 206, Author: dana, Association: "MEMBER", Body: "Thank you.\n\n```yaml\nkind: machine\n```\n\n> quoted", CreatedAt: at(9)}},
		},
		Head: "keyreeve/request-1", HeadSHA: head, Base: "main", BaseSHA: base, Reviewers: []string{"mia"}, ReviewTeams: []string{"acme/delivery"},
		Reviews: []hub.Review{
			{ID: 301, Author: erik, State: "CHANGES_REQUESTED", Body: "Why *two*?", CommitID: head, SubmittedAt: at(10)},
			{ID: 302, Author: olivia, State: "APPROVED", CommitID: head, SubmittedAt: at(15)},
			{ID: 303, Author: olivia, State: "COMMENTED", Body: "Nice.", CommitID: head, SubmittedAt: at(16)},
		},
	}
	closed := hub.Issue{ID: 103, Number: 3, Title: "Closed <em>one</em>", Author: erik, State: "closed", StateReason: "completed", CreatedAt: at(5), ClosedAt: ptr(at(25))}
	return still{hub.World{
		URL: "http://hub.invalid", At: at(30),
		Orgs: []hub.Org{{
			ID: 1, Login: "acme", BasePermission: "none",
			Members: []hub.Member{{ID: 12, Login: "olivia", Role: "admin"}, {ID: 13, Login: "erik", Role: "member"}, {ID: 11, Login: "dana", Role: "member"}},
			Teams: []hub.Team{{
				ID: 5, Slug: "delivery", Name: "Delivery", Members: []hub.Member{{ID: 12, Login: "olivia", Role: "maintainer"}},
				Repos: []hub.TeamGrant{{Team: "delivery", Repo: "acme/identities", Permission: "write"}},
			}},
		}},
		Users: []hub.User{dana, olivia, erik, keyreeve},
		Apps:  []hub.AppState{{ID: 900, Slug: "keyreeve"}},
		Repos: []hub.Repo{
			{
				ID: 2, Owner: "acme", Name: "identities", FullName: "acme/identities", Visibility: "private", DefaultBranch: "main",
				Refs:   []hub.Ref{{Name: "refs/heads/keyreeve/request-1", SHA: head}, {Name: "refs/heads/main", SHA: base}, {Name: "refs/pull/2/head", SHA: head}},
				Issues: []hub.Issue{issue, closed}, Pulls: []hub.Pull{pull},
				CheckRuns: []hub.CheckRun{
					{ID: 400, App: "keyreeve", Name: "keyreeve / records", HeadSHA: head, Status: "completed", Conclusion: "failure", Title: "old", StartedAt: at(4), CompletedAt: ptr(at(4))},
					{
						ID: 401, App: "keyreeve", Name: "keyreeve / records", HeadSHA: head, Status: "completed", Conclusion: "success", Title: "1 record is valid", Summary: "The record is **valid**.", StartedAt: at(5), CompletedAt: ptr(at(5)),
						Annotations: []hub.Annotation{{Path: "policy.yaml", StartLine: 3, EndLine: 4, Level: "warning", Title: "Policy", Message: "raises <resource>", Raw: "approvals.resource: 2"}},
					},
					{ID: 402, App: "keyreeve", Name: "keyreeve / approvals", HeadSHA: head, Status: "in_progress", Title: "1 of 2 approvals", Summary: "| Approval for | By |\n|---|---|\n| resource | ✅ olivia |", Buttons: []hub.Button{{Label: "Approve", Description: "Counts as a comment", Identifier: "approve"}}, StartedAt: at(5)},
				},
				Collaborators: []hub.Collaborator{{ID: 11, Login: "dana", Permission: "read"}},
				Teams:         []hub.TeamGrant{{Team: "delivery", Repo: "acme/identities", Permission: "write"}},
				Invitations:   []hub.Invitation{{ID: 500, Invitee: "mia", Inviter: "keyreeve[bot]", Permission: "triage", CreatedAt: at(-60 * 24 * 9), Expired: true}},
				Keys:          []hub.DeployKey{{ID: 600, Title: "<deploy>", AddedBy: "olivia", ReadOnly: true, CreatedAt: at(-60)}},
				Secrets:       []hub.Named{{Store: "actions", Name: "NPM_TOKEN"}},
				Environments:  []hub.Environment{{ID: 700, Name: "production", Secrets: []hub.Named{{Store: "actions", Name: "DEPLOY"}}}},
			},
			{ID: 3, Owner: "acme", Name: "empty", FullName: "acme/empty", Visibility: "public", DefaultBranch: "main"},
		},
		Deliveries: []hub.Delivery{
			{ID: 1, GUID: "g-first", AppID: 900, Event: "issues", Action: "opened", Repo: "acme/identities", QueuedAt: at(0), Attempted: true, StatusCode: 202},
			{ID: 2, GUID: "g-second", AppID: 900, Event: "ping", QueuedAt: at(29), Redelivery: true},
		},
	}}, git
}
