package hub

import (
	"fmt"
	"net/http"
	"slices"
)

// createSuite answers 200 with the old one when the App has a suite on the commit.
func createSuite(c *call) (answer, error) {
	var in struct {
		HeadSHA string `json:"head_sha"`
	}
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	if _, err := c.repo.git.ReadCommit(in.HeadSHA); err != nil {
		return answer{}, unprocessable("No commit found for SHA: " + in.HeadSHA)
	}
	status := http.StatusCreated
	if c.repo.suites[suiteKey{c.who.app.id, in.HeadSHA}] != nil {
		status = http.StatusOK
	}
	body, err := c.suiteJSON(c.repo, c.suite(in.HeadSHA))
	return answer{status, body}, err
}

func getSuite(c *call) (answer, error) {
	id := c.num("check_suite_id")
	for _, s := range c.repo.suites {
		if s.id == id {
			body, err := c.suiteJSON(c.repo, s)
			return answer{http.StatusOK, body}, err
		}
	}
	return answer{}, notFound()
}

func listSuites(c *call) (answer, error) {
	sha, err := c.repo.git.Resolve(c.vars["ref"])
	if err != nil {
		return answer{}, unprocessable("No commit found for SHA: " + c.vars["ref"])
	}
	all := sortedBy(c.repo.suites, func(s *checkSuite) int64 { return s.id })
	all = slices.DeleteFunc(all, func(s *checkSuite) bool { return s.sha != sha })
	var fail error
	suites := each(c, all, func(s *checkSuite) any {
		body, err := c.suiteJSON(c.repo, s)
		if err != nil {
			fail = err
		}
		return body
	})
	return answer{http.StatusOK, map[string]any{"total_count": len(all), "check_suites": suites}}, fail
}

// suiteJSON is "check-suite".
func (h *Hub) suiteJSON(r *repo, s *checkSuite) (any, error) {
	commit, err := r.git.ReadCommit(s.sha)
	if err != nil {
		return nil, fmt.Errorf("read the commit of check suite %d: %w", s.id, err)
	}
	runs, status, conclusion := 0, "completed", any("success")
	for _, run := range r.checks {
		if run.suite != s {
			continue
		}
		runs++
		if run.status != "completed" {
			status, conclusion = "in_progress", nil
		} else if run.conclusion != "success" && conclusion != nil {
			conclusion = run.conclusion
		}
	}
	if runs == 0 || s.asked {
		status, conclusion = "queued", nil
	}
	var branch any
	if pulls := r.pullsAt(s.sha); len(pulls) > 0 {
		branch = pulls[0].pull.head
	}
	api := fmt.Sprintf("%s/repos/%s/check-suites/%d", h.apiURL(), r.full(), s.id)
	return map[string]any{
		"id": s.id, "node_id": nodeID("CheckSuite", s.id), "head_branch": branch, "head_sha": s.sha, "status": status, "conclusion": conclusion,
		"url": api, "before": nil, "after": s.sha, "pull_requests": list(r.pullsAt(s.sha), h.pullMinimal), "app": h.appJSON(s.app),
		"repository": h.repoJSON(r), "created_at": stamp(s.created), "updated_at": stamp(s.updated),
		"head_commit": h.simpleCommit(commit), "latest_check_runs_count": runs, "check_runs_url": api + "/check-runs",
	}, nil
}

// rerequestSuite asks an App to make all its runs on a commit again: the suite is queued, its runs stay as they are.
// https://docs.github.com/en/rest/checks/suites#rerequest-a-check-suite
func (c *call) rerequestSuite(r *repo, s *checkSuite) error {
	s.asked, s.updated = true, c.now()
	told, err := c.suiteJSON(r, s)
	if err != nil {
		return err
	}
	c.hookRepo(r, "check_suite", "rerequested", map[string]any{"check_suite": told}, c.who.acct)
	return nil
}

// suite is the App's check suite of a commit, made when there is none.
func (c *call) suite(sha string) *checkSuite {
	key := suiteKey{c.who.app.id, sha}
	s := c.repo.suites[key]
	if s == nil {
		s = &checkSuite{id: c.nextID(), app: c.who.app, sha: sha, created: c.now()}
		c.repo.suites[key] = s
	}
	s.updated, s.asked = c.now(), false
	return s
}
