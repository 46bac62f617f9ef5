package forge

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/go-github/v60/github"

	"github.com/keyreeve/keyreeve/checks"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// annotationsACall is the most that GitHub takes at once.
// https://docs.github.com/en/rest/checks/runs#update-a-check-run
const annotationsACall = 50

// setCheck says what a check run should say. Annotations can only be added to a run, so one that has some, or is to get
// some, is not updated but followed by a new run of the same name, which GitHub shows in its place.
//
// External id and conclusion go with the last call: a crash before it leaves a run that is under way and does not bear
// the digest of what it should say, so the next walk sets it again.
func (f *Forge) setCheck(ctx context.Context, e workflow.SetCheck) error {
	s, err := f.at(e.At.Installation, e.At.Repo, writeCheck)
	if err != nil {
		return err
	}
	id := e.ID
	if id != 0 {
		old, _, err := s.gh.Checks.GetCheckRun(ctx, e.At.Repo.Owner, e.At.Repo.Name, id)
		if err != nil {
			return err
		}
		if len(e.Annotations) > 0 || old.GetOutput().GetAnnotationsCount() > 0 || old.GetHeadSHA() != e.Head {
			id = 0
		}
	}
	rest := e.Annotations
	for {
		some := rest[:min(len(rest), annotationsACall)]
		rest = rest[len(some):]
		body := checkBody(e, some, len(rest) == 0)
		if id, err = f.writeCheck(ctx, s, e, id, body); err != nil {
			return err
		}
		if len(rest) == 0 {
			return nil
		}
	}
}

type check struct {
	Name       string       `json:"name"`
	HeadSHA    string       `json:"head_sha,omitempty"`
	ExternalID string       `json:"external_id,omitempty"`
	DetailsURL string       `json:"details_url,omitempty"`
	Status     string       `json:"status"`
	Conclusion string       `json:"conclusion,omitempty"`
	Output     *checkOutput `json:"output,omitempty"`
	// Actions is null to leave the buttons as they are, and an empty list to take them away.
	Actions *[]checks.Action `json:"actions,omitempty"`
}

type checkOutput struct {
	Title       string       `json:"title"`
	Summary     string       `json:"summary"`
	Text        string       `json:"text,omitempty"`
	Annotations []annotation `json:"annotations,omitempty"`
}

type annotation struct {
	Path        string `json:"path"`
	StartLine   int    `json:"start_line"`
	EndLine     int    `json:"end_line"`
	StartColumn int    `json:"start_column,omitempty"`
	EndColumn   int    `json:"end_column,omitempty"`
	Level       string `json:"annotation_level"`
	Message     string `json:"message"`
	Title       string `json:"title,omitempty"`
}

func checkBody(e workflow.SetCheck, some []checks.Annotation, last bool) check {
	c := check{Name: e.Name, DetailsURL: e.DetailsURL, Status: "in_progress", Output: &checkOutput{Title: e.Title, Summary: e.Summary, Text: e.Text}}
	if last {
		c.ExternalID, c.Status = e.ExternalID, e.Status
		actions := slices.Clone(e.Actions)
		if actions == nil {
			actions = []checks.Action{}
		}
		c.Actions = &actions
		if e.Status == "completed" {
			c.Conclusion = e.Conclusion
		}
	}
	for _, a := range some {
		line := max(a.Line, 1) // a problem of a whole file is shown at its first line
		c.Output.Annotations = append(c.Output.Annotations, annotation{
			Path: a.Path, StartLine: line, EndLine: line, StartColumn: a.Column, EndColumn: a.Column,
			Level: a.Level, Message: a.Message, Title: a.Title,
		})
	}
	return c
}

// writeCheck creates a run (id 0) or updates one, and returns its id.
func (f *Forge) writeCheck(ctx context.Context, s *session, e workflow.SetCheck, id int64, body check) (int64, error) {
	method, path := http.MethodPatch, fmt.Sprintf("%s/check-runs/%d", repoPath(e.At.Repo), id)
	if id == 0 {
		body.HeadSHA = e.Head
		method, path = http.MethodPost, repoPath(e.At.Repo)+"/check-runs"
	}
	var run github.CheckRun
	if _, err := send(ctx, s.gh, method, path, body, &run); err != nil {
		return 0, err
	}
	return run.GetID(), nil
}
