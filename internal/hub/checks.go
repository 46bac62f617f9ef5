package hub

import (
	"fmt"
	"slices"
	"strconv"
)

func createCheck(c *call) (answer, error) {
	var in checkBodyIn
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	switch {
	case in.Name == nil || *in.Name == "":
		return answer{}, invalid("CheckRun", "name", "missing_field", "")
	case in.HeadSHA == "":
		return answer{}, invalid("CheckRun", "head_sha", "missing_field", "")
	}
	if err := in.check(true); err != nil {
		return answer{}, err
	}
	if _, err := c.repo.git.ReadCommit(in.HeadSHA); err != nil {
		return answer{}, unprocessable("No commit found for SHA: " + in.HeadSHA)
	}
	run := &checkRun{
		id: c.nextID(), app: c.who.app, repo: c.repo, suite: c.suite(in.HeadSHA), sha: in.HeadSHA, status: "queued", started: c.now(),
	}
	in.apply(run, c.now())
	c.repo.checks = append(c.repo.checks, run)
	c.tellCheck(run, "created")
	return created(c.checkJSON(run))
}

func (c *call) check() (*checkRun, error) {
	id := c.num("check_run_id")
	for _, run := range c.repo.checks {
		if run.id == id {
			return run, nil
		}
	}
	return nil, notFound()
}

func updateCheck(c *call) (answer, error) {
	run, err := c.check()
	if err != nil {
		return answer{}, err
	}
	if run.app != c.who.app {
		return answer{}, forbidden(fmt.Sprintf("Invalid app_id `%d` - check run can only be modified by the GitHub App that created it.", c.who.app.id))
	}
	var in checkBodyIn
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	if err := in.check(false); err != nil {
		return answer{}, err
	}
	was := run.status
	in.apply(run, c.now())
	run.suite.updated, run.suite.asked = c.now(), false
	action := "updated" // GitHub sends no webhook for it
	if run.status == "completed" && was != "completed" {
		action = "completed"
	}
	c.tellCheck(run, action)
	return ok(c.checkJSON(run))
}

// tellCheck tells watchers of every change, and Apps of those that GitHub tells: created and completed.
func (c *call) tellCheck(run *checkRun, action string) {
	detail := map[string]string{
		"action": action, "name": run.name, "status": run.status, "conclusion": run.conclusion, "check": itoa(run.id), "sha": run.sha,
	}
	if run.title != nil {
		detail["title"] = *run.title
	}
	text := ""
	if run.summary != nil {
		text = *run.summary
	}
	e := Event{Actor: c.actor(), Kind: "check.updated", Repo: run.repo.full(), Text: text, Detail: detail, URL: c.checkPage(run)}
	if pulls := run.pulls(); len(pulls) > 0 {
		e.Number, e.URL = pulls[0].number, c.issuePage(pulls[0])
	}
	c.happen(e)
	if action == "created" || action == "completed" {
		c.hookCheck(run, action, nil)
	}
	if action == "created" && run.status == "completed" {
		c.hookCheck(run, "completed", nil)
	}
	c.queueFollows(run.repo)
}

func (c *call) hookCheck(run *checkRun, action string, more map[string]any) {
	if more == nil {
		more = map[string]any{}
	}
	told := c.checkJSON(run)
	if suite, err := c.suiteJSON(run.repo, run.suite); err == nil { // REST shows its id only
		told["check_suite"] = suite
	}
	more["check_run"] = told
	c.hookRepo(run.repo, "check_run", action, more, c.who.acct)
}

// pulls lists the open pull requests whose head is the run's commit.
func (run *checkRun) pulls() []*issue { return run.repo.pullsAt(run.sha) }

func (r *repo) pullsAt(sha string) []*issue {
	var out []*issue
	for _, i := range r.order {
		if i.pull != nil && i.state == "open" && i.pull.headSHA == sha {
			out = append(out, i)
		}
	}
	return out
}

func (h *Hub) checkPage(run *checkRun) string {
	return fmt.Sprintf("%s/%s/runs/%d", h.base, run.repo.full(), run.id)
}

// checkJSON is "check-run".
func (h *Hub) checkJSON(run *checkRun) map[string]any {
	api := fmt.Sprintf("%s/repos/%s/check-runs/%d", h.apiURL(), run.repo.full(), run.id)
	details := run.detailsURL
	if details == "" {
		details = h.checkPage(run)
	}
	return map[string]any{
		"id": run.id, "node_id": nodeID("CheckRun", run.id), "head_sha": run.sha, "external_id": run.externalID, "url": api,
		"html_url": h.checkPage(run), "details_url": details, "status": run.status, "conclusion": blank(run.conclusion),
		"started_at": stamp(run.started), "completed_at": stamp(run.completed), "name": run.name, "check_suite": map[string]any{"id": run.suite.id},
		"output": map[string]any{
			"title": run.title, "summary": run.summary, "text": run.text, "annotations_count": len(run.annotations),
			"annotations_url": api + "/annotations",
		},
		"app": h.appJSON(run.app), "pull_requests": list(run.pulls(), h.pullMinimal),
	}
}

// pullMinimal is "pull-request-minimal".
func (h *Hub) pullMinimal(i *issue) any {
	side := func(ref, sha string) any {
		return map[string]any{"ref": ref, "sha": sha, "repo": map[string]any{
			"id": i.repo.id, "url": h.apiURL() + "/repos/" + i.repo.full(), "name": i.repo.name,
		}}
	}
	return map[string]any{
		"id": i.id, "number": i.number, "url": h.pullAPI(i), "head": side(i.pull.head, i.pull.headSHA), "base": side(i.pull.base, i.pull.baseSHA),
	}
}

func getCheck(c *call) (answer, error) {
	run, err := c.check()
	if err != nil {
		return answer{}, err
	}
	return ok(c.checkJSON(run))
}

func listAnnotations(c *call) (answer, error) {
	run, err := c.check()
	if err != nil {
		return answer{}, err
	}
	return ok(each(c, run.annotations, func(a Annotation) any {
		column := func(n int) any {
			if n == 0 {
				return nil
			}
			return n
		}
		return map[string]any{
			"path": a.Path, "start_line": a.StartLine, "end_line": a.EndLine, "start_column": column(a.StartCol), "end_column": column(a.EndCol),
			"annotation_level": a.Level, "title": blank(a.Title), "message": a.Message, "raw_details": blank(a.Raw),
			"blob_href": c.apiURL() + "/repos/" + c.repo.full() + "/git/blobs/" + run.sha,
		}
	}))
}

// listChecks lists a commit's runs, newest first; filter=latest (the default) keeps one for each App and name.
func listChecks(c *call) (answer, error) {
	sha, err := c.repo.git.Resolve(c.vars["ref"])
	if err != nil {
		return answer{}, unprocessable("No commit found for SHA: " + c.vars["ref"])
	}
	return c.checksWhere(func(run *checkRun) bool { return run.sha == sha })
}

func listSuiteChecks(c *call) (answer, error) {
	id := c.num("check_suite_id")
	return c.checksWhere(func(run *checkRun) bool { return run.suite.id == id })
}

func (c *call) checksWhere(wanted func(*checkRun) bool) (answer, error) {
	type key struct {
		app  int64
		name string
	}
	appID := int64(0)
	if q := c.query("app_id"); q != "" {
		var err error
		if appID, err = strconv.ParseInt(q, 10, 64); err != nil {
			return answer{}, unprocessable("app_id is not a number")
		}
	}
	seen := map[key]bool{}
	var out []*checkRun
	for _, run := range slices.Backward(c.repo.checks) {
		if !wanted(run) || appID != 0 && run.app.id != appID {
			continue
		}
		if name := c.query("check_name"); name != "" && name != run.name {
			continue
		}
		if c.query("filter") != "all" && seen[key{run.app.id, run.name}] {
			continue
		}
		seen[key{run.app.id, run.name}] = true
		if status := c.query("status"); status != "" && status != run.status {
			continue
		}
		out = append(out, run)
	}
	return ok(map[string]any{"total_count": len(out), "check_runs": each(c, out, func(run *checkRun) any { return c.checkJSON(run) })})
}

// rerequestCheck asks the App that made the run to make it again: its suite is queued, and the run stays as it is.
// https://docs.github.com/en/rest/checks/runs#rerequest-a-check-run
func rerequestCheck(c *call) (answer, error) {
	run, err := c.check()
	if err != nil {
		return answer{}, err
	}
	c.rerequest(run)
	return created(map[string]any{})
}

func (c *call) rerequest(run *checkRun) {
	run.suite.asked, run.suite.updated = true, c.now()
	c.hookCheck(run, "rerequested", nil)
}

// unstable says whether a check of the head did not succeed, or has not yet.
func (h *Hub) unstable(i *issue) bool {
	type key struct {
		app  int64
		name string
	}
	seen := map[key]bool{}
	for _, run := range slices.Backward(i.repo.checks) {
		k := key{run.app.id, run.name}
		if run.sha != i.pull.headSHA || seen[k] {
			continue
		}
		seen[k] = true
		if !slices.Contains([]string{"success", "neutral", "skipped"}, run.conclusion) {
			return true
		}
	}
	return false
}
