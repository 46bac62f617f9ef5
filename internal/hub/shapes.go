package hub

import (
	"encoding/base64"
	"fmt"
	"maps"
)

// apiURL is the base of REST URLs in answers, without a slash at its end.
func (h *Hub) apiURL() string { return h.base }

// nodeID is a global id in the old form: base64 of kind and number.
func nodeID(kind string, id int64) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%03d:%s%d", len(kind), kind, id))
}

// userJSON is "simple-user": a person, a bot, or an organization as an owner. Nobody is null.
func (h *Hub) userJSON(a *account) any {
	if a == nil {
		return nil
	}
	return h.accountMap(a)
}

func (h *Hub) accountMap(a *account) map[string]any {
	api := h.apiURL() + "/users/" + pathEscape(a.login)
	html := h.base + "/" + a.login
	if a.app != nil {
		html = h.base + "/apps/" + a.app.slug
	}
	return map[string]any{
		"login": a.login, "id": a.id, "node_id": nodeID(a.kind, a.id), "avatar_url": h.base + "/avatars/" + itoa(a.id), "gravatar_id": "",
		"url": api, "html_url": html, "followers_url": api + "/followers", "following_url": api + "/following{/other_user}",
		"gists_url": api + "/gists{/gist_id}", "starred_url": api + "/starred{/owner}{/repo}", "subscriptions_url": api + "/subscriptions",
		"organizations_url": api + "/orgs", "repos_url": api + "/repos", "events_url": api + "/events{/privacy}",
		"received_events_url": api + "/received_events", "type": a.kind, "site_admin": false, "user_view_type": "public",
	}
}

// publicUserJSON is "public-user", which allows no other property.
func (h *Hub) publicUserJSON(a *account) map[string]any {
	m := h.accountMap(a)
	maps.Copy(m, map[string]any{
		"name": blank(a.name), "company": nil, "blog": "", "location": nil, "email": blank(a.email), "hireable": nil, "bio": nil,
		"twitter_username": nil, "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
		"created_at": stamp(a.created), "updated_at": stamp(a.created),
	})
	return m
}

// orgSimpleJSON is "organization-simple".
func (h *Hub) orgSimpleJSON(a *account) map[string]any {
	api := h.apiURL() + "/orgs/" + a.login
	return map[string]any{
		"login": a.login, "id": a.id, "node_id": nodeID(a.kind, a.id), "url": api, "repos_url": api + "/repos", "events_url": api + "/events",
		"hooks_url": api + "/hooks", "issues_url": api + "/issues", "members_url": api + "/members{/member}",
		"public_members_url": api + "/public_members{/member}", "avatar_url": h.base + "/avatars/" + itoa(a.id), "description": "",
	}
}

// orgFullJSON is "organization-full", and "team-organization".
func (h *Hub) orgFullJSON(a *account) map[string]any {
	m := h.orgSimpleJSON(a)
	maps.Copy(m, map[string]any{
		"name": a.login, "type": "Organization", "html_url": h.base + "/" + a.login, "has_organization_projects": false,
		"has_repository_projects": false, "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0,
		"created_at": stamp(a.created), "updated_at": stamp(a.created), "archived_at": nil,
		"default_repository_permission": a.org.base.legacy(),
	})
	return m
}

// teamJSON is "team" and "team-simple"; l is what it has on the repository asked about, pull where there is none.
func (h *Hub) teamJSON(t *team, l level) map[string]any {
	if l == levelNone {
		l = levelRead
	}
	api := fmt.Sprintf("%s/organizations/%d/team/%d", h.apiURL(), t.org.id, t.id)
	return map[string]any{
		"id": t.id, "node_id": nodeID("Team", t.id), "name": t.name, "slug": t.slug, "description": "", "privacy": "closed",
		"notification_setting": "notifications_enabled", "permission": l.api(), "permissions": l.flags(), "url": api,
		"html_url": h.base + "/orgs/" + t.org.login + "/teams/" + t.slug, "members_url": api + "/members{/member}",
		"repositories_url": api + "/repos", "parent": nil, "type": "organization", "organization_id": t.org.id,
	}
}

// repoURLs are the addresses that every form of a repository has; each is a path below the repository's own.
var repoURLs = map[string]string{
	"archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
	"branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}", "comments_url": "/comments{/number}",
	"commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}", "contents_url": "/contents/{+path}",
	"contributors_url": "/contributors", "deployments_url": "/deployments", "downloads_url": "/downloads", "events_url": "/events",
	"forks_url": "/forks", "git_commits_url": "/git/commits{/sha}", "git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}",
	"hooks_url": "/hooks", "issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}",
	"issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}", "languages_url": "/languages",
	"merges_url": "/merges", "milestones_url": "/milestones{/number}", "notifications_url": "/notifications{?since,all,participating}",
	"pulls_url": "/pulls{/number}", "releases_url": "/releases{/id}", "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
	"subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags", "teams_url": "/teams",
	"trees_url": "/git/trees{/sha}",
}

// repoJSON is "repository"; it serves as "minimal-repository", "full-repository" and "team-repository" too.
func (h *Hub) repoJSON(r *repo) map[string]any {
	api := h.apiURL() + "/repos/" + r.full()
	m := map[string]any{
		"id": r.id, "node_id": nodeID("Repository", r.id), "name": r.name, "full_name": r.full(), "private": r.visibility != "public",
		"owner": h.userJSON(r.owner), "html_url": h.base + "/" + r.full(), "description": nil, "fork": false, "url": api,
		"created_at": stamp(r.created), "updated_at": stamp(r.pushed), "pushed_at": stamp(r.pushed),
		"git_url": "git://" + trimScheme(h.base) + "/" + r.full() + ".git", "ssh_url": "git@" + trimScheme(h.base) + ":" + r.full() + ".git",
		"clone_url": h.base + "/" + r.full() + ".git", "svn_url": h.base + "/" + r.full(), "homepage": nil, "size": 1,
		"stargazers_count": 0, "watchers_count": 0, "language": nil, "has_issues": true, "has_projects": false, "has_downloads": true,
		"has_wiki": false, "has_pages": false, "has_discussions": false, "forks_count": 0, "mirror_url": nil, "archived": r.archived,
		"disabled": false, "open_issues_count": r.open, "license": nil, "allow_forking": false, "is_template": false,
		"web_commit_signoff_required": false, "topics": []string{}, "visibility": r.visibility, "forks": 0, "open_issues": r.open,
		"watchers": 0, "default_branch": r.defBranch,
	}
	for k, path := range repoURLs {
		m[k] = api + path
	}
	return m
}

// fullRepoJSON is "full-repository".
func (h *Hub) fullRepoJSON(r *repo, mine level) map[string]any {
	m := h.repoJSON(r)
	m["network_count"], m["subscribers_count"] = 0, 0
	m["permissions"] = mine.flags()
	m["allow_merge_commit"], m["allow_squash_merge"], m["allow_rebase_merge"] = true, true, true
	m["delete_branch_on_merge"], m["allow_auto_merge"], m["allow_update_branch"] = false, false, false
	if r.owner.org != nil {
		m["organization"] = h.userJSON(r.owner)
	}
	return m
}

func (h *Hub) labelJSON(r *repo, l *label) any {
	return map[string]any{
		"id": l.id, "node_id": nodeID("Label", l.id), "url": h.apiURL() + "/repos/" + r.full() + "/labels/" + pathEscape(l.name),
		"name": l.name, "color": l.color, "default": l.desc != "", "description": l.desc,
	}
}

// association says how the author stands to the repository:
// https://docs.github.com/en/graphql/reference/enums#commentauthorassociation.
func (h *Hub) association(a *account, r *repo) string {
	switch {
	case a == nil || a.kind == "Bot":
		return "NONE"
	case r.owner == a:
		return "OWNER"
	case r.owner.org != nil && r.owner.org.members[a.id] != "":
		return "MEMBER"
	case r.collabs[a.id] > levelNone:
		return "COLLABORATOR"
	default:
		return "NONE"
	}
}

// viaJSON is performed_via_github_app.
func (h *Hub) viaJSON(a *app) any {
	if a == nil {
		return nil
	}
	return h.appJSON(a)
}

// issueJSON is "issue"; of a pull request it is the form of its issue half.
func (h *Hub) issueJSON(i *issue) map[string]any {
	api := fmt.Sprintf("%s/repos/%s/issues/%d", h.apiURL(), i.repo.full(), i.number)
	m := map[string]any{
		"id": i.id, "node_id": nodeID("Issue", i.id), "url": api, "repository_url": h.apiURL() + "/repos/" + i.repo.full(),
		"labels_url": api + "/labels{/name}", "comments_url": api + "/comments", "events_url": api + "/events", "html_url": h.issuePage(i),
		"number": i.number, "state": i.state, "state_reason": blank(i.reason), "title": i.title, "body": blank(i.body),
		"user": h.userJSON(i.author), "labels": list(i.labels, func(l *label) any { return h.labelJSON(i.repo, l) }),
		"assignee": nil, "assignees": list(i.assignees, h.userJSON), "milestone": nil, "locked": i.locked, "active_lock_reason": nil,
		"comments": len(i.comments), "closed_at": stamp(i.closed), "created_at": stamp(i.created), "updated_at": stamp(i.updated),
		"closed_by": h.userJSON(i.closedBy), "author_association": h.association(i.author, i.repo), "timeline_url": api + "/timeline",
		"performed_via_github_app": h.viaJSON(i.via), "reactions": rollup(api, i.reactions),
	}
	if len(i.assignees) > 0 {
		m["assignee"] = h.userJSON(i.assignees[0])
	}
	if i.pull != nil {
		page := h.issuePage(i)
		m["draft"] = i.pull.draft
		m["pull_request"] = map[string]any{
			"url": h.pullAPI(i), "html_url": page, "diff_url": page + ".diff", "patch_url": page + ".patch", "merged_at": stamp(i.pull.mergedAt),
		}
	}
	return m
}

// issuePage is the html_url of an issue or pull request.
func (h *Hub) issuePage(i *issue) string {
	kind := "issues"
	if i.pull != nil {
		kind = "pull"
	}
	return fmt.Sprintf("%s/%s/%s/%d", h.base, i.repo.full(), kind, i.number)
}

func (h *Hub) commentPage(cm *comment) string {
	return fmt.Sprintf("%s#issuecomment-%d", h.issuePage(cm.issue), cm.id)
}

// commentJSON is "issue-comment".
func (h *Hub) commentJSON(cm *comment) map[string]any {
	r := cm.issue.repo
	api := fmt.Sprintf("%s/repos/%s/issues/comments/%d", h.apiURL(), r.full(), cm.id)
	var minimized any
	if cm.minimized {
		minimized = map[string]any{"reason": "resolved"}
	}
	return map[string]any{
		"id": cm.id, "node_id": nodeID("IssueComment", cm.id), "url": api, "html_url": h.commentPage(cm), "body": cm.body,
		"user": h.userJSON(cm.author), "created_at": stamp(cm.created), "updated_at": stamp(cm.updated),
		"issue_url":          fmt.Sprintf("%s/repos/%s/issues/%d", h.apiURL(), r.full(), cm.issue.number),
		"author_association": h.association(cm.author, r), "performed_via_github_app": h.viaJSON(cm.via),
		"reactions": rollup(api, cm.reactions), "minimized": minimized,
	}
}

var reactionKinds = []string{"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"}

// rollup is "reaction-rollup".
func rollup(api string, reactions []*reaction) map[string]any {
	counts := map[string]int{}
	for _, one := range reactions {
		counts[one.content]++
	}
	m := map[string]any{"url": api + "/reactions", "total_count": len(reactions)}
	for _, kind := range reactionKinds {
		m[kind] = counts[kind]
	}
	return m
}

func (h *Hub) reactionJSON(one *reaction) any {
	return map[string]any{
		"id": one.id, "node_id": nodeID("Reaction", one.id), "user": h.userJSON(one.user), "content": one.content, "created_at": stamp(one.created),
	}
}
