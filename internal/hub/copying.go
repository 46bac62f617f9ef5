package hub

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Snapshot copies the whole state.
func (h *Hub) Snapshot() World {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := World{URL: h.base, At: h.now(), Orgs: []Org{}, Users: []User{}, Apps: []AppState{}, Installations: []Installation{}, Repos: []Repo{}, Deliveries: []Delivery{}}
	for _, a := range sortedBy(h.accounts, func(a *account) int64 { return a.id }) {
		if a.org != nil {
			w.Orgs = append(w.Orgs, h.copyOrg(a.org))
		} else {
			w.Users = append(w.Users, copyUser(a))
		}
	}
	for _, a := range sortedBy(h.apps, func(a *app) int64 { return a.id }) {
		w.Apps = append(w.Apps, AppState{
			ID: a.id, Slug: a.slug, WebhookURL: a.hookURL, Permissions: maps.Clone(a.perms), Events: nonNil(slices.Clone(a.events)),
		})
	}
	for _, i := range sortedBy(h.installs, func(i *installation) int64 { return i.id }) {
		w.Installations = append(w.Installations, h.copyInstallation(i))
	}
	for _, r := range sortedBy(h.repoIDs, func(r *repo) int64 { return r.id }) {
		w.Repos = append(w.Repos, h.copyRepo(r))
	}
	for _, d := range h.ledger {
		w.Deliveries = append(w.Deliveries, d.Delivery)
	}
	return w
}

func copyUser(a *account) User {
	if a == nil {
		return User{}
	}
	return User{ID: a.id, Login: a.login, Name: a.name, Type: a.kind}
}

func (h *Hub) copyInstallation(i *installation) Installation {
	out := Installation{
		ID: i.id, AppID: i.app.id, Account: i.acct.login, Selection: selection(i.all), Repos: []string{}, Suspended: !i.suspended.IsZero(),
	}
	if !i.all {
		for _, r := range h.installed(i) {
			out.Repos = append(out.Repos, r.full())
		}
	}
	return out
}

func (h *Hub) copyMembers(members map[int64]string) []Member {
	out := []Member{}
	for _, a := range h.sortedAccounts(members) {
		out = append(out, Member{ID: a.id, Login: a.login, Role: members[a.id]})
	}
	return out
}

func (h *Hub) copyOrg(o *org) Org {
	out := Org{
		ID: o.acct.id, Login: o.acct.login, BasePermission: o.base.String(), Members: h.copyMembers(o.members), Teams: []Team{},
		Secrets: copyNamed(o.named, false), Variables: copyNamed(o.named, true),
	}
	for _, t := range o.sortedTeams() {
		team := Team{ID: t.id, Slug: t.slug, Name: t.name, Members: h.copyMembers(t.members), Repos: []TeamGrant{}}
		for _, r := range sortedBy(h.repoIDs, func(r *repo) int64 { return r.id }) {
			if l := t.grants[r.id]; l > levelNone {
				team.Repos = append(team.Repos, TeamGrant{Team: t.slug, Repo: r.full(), Permission: l.String()})
			}
		}
		out.Teams = append(out.Teams, team)
	}
	return out
}

func copyNamed(in map[namedKey]*named, variable bool) []Named {
	out := []Named{}
	for key, n := range in {
		if key.variable == variable {
			out = append(out, Named{Store: key.store, Name: key.name, CreatedAt: n.created, UpdatedAt: n.updated})
		}
	}
	slices.SortFunc(out, func(a, b Named) int { return strings.Compare(a.Store+" "+a.Name, b.Store+" "+b.Name) })
	return out
}

func (h *Hub) copyRepo(r *repo) Repo {
	out := Repo{
		ID: r.id, Owner: r.owner.login, Name: r.name, FullName: r.full(), Visibility: r.visibility, Archived: r.archived,
		DefaultBranch: r.defBranch, URL: h.base + "/" + r.full(), Refs: []Ref{}, Labels: []string{}, Issues: []Issue{}, Pulls: []Pull{},
		CheckRuns: []CheckRun{}, MergeGroups: []MergeGroup{}, Secrets: copyNamed(r.named, false), Variables: copyNamed(r.named, true),
	}
	refs, err := r.git.Refs("")
	if err != nil {
		h.log.Error("snapshot without references", "repo", r.full(), "err", err)
	}
	for _, ref := range refs {
		out.Refs = append(out.Refs, Ref{Name: ref.Name, SHA: ref.SHA})
	}
	for _, l := range r.sortedLabels() {
		out.Labels = append(out.Labels, l.name)
	}
	for _, i := range r.order {
		if i.pull != nil {
			out.Pulls = append(out.Pulls, h.copyPull(i))
		} else {
			out.Issues = append(out.Issues, h.copyIssue(i))
		}
	}
	for _, run := range r.checks {
		out.CheckRuns = append(out.CheckRuns, copyCheck(run))
	}
	if q := r.queue; q != nil {
		for _, g := range slices.Concat(q.ended, q.groups) {
			out.MergeGroups = append(out.MergeGroups, MergeGroup{Pull: g.pull.number, Ref: g.ref, HeadSHA: g.sha, BaseSHA: g.base, Reason: g.reason})
		}
	}
	h.copyAccess(r, &out)
	return out
}

// copyAccess fills in who and what has access.
func (h *Hub) copyAccess(r *repo, out *Repo) {
	out.Collaborators, out.Teams, out.Invitations = []Collaborator{}, []TeamGrant{}, []Invitation{}
	out.Keys, out.Environments = []DeployKey{}, []Environment{}
	for _, id := range slices.Sorted(maps.Keys(r.collabs)) {
		out.Collaborators = append(out.Collaborators, Collaborator{ID: id, Login: h.accounts[id].login, Permission: r.collabs[id].String()})
	}
	for _, t := range r.grantedTeams() {
		out.Teams = append(out.Teams, TeamGrant{Team: t.slug, Repo: r.full(), Permission: t.grants[r.id].String()})
	}
	for _, inv := range r.sortedInvites() {
		out.Invitations = append(out.Invitations, Invitation{
			ID: inv.id, Invitee: inv.invitee.login, Inviter: inv.inviter.login, Permission: inv.perm.String(), CreatedAt: inv.created,
			Expired: h.lapsed(inv),
		})
	}
	for _, k := range r.sortedKeys() {
		out.Keys = append(out.Keys, DeployKey{
			ID: k.id, Title: k.title, Key: k.key, ReadOnly: k.readOnly, AddedBy: copyUser(k.addedBy).Login, CreatedAt: k.created,
		})
	}
	for _, e := range r.sortedEnvs() {
		out.Environments = append(out.Environments, Environment{
			ID: e.id, Name: e.name, Secrets: copyNamed(e.named, false), Variables: copyNamed(e.named, true),
		})
	}
}

func (h *Hub) copyIssue(i *issue) Issue {
	out := Issue{
		ID: i.id, Number: i.number, Title: i.title, Body: i.body, State: i.state, StateReason: i.reason, Locked: i.locked,
		Author: copyUser(i.author), Labels: i.labelNames(), Assignees: logins(i.assignees), CreatedAt: i.created, UpdatedAt: i.updated,
		ClosedAt: maybe(i.closed), EditedAt: maybe(i.edited), Comments: []Comment{}, URL: h.issuePage(i),
	}
	for _, cm := range i.comments {
		out.Comments = append(out.Comments, h.copyComment(cm))
	}
	return out
}

func logins(all []*account) []string {
	out := []string{}
	for _, a := range all {
		out = append(out, a.login)
	}
	return out
}

func maybe(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (h *Hub) copyComment(cm *comment) Comment {
	out := Comment{
		ID: cm.id, Author: copyUser(cm.author), Association: h.association(cm.author, cm.issue.repo), Body: cm.body, Minimized: cm.minimized,
		CreatedAt: cm.created, UpdatedAt: cm.updated, EditedAt: maybe(cm.edited), Editor: copyUser(cm.editor).Login,
		Reactions: []Reaction{}, URL: h.commentPage(cm),
	}
	if cm.via != nil {
		out.ViaApp = cm.via.slug
	}
	for _, one := range cm.reactions {
		out.Reactions = append(out.Reactions, Reaction{ID: one.id, User: one.user.login, Content: one.content})
	}
	return out
}

func (h *Hub) copyPull(i *issue) Pull {
	p := i.pull
	out := Pull{
		Issue: h.copyIssue(i), Draft: p.draft, Head: p.head, HeadSHA: p.headSHA, Base: p.base, BaseSHA: p.baseSHA, Merged: p.merged,
		MergedAt: maybe(p.mergedAt), MergedBy: copyUser(p.mergedBy).Login, MergeCommit: p.mergeSHA, Reviews: []Review{},
		Reviewers: logins(p.reviewers), ReviewTeams: []string{},
	}
	for _, t := range p.reviewTeams {
		out.ReviewTeams = append(out.ReviewTeams, t.slug)
	}
	for _, rv := range p.reviews {
		out.Reviews = append(out.Reviews, Review{
			ID: rv.id, Author: copyUser(rv.author), State: rv.state, Body: rv.body, CommitID: rv.commit, SubmittedAt: rv.submitted,
			URL: h.reviewPage(i, rv),
		})
	}
	return out
}

func copyCheck(run *checkRun) CheckRun {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	var buttons []Button
	for _, a := range run.actions {
		buttons = append(buttons, Button(a))
	}
	return CheckRun{
		ID: run.id, App: run.app.slug, Name: run.name, HeadSHA: run.sha, Status: run.status, Conclusion: run.conclusion,
		ExternalID: run.externalID, DetailsURL: run.detailsURL, Title: text(run.title), Summary: text(run.summary), Text: text(run.text),
		Annotations: nonNil(slices.Clone(run.annotations)), Buttons: nonNil(buttons), StartedAt: run.started, CompletedAt: maybe(run.completed),
	}
}
