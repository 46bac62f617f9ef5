package hub

import (
	"slices"
	"time"
	"unicode/utf8"
)

type checkBodyIn struct {
	Name        *string       `json:"name"`
	HeadSHA     string        `json:"head_sha"`
	DetailsURL  *string       `json:"details_url"`
	ExternalID  *string       `json:"external_id"`
	Status      string        `json:"status"`
	StartedAt   *time.Time    `json:"started_at"`
	Conclusion  string        `json:"conclusion"`
	CompletedAt *time.Time    `json:"completed_at"`
	Output      *checkOutput  `json:"output"`
	Actions     []checkAction `json:"actions"`
}

type checkOutput struct {
	Title       *string      `json:"title"`
	Summary     *string      `json:"summary"`
	Text        *string      `json:"text"`
	Annotations []Annotation `json:"annotations"`
}

var (
	checkStatuses    = []string{"queued", "in_progress", "completed", "waiting", "requested", "pending"}
	checkConclusions = []string{"action_required", "cancelled", "failure", "neutral", "success", "skipped", "stale", "timed_out"}
)

// check refuses what GitHub refuses: https://docs.github.com/en/rest/checks/runs#create-a-check-run. Its REST description
// cannot say that "completed" needs a conclusion.
func (in *checkBodyIn) check(creating bool) error {
	switch {
	case in.Status != "" && !slices.Contains(checkStatuses, in.Status):
		return invalid("CheckRun", "status", "invalid", "")
	case in.Conclusion != "" && !slices.Contains(checkConclusions, in.Conclusion):
		return invalid("CheckRun", "conclusion", "invalid", "")
	case in.Status == "completed" && in.Conclusion == "":
		return unprocessable("Invalid request.\n\n\"conclusion\" wasn't supplied.")
	case len(in.Actions) > 3:
		return unprocessable("Invalid request.\n\nNo more than 3 items are allowed; " + itoa(len(in.Actions)) + " were supplied.")
	}
	for _, a := range in.Actions {
		if tooLong(a.Label, 20) || tooLong(a.Identifier, 20) || tooLong(a.Description, 40) || a.Label == "" || a.Identifier == "" || a.Description == "" {
			return unprocessable("Invalid request.\n\nAn action's label and identifier have 1 to 20 characters, its description 1 to 40.")
		}
	}
	return in.Output.check(creating)
}

func tooLong(s string, most int) bool { return utf8.RuneCountInString(s) > most }

func (o *checkOutput) check(creating bool) error {
	if o == nil {
		return nil
	}
	switch {
	case creating && (o.Title == nil || o.Summary == nil), o.Summary == nil:
		return unprocessable("Invalid request.\n\n\"title\" and \"summary\" weren't supplied.")
	case o.Summary != nil && tooLong(*o.Summary, 65535), o.Text != nil && tooLong(*o.Text, 65535):
		return invalid("CheckRun", "output", "custom", "Only 65535 characters are allowed")
	case len(o.Annotations) > 50:
		return unprocessable("Invalid request.\n\nNo more than 50 items are allowed; " + itoa(len(o.Annotations)) + " were supplied.")
	}
	for _, a := range o.Annotations {
		if a.Path == "" || a.StartLine < 1 || a.EndLine < a.StartLine || a.Message == "" || !slices.Contains([]string{"notice", "warning", "failure"}, a.Level) {
			return invalid("CheckRun", "annotations", "invalid", "")
		}
	}
	return nil
}

// apply puts the body's values on the run.
func (in *checkBodyIn) apply(run *checkRun, now time.Time) {
	set := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&run.name, in.Name)
	set(&run.detailsURL, in.DetailsURL)
	set(&run.externalID, in.ExternalID)
	if in.StartedAt != nil {
		run.started = *in.StartedAt
	}
	if in.Status != "" && in.Status != "completed" {
		run.status, run.conclusion, run.completed = in.Status, "", time.Time{}
	}
	if in.Conclusion != "" {
		run.status, run.conclusion = "completed", in.Conclusion
		run.completed = now
		if in.CompletedAt != nil {
			run.completed = *in.CompletedAt
		}
	}
	if o := in.Output; o != nil {
		if o.Title != nil {
			run.title = o.Title
		}
		run.summary, run.text = o.Summary, o.Text
		run.annotations = append(run.annotations, o.Annotations...)
	}
	if in.Actions != nil {
		run.actions = in.Actions
	}
}
