package hub

import (
	"fmt"
	"net/http"
	"slices"
)

// PressButton presses one of a check run's action buttons: the App is told by a check_run event. It takes write access.
// https://docs.github.com/en/rest/guides/using-the-rest-api-to-interact-with-checks#check-runs-and-requested-actions
func (a Actor) PressButton(in string, checkID int64, identifier string) error {
	return a.onChecks(in, "press a button", func(c *call, r *repo) error {
		for _, run := range r.checks {
			pressed := func(action checkAction) bool { return action.Identifier == identifier }
			if run.id == checkID && slices.ContainsFunc(run.actions, pressed) {
				c.hookCheck(run, "requested_action", map[string]any{"requested_action": map[string]any{"identifier": identifier}})
				return nil
			}
		}
		return unknown("button", fmt.Sprintf("%d %s", checkID, identifier))
	})
}

// Rerun asks for one check run again, which takes write access. The run stays as it is until its App does something.
func (a Actor) Rerun(in string, checkID int64) error {
	return a.onChecks(in, "re-run a check", func(c *call, r *repo) error {
		for _, run := range r.checks {
			if run.id == checkID {
				c.rerequest(run)
				return nil
			}
		}
		return unknown("check run", itoa(checkID))
	})
}

// RerunAll asks for all check runs on a commit again, which takes write access: each App is told once.
func (a Actor) RerunAll(in, sha string) error {
	return a.onChecks(in, "re-run all checks", func(c *call, r *repo) error {
		asked := false
		for _, s := range sortedBy(r.suites, func(s *checkSuite) int64 { return s.id }) {
			if s.sha != sha {
				continue
			}
			if err := c.rerequestSuite(r, s); err != nil {
				return err
			}
			asked = true
		}
		if !asked {
			return unknown("check suite on", sha)
		}
		return nil
	})
}

// onChecks lets a person with write access do something with a repository's checks.
func (a Actor) onChecks(full, what string, do func(*call, *repo) error) error {
	h := a.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	r, acct := h.repoByFull(full), h.account(a.login)
	if r == nil || acct == nil {
		return unknown("repository or user", full+" "+a.login)
	}
	if h.effective(acct, r) < levelWrite {
		return &RefusedError{Actor: a.login, Act: what + " in " + full, Status: http.StatusForbidden, Message: "needs write access"}
	}
	return do(&call{Hub: h, who: principal{acct: acct}}, r)
}
