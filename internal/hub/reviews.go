package hub

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (h *Hub) reviewPage(i *issue, rv *review) string {
	return fmt.Sprintf("%s#pullrequestreview-%d", h.issuePage(i), rv.id)
}

// reviewJSON is "pull-request-review".
func (h *Hub) reviewJSON(i *issue, rv *review) map[string]any {
	page := h.reviewPage(i, rv)
	return map[string]any{
		"id": rv.id, "node_id": nodeID("PullRequestReview", rv.id), "user": h.userJSON(rv.author), "body": rv.body, "state": rv.state,
		"html_url": page, "pull_request_url": h.pullAPI(i), "author_association": h.association(rv.author, i.repo),
		"submitted_at": stamp(rv.submitted), "commit_id": rv.commit,
		"_links": map[string]any{"html": map[string]any{"href": page}, "pull_request": map[string]any{"href": h.pullAPI(i)}},
	}
}

func listReviews(c *call) (answer, error) {
	i, err := c.pull()
	if err != nil {
		return answer{}, err
	}
	return ok(each(c, i.pull.reviews, func(rv *review) any { return c.reviewJSON(i, rv) }))
}

// reviewStates maps a review's event to its state.
var reviewStates = map[string]string{"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}

// createReview submits at once: pending reviews, which have no event, are refused.
func createReview(c *call) (answer, error) {
	i, err := c.pull()
	if err != nil {
		return answer{}, err
	}
	var in struct {
		Body     string `json:"body"`
		Event    string `json:"event"`
		CommitID string `json:"commit_id"`
	}
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	state := reviewStates[in.Event]
	switch {
	case state == "":
		return answer{}, unprocessableList("Event must be one of APPROVE, REQUEST_CHANGES, COMMENT")
	case state != "COMMENTED" && i.author == c.who.acct:
		verb := map[string]string{"APPROVED": "approve", "CHANGES_REQUESTED": "request changes on"}[state]
		return answer{}, unprocessableList("Can not " + verb + " your own pull request")
	case state != "APPROVED" && strings.TrimSpace(in.Body) == "":
		return answer{}, unprocessableList("You need to leave a comment indicating the requested changes.")
	case in.CommitID == "":
		in.CommitID = i.pull.headSHA
	}
	if err := checkBody("PullRequestReview", in.Body); err != nil {
		return answer{}, err
	}
	if err := c.inPull(i, in.CommitID); err != nil {
		return answer{}, err
	}
	rv := &review{id: c.nextID(), author: c.who.acct, state: state, body: in.Body, commit: in.CommitID, submitted: c.now()}
	i.pull.reviews = append(i.pull.reviews, rv)
	i.pull.reviewers = slices.DeleteFunc(i.pull.reviewers, func(a *account) bool { return a == c.who.acct })
	i.updated = c.now()
	c.tellReview(i, rv, "review.submitted")
	c.hookReview(i, rv, "submitted")
	return ok(c.reviewJSON(i, rv))
}

// inPull checks that a commit is one of the pull request's.
func (c *call) inPull(i *issue, sha string) error {
	if sha == i.pull.headSHA {
		return nil
	}
	d, err := c.pullDiff(i)
	if err != nil {
		return err
	}
	for _, commit := range d.commits {
		if commit.SHA == sha {
			return nil
		}
	}
	return unprocessableList("Commit is not part of the pull request")
}

func (c *call) tellReview(i *issue, rv *review, kind string) {
	c.happen(Event{
		Actor: c.actor(), Kind: kind, Repo: i.repo.full(), Number: i.number, Text: rv.body, URL: c.reviewPage(i, rv),
		Detail: map[string]string{"state": rv.state, "review": itoa(rv.id), "author": rv.author.login, "title": i.title, "commit": rv.commit},
	})
}

// hookReview sends a pull_request_review event, where the state is in lower case, unlike in REST.
func (c *call) hookReview(i *issue, rv *review, action string) {
	told := maps.Clone(c.reviewJSON(i, rv))
	told["state"] = strings.ToLower(rv.state)
	c.hookRepo(i.repo, "pull_request_review", action, map[string]any{"review": told, "pull_request": c.pullJSON(i)}, c.who.acct)
}

func (c *call) review(i *issue) (*review, error) {
	id := c.num("review_id")
	for _, rv := range i.pull.reviews {
		if rv.id == id {
			return rv, nil
		}
	}
	return nil, notFound()
}

func getReview(c *call) (answer, error) {
	i, err := c.pull()
	if err != nil {
		return answer{}, err
	}
	rv, err := c.review(i)
	if err != nil {
		return answer{}, err
	}
	return ok(c.reviewJSON(i, rv))
}

func dismissReview(c *call) (answer, error) {
	i, err := c.pull()
	if err != nil {
		return answer{}, err
	}
	rv, err := c.review(i)
	if err != nil {
		return answer{}, err
	}
	var in struct {
		Message string `json:"message"`
	}
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	switch {
	case c.level() < levelWrite:
		return answer{}, forbidden("Must have admin rights to Repository.")
	case strings.TrimSpace(in.Message) == "":
		return answer{}, unprocessableList("Message can't be blank")
	case rv.state != "APPROVED" && rv.state != "CHANGES_REQUESTED":
		return answer{}, unprocessableList("Can not dismiss a " + strings.ToLower(rv.state) + " pull request review")
	}
	rv.state = "DISMISSED"
	i.updated = c.now()
	c.tellReview(i, rv, "review.dismissed")
	c.hookReview(i, rv, "dismissed")
	return ok(c.reviewJSON(i, rv))
}

// requestReviewers asks people and teams of the repository to review.
func requestReviewers(c *call) (answer, error) {
	i, err := c.pull()
	if err != nil {
		return answer{}, err
	}
	if c.level() < levelTriage && i.author != c.who.acct {
		return answer{}, forbidden("Must have admin rights to Repository.")
	}
	people, teams, err := c.reviewersIn(i)
	if err != nil {
		return answer{}, err
	}
	for _, a := range people {
		if !slices.Contains(i.pull.reviewers, a) {
			i.pull.reviewers = append(i.pull.reviewers, a)
			c.tellIssue(i, "pull.review_requested", a.login, map[string]string{"reviewer": a.login})
			c.hookPull(i, "review_requested", map[string]any{"requested_reviewer": c.userJSON(a)})
		}
	}
	for _, t := range teams {
		if !slices.Contains(i.pull.reviewTeams, t) {
			i.pull.reviewTeams = append(i.pull.reviewTeams, t)
			c.tellIssue(i, "pull.review_requested", t.slug, map[string]string{"team": t.slug})
			c.hookPull(i, "review_requested", map[string]any{"requested_team": c.teamJSON(t, t.grants[i.repo.id])})
		}
	}
	return created(c.pullJSON(i))
}

func removeReviewers(c *call) (answer, error) {
	i, err := c.pull()
	if err != nil {
		return answer{}, err
	}
	people, teams, err := c.reviewersIn(i)
	if err != nil {
		return answer{}, err
	}
	p := i.pull
	p.reviewers = slices.DeleteFunc(p.reviewers, func(a *account) bool { return slices.Contains(people, a) })
	p.reviewTeams = slices.DeleteFunc(p.reviewTeams, func(t *team) bool { return slices.Contains(teams, t) })
	return ok(c.pullJSON(i))
}

func listReviewers(c *call) (answer, error) {
	i, err := c.pull()
	if err != nil {
		return answer{}, err
	}
	return ok(map[string]any{
		"users": list(i.pull.reviewers, c.userJSON),
		"teams": list(i.pull.reviewTeams, func(t *team) any { return c.teamJSON(t, t.grants[c.repo.id]) }),
	})
}

// reviewersIn reads the body; people and teams without access to the repository are a 422.
func (c *call) reviewersIn(i *issue) ([]*account, []*team, error) {
	var in struct {
		Reviewers []string `json:"reviewers"`
		Teams     []string `json:"team_reviewers"`
	}
	if err := c.in(&in); err != nil {
		return nil, nil, err
	}
	const stranger = "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the "
	var people []*account
	for _, login := range in.Reviewers {
		a := c.account(login)
		switch {
		case a == nil || c.granted(a, i.repo) < levelRead:
			return nil, nil, unprocessable(stranger + i.repo.full() + " repository.")
		case a == i.author:
			return nil, nil, unprocessable("Review cannot be requested from pull request author.")
		}
		people = append(people, a)
	}
	var teams []*team
	for _, slug := range in.Teams {
		t, err := c.team(i.repo.owner.login, slug)
		if err != nil || t.grants[i.repo.id] < levelRead {
			return nil, nil, unprocessable(stranger + i.repo.full() + " repository.")
		}
		teams = append(teams, t)
	}
	return people, teams, nil
}
