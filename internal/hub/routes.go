package hub

// allRoutes is the whole REST surface: what is called, what it needs (https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps),
// and who answers. Where two patterns match, the first wins.
func allRoutes() []*route {
	var all []*route
	all = append(all, appRoutes()...)
	all = append(all, issueRoutes()...)
	all = append(all, pullRoutes()...)
	all = append(all, gitRoutes()...)
	all = append(all, accessRoutes()...)
	return append(all, namedRoutes()...)
}

func rt(method, pattern string, n need, handle func(*call) (answer, error)) *route {
	return &route{method: method, pattern: pattern, need: n, handle: handle}
}

const inRepo = "/repos/{owner}/{repo}"

func appRoutes() []*route {
	jwt, open, person := need{auth: authJWT}, need{auth: authAny}, need{auth: authPerson}
	return []*route{
		rt("GET", "/app", jwt, getApp),
		rt("GET", "/app/hook/config", jwt, getHookConfig),
		rt("PATCH", "/app/hook/config", jwt, patchHookConfig),
		rt("GET", "/app/hook/deliveries", jwt, listDeliveries),
		rt("GET", "/app/hook/deliveries/{delivery_id}", jwt, getDelivery),
		rt("POST", "/app/hook/deliveries/{delivery_id}/attempts", jwt, redeliver),
		rt("GET", "/app/installations", jwt, listInstallations),
		rt("GET", "/app/installations/{installation_id}", jwt, getInstallation),
		rt("DELETE", "/app/installations/{installation_id}", jwt, deleteInstallation),
		rt("GET", "/apps/{app_slug}", open, getAppBySlug),
		rt("POST", "/app/installations/{installation_id}/access_tokens", jwt, createToken),
		rt("PUT", "/app/installations/{installation_id}/suspended", jwt, suspendRoute(true)),
		rt("DELETE", "/app/installations/{installation_id}/suspended", jwt, suspendRoute(false)),
		rt("GET", "/orgs/{org}/installation", jwt, installationOn),
		rt("GET", inRepo+"/installation", jwt, installationOn),
		rt("GET", "/users/{username}/installation", jwt, installationOn),
		rt("GET", "/installation/repositories", perm("metadata=read"), listInstallationRepos),
		rt("DELETE", "/installation/token", need{}, revokeToken),
		rt("GET", "/orgs/{org}/installations", perm("organization_administration=read"), listOrgInstallations),
		rt("GET", "/rate_limit", open, getRateLimit),
		rt("GET", "/meta", open, getMeta),
		rt("POST", "/graphql", need{}, postGraphQL),
		rt("GET", "/users/{username}", open, getUser),
		rt("GET", "/user", person, getMe),
		rt("GET", "/user/repository_invitations", person, listMyInvitations),
		rt("PATCH", "/user/repository_invitations/{invitation_id}", person, answerInvitation(true)),
		rt("DELETE", "/user/repository_invitations/{invitation_id}", person, answerInvitation(false)),
		rt("GET", "/user/{account_id}", open, getUserByID),
	}
}

func issueRoutes() []*route {
	read, write := perm("issues=read; pull_requests=read"), perm("issues=write; pull_requests=write")
	const one, comment = inRepo + "/issues/{issue_number}", inRepo + "/issues/comments/{comment_id}"
	return []*route{
		rt("GET", inRepo+"/issues", read, listIssues),
		rt("POST", inRepo+"/issues", perm("issues=write"), createIssue),
		rt("GET", inRepo+"/issues/comments", read, listRepoComments),
		rt("GET", comment, read, getComment),
		rt("PATCH", comment, write, patchComment),
		rt("DELETE", comment, write, deleteComment),
		rt("GET", comment+"/reactions", read, listReactions),
		rt("POST", comment+"/reactions", write, createReaction),
		rt("DELETE", comment+"/reactions/{reaction_id}", write, deleteReaction),
		rt("GET", one, read, getIssue),
		rt("PATCH", one, write, patchIssue),
		rt("PUT", one+"/lock", write, lockIssue(true)),
		rt("DELETE", one+"/lock", write, lockIssue(false)),
		rt("POST", one+"/assignees", write, addAssignees),
		rt("DELETE", one+"/assignees", write, removeAssignees),
		rt("GET", one+"/comments", read, listComments),
		rt("POST", one+"/comments", write, createComment),
		rt("GET", one+"/reactions", read, listReactions),
		rt("POST", one+"/reactions", write, createReaction),
		rt("DELETE", one+"/reactions/{reaction_id}", write, deleteReaction),
		rt("GET", one+"/labels", read, listIssueLabels),
		rt("POST", one+"/labels", write, changeIssueLabels(false)),
		rt("PUT", one+"/labels", write, changeIssueLabels(true)),
		rt("DELETE", one+"/labels", write, clearIssueLabels),
		rt("DELETE", one+"/labels/{name}", write, removeIssueLabel),
		rt("GET", inRepo+"/labels", read, listLabels),
		rt("POST", inRepo+"/labels", write, createLabel),
		rt("GET", inRepo+"/labels/{name}", read, getLabel),
		rt("PATCH", inRepo+"/labels/{name}", write, patchLabel),
		rt("DELETE", inRepo+"/labels/{name}", write, deleteLabel),
	}
}

func pullRoutes() []*route {
	read, write := perm("pull_requests=read"), perm("pull_requests=write")
	checksRead, checksWrite := perm("checks=read"), perm("checks=write")
	const one = inRepo + "/pulls/{pull_number}"
	return []*route{
		rt("GET", inRepo+"/pulls", read, listPulls),
		rt("POST", inRepo+"/pulls", write, createPull),
		rt("GET", one, read, getPull),
		rt("PATCH", one, write, patchPull),
		rt("GET", one+"/files", read, listPullFiles),
		rt("GET", one+"/commits", read, listPullCommits),
		rt("GET", one+"/merge", perm("contents=read"), isMerged),
		rt("PUT", one+"/merge", perm("contents=write"), mergePull),
		rt("PUT", one+"/update-branch", write, updateBranch),
		rt("GET", one+"/requested_reviewers", read, listReviewers),
		rt("POST", one+"/requested_reviewers", write, requestReviewers),
		rt("DELETE", one+"/requested_reviewers", write, removeReviewers),
		rt("GET", one+"/reviews", read, listReviews),
		rt("POST", one+"/reviews", write, createReview),
		rt("GET", one+"/reviews/{review_id}", read, getReview),
		rt("PUT", one+"/reviews/{review_id}/dismissals", write, dismissReview),
		rt("POST", inRepo+"/check-runs", checksWrite, createCheck),
		rt("GET", inRepo+"/check-runs/{check_run_id}", checksRead, getCheck),
		rt("PATCH", inRepo+"/check-runs/{check_run_id}", checksWrite, updateCheck),
		rt("GET", inRepo+"/check-runs/{check_run_id}/annotations", checksRead, listAnnotations),
		rt("POST", inRepo+"/check-runs/{check_run_id}/rerequest", checksWrite, rerequestCheck),
		rt("POST", inRepo+"/check-suites", checksWrite, createSuite),
		rt("GET", inRepo+"/check-suites/{check_suite_id}", checksRead, getSuite),
		rt("GET", inRepo+"/check-suites/{check_suite_id}/check-runs", checksRead, listSuiteChecks),
		rt("GET", inRepo+"/commits/{ref+}/check-runs", checksRead, listChecks),
		rt("GET", inRepo+"/commits/{ref+}/check-suites", checksRead, listSuites),
		rt("GET", inRepo+"/commits/{ref+}/pulls", read, listPullsOfCommit),
	}
}

func gitRoutes() []*route {
	read, write := perm("contents=read"), perm("contents=write")
	const git = inRepo + "/git"
	return []*route{
		rt("GET", inRepo, perm("metadata=read"), getRepo),
		rt("PATCH", inRepo, perm("administration=write"), patchRepo),
		rt("GET", inRepo+"/codeowners/errors", read, codeownersErrors),
		rt("GET", inRepo+"/contents", read, getContents),
		rt("GET", inRepo+"/contents/{path+}", read, getContents),
		rt("PUT", inRepo+"/contents/{path+}", perm("contents=write; contents=write,workflows=write"), putContents),
		rt("DELETE", inRepo+"/contents/{path+}", perm("contents=write; contents=write,workflows=write"), deleteContents),
		rt("GET", inRepo+"/branches", read, listBranches),
		rt("GET", inRepo+"/branches/{branch+}", read, getBranch),
		rt("GET", inRepo+"/commits", read, listCommits),
		rt("GET", inRepo+"/commits/{ref+}", read, getCommit),
		rt("GET", inRepo+"/compare/{basehead+}", read, compare),
		rt("GET", git+"/ref/{ref+}", read, getRef),
		rt("GET", git+"/matching-refs/{ref+}", read, matchingRefs),
		rt("POST", git+"/refs", write, createRef),
		rt("PATCH", git+"/refs/{ref+}", write, updateRef),
		rt("DELETE", git+"/refs/{ref+}", write, deleteRef),
		rt("POST", git+"/blobs", write, createBlob),
		rt("GET", git+"/blobs/{file_sha}", read, getBlob),
		rt("POST", git+"/trees", write, createTree),
		rt("GET", git+"/trees/{tree_sha+}", read, getTree),
		rt("POST", git+"/commits", write, createGitCommit),
		rt("GET", git+"/commits/{commit_sha}", read, getGitCommit),
	}
}

func accessRoutes() []*route {
	members, membersWrite := perm("members=read"), perm("members=write")
	meta, admin, adminWrite := perm("metadata=read"), perm("administration=read"), perm("administration=write")
	teamWrite := perm("administration=write,members=read")
	const t, env = "/orgs/{org}/teams/{team_slug}", inRepo + "/environments/{environment_name}"
	return []*route{
		rt("GET", "/orgs/{org}", need{auth: authAny}, getOrg),
		rt("GET", "/orgs/{org}/repos", meta, listOrgRepos),
		rt("GET", "/orgs/{org}/members", members, listMembers),
		rt("GET", "/orgs/{org}/members/{username}", members, isMember),
		rt("DELETE", "/orgs/{org}/members/{username}", membersWrite, deleteMember),
		rt("GET", "/orgs/{org}/memberships/{username}", members, getMembership),
		rt("DELETE", "/orgs/{org}/memberships/{username}", membersWrite, deleteMember),
		rt("GET", "/orgs/{org}/outside_collaborators", members, listOutside),
		rt("GET", "/orgs/{org}/teams", members, listTeams),
		rt("POST", "/orgs/{org}/teams", membersWrite, createTeam),
		rt("GET", t, members, getTeam),
		rt("PATCH", t, membersWrite, patchTeam),
		rt("DELETE", t, membersWrite, deleteTeam),
		rt("GET", t+"/teams", members, listChildTeams),
		rt("GET", t+"/members", members, listTeamMembers),
		rt("GET", t+"/memberships/{username}", members, getTeamMembership),
		rt("PUT", t+"/memberships/{username}", membersWrite, putTeamMembership),
		rt("DELETE", t+"/memberships/{username}", membersWrite, deleteTeamMembership),
		rt("GET", t+"/repos", members, listTeamRepos),
		rt("GET", t+"/repos/{owner}/{repo}", members, getTeamRepo),
		rt("PUT", t+"/repos/{owner}/{repo}", teamWrite, putTeamRepo),
		rt("DELETE", t+"/repos/{owner}/{repo}", teamWrite, deleteTeamRepo),
		rt("GET", inRepo+"/collaborators", meta, listCollaborators),
		rt("GET", inRepo+"/collaborators/{username}", meta, isCollaborator),
		rt("GET", inRepo+"/collaborators/{username}/permission", meta, collaboratorPermission),
		rt("PUT", inRepo+"/collaborators/{username}", adminWrite, putCollaborator),
		rt("DELETE", inRepo+"/collaborators/{username}", adminWrite, deleteCollaborator),
		rt("GET", inRepo+"/invitations", admin, listInvitations),
		rt("PATCH", inRepo+"/invitations/{invitation_id}", adminWrite, patchInvitation),
		rt("DELETE", inRepo+"/invitations/{invitation_id}", adminWrite, deleteInvitation),
		rt("GET", inRepo+"/teams", admin, listRepoTeams),
		rt("GET", inRepo+"/keys", admin, listKeys),
		rt("POST", inRepo+"/keys", adminWrite, createKey),
		rt("GET", inRepo+"/keys/{key_id}", admin, getKey),
		rt("DELETE", inRepo+"/keys/{key_id}", adminWrite, deleteKey),
		rt("GET", inRepo+"/environments", perm("actions=read"), listEnvironments),
		rt("GET", env, perm("actions=read"), getEnvironment),
		rt("PUT", env, adminWrite, putEnvironment),
		rt("DELETE", env, adminWrite, deleteEnvironment),
	}
}

// namedScope is one place with secrets or variables, and the permission that it needs.
type namedScope struct {
	base       string // of the routes, without /secrets or /variables
	store      string
	permission string
}

var secretScopes = []namedScope{
	{inRepo + "/actions", "actions", "secrets"},
	{inRepo + "/dependabot", "dependabot", "dependabot_secrets"},
	{inRepo + "/codespaces", "codespaces", "codespaces_secrets"},
	{inRepo + "/agents", "agents", "agent_secrets"},
	{inRepo + "/environments/{environment_name}", "actions", "environments"},
	{"/orgs/{org}/actions", "actions", "organization_secrets"},
	{"/orgs/{org}/dependabot", "dependabot", "organization_dependabot_secrets"},
	{"/orgs/{org}/codespaces", "codespaces", "organization_codespaces_secrets"},
	{"/orgs/{org}/agents", "agents", "organization_agent_secrets"},
}

var variableScopes = []namedScope{
	{inRepo + "/actions", "actions", "actions_variables"},
	{inRepo + "/agents", "agents", "agent_variables"},
	{inRepo + "/environments/{environment_name}", "actions", "environments"},
	{"/orgs/{org}/actions", "actions", "organization_actions_variables"},
	{"/orgs/{org}/agents", "agents", "organization_agent_variables"},
}

func namedRoutes() []*route {
	var all []*route
	for _, s := range secretScopes {
		in, read, write := namedIn{store: s.store}, perm(s.permission+"=read"), perm(s.permission+"=write")
		base := s.base + "/secrets"
		all = append(all,
			rt("GET", base, read, listNamed(in)),
			rt("GET", base+"/public-key", read, getPublicKey),
			rt("GET", base+"/{name}", read, getNamed(in)),
			rt("PUT", base+"/{name}", write, putSecret(in)),
			rt("DELETE", base+"/{name}", write, deleteNamed(in)),
		)
		if s.base[:5] == "/orgs" {
			all = append(all, rt("GET", base+"/{name}/repositories", read, listSelectedRepos(in)))
		}
	}
	for _, s := range variableScopes {
		in, read, write := namedIn{store: s.store, variable: true}, perm(s.permission+"=read"), perm(s.permission+"=write")
		base := s.base + "/variables"
		all = append(all,
			rt("GET", base, read, listNamed(in)),
			rt("POST", base, write, createVariable(in)),
			rt("GET", base+"/{name}", read, getNamed(in)),
			rt("PATCH", base+"/{name}", write, patchVariable(in)),
			rt("DELETE", base+"/{name}", write, deleteNamed(in)),
		)
	}
	shared := func(store string, variable bool) namedIn {
		return namedIn{store: store, variable: variable, ofOrg: true}
	}
	return append(all,
		rt("GET", inRepo+"/actions/organization-secrets", perm("secrets=read"), listNamed(shared("actions", false))),
		rt("GET", inRepo+"/actions/organization-variables", perm("actions_variables=read"), listNamed(shared("actions", true))),
		rt("GET", inRepo+"/agents/organization-secrets", perm("agent_secrets=read"), listNamed(shared("agents", false))),
		rt("GET", inRepo+"/agents/organization-variables", perm("agent_variables=read"), listNamed(shared("agents", true))),
	)
}
