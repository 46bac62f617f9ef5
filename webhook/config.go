package webhook

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

const (
	// defaultMaxBody is the largest payload that GitHub sends: it does not deliver larger ones.
	// https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap
	defaultMaxBody = 25 << 20
	// defaultDeadline leaves room below the 10 s after which GitHub gives a delivery up.
	// https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks#respond-within-10-seconds
	defaultDeadline = 8 * time.Second
)

// Inbox keeps deliveries. Its method may be called concurrently.
type Inbox interface {
	// Accept writes d and the job that will work on it, in one transaction. When it returns nil the delivery is
	// durable; an error means that nothing was written. fresh is false when the id was known already: the Inbox
	// alone decides whether that one is finished or is to be taken up again.
	Accept(ctx context.Context, d workflow.Delivery) (fresh bool, err error)
}

// Config says how the door works. It is not changed after Handler returned.
type Config struct {
	// App is the GitHub App's id. A delivery that names another App as its hook's target is refused. Required.
	App int64
	// Secrets are the webhook's secrets, newest first: while one is being rotated, the old one and the new one both
	// verify. At least one is required, and none may be empty.
	Secrets [][]byte
	// Inbox keeps what is accepted. Required.
	Inbox Inbox
	// Now is the clock for ReceivedAt; time.Now by default.
	Now func() time.Time
	// Log is told of each delivery, never of its content; by default nobody is.
	Log *slog.Logger
	// MaxBody is the largest body in bytes; 25 MiB by default.
	MaxBody int64
	// Deadline bounds the whole answer, reading included; 8 s by default.
	Deadline time.Duration
	// Ready says whether the door is open. While it says no, deliveries are answered 503 before their bodies are
	// read, and GitHub lists them as failed, so that they can be redelivered. By default the door is always open.
	Ready func() bool
	// Count is called once for each request, for metrics. event is "unknown" until the signature was verified, so
	// that a stranger can't make up label values. It may be called concurrently.
	Count func(event string, result Result)
}

// withDefaults returns c with its zero values filled, or an error that names all that is wrong.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	if c.App <= 0 {
		errs = append(errs, errors.New("no App id"))
	}
	if c.Inbox == nil {
		errs = append(errs, errors.New("no inbox"))
	}
	if len(c.Secrets) == 0 {
		errs = append(errs, errors.New("no secret"))
	}
	for _, s := range c.Secrets {
		if len(s) == 0 {
			// Anybody can sign with the empty key.
			errs = append(errs, errors.New("an empty secret"))
		}
	}
	if c.MaxBody < 0 || c.Deadline < 0 {
		errs = append(errs, errors.New("a negative bound"))
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.MaxBody == 0 {
		c.MaxBody = defaultMaxBody
	}
	if c.Deadline == 0 {
		c.Deadline = defaultDeadline
	}
	if c.Ready == nil {
		c.Ready = func() bool { return true }
	}
	if c.Count == nil {
		c.Count = func(string, Result) {}
	}
	return c, errors.Join(errs...)
}
