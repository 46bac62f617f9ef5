package webhook

import "net/http"

// Result says what became of a request, for logs and metrics.
type Result string

// The results.
const (
	// Accepted: the Inbox has it for good.
	Accepted Result = "accepted"
	// Known: the Inbox had a delivery of this id already.
	Known Result = "known"
	// Closed: the door was closed.
	Closed Result = "closed"
	// Unavailable: the Inbox could not keep it.
	Unavailable Result = "unavailable"
	// Unsigned: no signature, only a SHA-1 signature, or a wrong one.
	Unsigned Result = "unsigned"
	// TooLarge: the body is over the bound.
	TooLarge Result = "too_large"
	// TooSlow: the body did not arrive in time.
	TooSlow Result = "too_slow"
	// CutShort: the body ended early.
	CutShort Result = "cut_short"
	// WrongMethod: not a POST.
	WrongMethod Result = "wrong_method"
	// WrongMedia: the body is not declared as JSON; often a webhook set to form encoding.
	WrongMedia Result = "wrong_media"
	// BadHeaders: signed, but without a usable event name or delivery id.
	BadHeaders Result = "bad_headers"
	// WrongApp: signed, but the hook belongs to another App.
	WrongApp Result = "wrong_app"
	// NotJSON: signed, but not a JSON object.
	NotJSON Result = "not_json"
)

// answer is the body of every answer.
type answer struct {
	Accepted bool   `json:"accepted"`
	Delivery string `json:"delivery,omitempty"`
	Known    bool   `json:"known,omitempty"`
	Pong     bool   `json:"pong,omitempty"`
	Error    string `json:"error,omitempty"`
}

// refusal is an answer that accepts nothing.
type refusal struct {
	status int
	result Result
	text   string // safe to show to anybody
	cause  error  // for the log; nil where the result says it all
}

// unsigned is one and the same for every wrong signature: the answer does not tell how near a guess came.
func unsigned() *refusal {
	return &refusal{
		status: http.StatusUnauthorized, result: Unsigned,
		text: "the delivery is not signed with this webhook's secret (X-Hub-Signature-256)",
	}
}

func tooLarge() *refusal {
	return &refusal{status: http.StatusRequestEntityTooLarge, result: TooLarge, text: "the body is too large"}
}
