package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/keyreeve/keyreeve/internal/workflow"
)

const (
	// unknownEvent is counted for requests whose event name nobody vouches for.
	unknownEvent = "unknown"
	// retryAfter is in seconds. GitHub does not retry by itself, but what stands between may.
	retryAfter = "30"
)

// Handler returns the door as a handler for POST requests, or an error that names all that Config lacks. The handler
// may be called concurrently.
//
// It answers 202 (200 to a ping) only after the Inbox has the delivery; 401 to every body that is not signed, always
// with the same words; 413, 415, 400, 403 and 405 to what can't be a delivery of this App; and 503 with Retry-After while
// it is closed or the Inbox fails. A crash before the answer leaves either nothing or a kept delivery that GitHub
// counts as failed: redelivering it is harmless, since the Inbox knows its id.
func Handler(c Config) (gin.HandlerFunc, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("webhook door: %w", err)
	}
	d := door{c}
	return d.handle, nil
}

type door struct{ Config }

func (d door) handle(c *gin.Context) {
	// A sender that hangs up after the body arrived whole does not undo the delivery: GitHub would not send it again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), d.Deadline)
	defer cancel()
	if deadline, ok := ctx.Deadline(); ok {
		// Where the connection has no deadlines, the server's own time limits remain.
		_ = http.NewResponseController(c.Writer).SetReadDeadline(deadline)
	}
	delivery, refused := d.receive(c)
	if refused != nil {
		d.refuse(c, delivery, refused)
		return
	}
	fresh, err := d.Inbox.Accept(ctx, delivery)
	if err != nil {
		d.refuse(c, delivery, &refusal{
			status: http.StatusServiceUnavailable, result: Unavailable, text: "the delivery could not be kept", cause: err,
		})
		return
	}
	result, status := Accepted, http.StatusAccepted
	if !fresh {
		result = Known
	}
	if delivery.Event == "ping" {
		status = http.StatusOK
	}
	d.Count(delivery.Event, result)
	d.Log.Info("delivery accepted", "event", delivery.Event, "delivery", delivery.ID,
		"installation", delivery.Installation, "bytes", len(delivery.Body), "result", string(result))
	c.JSON(status, answer{Accepted: true, Delivery: delivery.ID, Known: !fresh, Pong: delivery.Event == "ping"})
}

// receive reads and proves one delivery. Before the signature is proven it looks only at what bounds the reading, so a
// stranger costs little and learns nothing. With a refusal, the delivery has an event and id only if they are proven.
func (d door) receive(c *gin.Context) (workflow.Delivery, *refusal) {
	if refused := d.stopEarly(c.Request); refused != nil {
		return workflow.Delivery{}, refused
	}
	mac, ok := parseSignature(single(c.Request.Header, signatureHeader))
	if !ok {
		return workflow.Delivery{}, unsigned()
	}
	body, refused := d.read(c)
	if refused != nil {
		return workflow.Delivery{}, refused
	}
	if !verified(d.Secrets, body, mac) {
		return workflow.Delivery{}, unsigned()
	}
	return d.describe(c.Request.Header, body)
}

// stopEarly refuses what need not be read.
func (d door) stopEarly(r *http.Request) *refusal {
	switch media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case !d.Ready():
		return &refusal{status: http.StatusServiceUnavailable, result: Closed, text: "not taking deliveries at the moment"}
	case r.Method != http.MethodPost:
		return &refusal{status: http.StatusMethodNotAllowed, result: WrongMethod, text: "deliveries are POST requests"}
	case r.ContentLength > d.MaxBody:
		return tooLarge()
	case err != nil || media != "application/json":
		return &refusal{
			status: http.StatusUnsupportedMediaType, result: WrongMedia,
			text: "set the webhook's content type to application/json",
		}
	}
	return nil
}

// read reads the body, at most MaxBody bytes of it.
func (d door) read(c *gin.Context) ([]byte, *refusal) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, d.MaxBody))
	if err == nil {
		return body, nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, &refusal{status: http.StatusRequestTimeout, result: TooSlow, text: "the body did not arrive in time"}
	}
	return nil, &refusal{status: http.StatusBadRequest, result: CutShort, text: "the body ended early", cause: err}
}

// describe makes the delivery of a proven body. The headers are not signed, so they are held to their shapes.
func (d door) describe(h http.Header, body []byte) (workflow.Delivery, *refusal) {
	event, id := single(h, "X-GitHub-Event"), single(h, "X-GitHub-Delivery")
	if !isEvent(event) || !isDeliveryID(id) {
		return workflow.Delivery{}, &refusal{
			status: http.StatusBadRequest, result: BadHeaders,
			text: "X-GitHub-Event and X-GitHub-Delivery must name the event and the delivery, once each",
		}
	}
	delivery := workflow.Delivery{App: d.App, ID: id, Event: event, Body: body, ReceivedAt: d.Now()}
	if h.Get("X-GitHub-Hook-Installation-Target-Type") == "integration" {
		target := h.Get("X-GitHub-Hook-Installation-Target-ID")
		if target != "" && target != strconv.FormatInt(d.App, 10) {
			return delivery, &refusal{
				status: http.StatusForbidden, result: WrongApp, text: "this webhook belongs to another App",
			}
		}
	}
	installation, ok := installationOf(body)
	if !ok {
		return delivery, &refusal{status: http.StatusBadRequest, result: NotJSON, text: "the body is not a JSON object"}
	}
	delivery.Installation = installation
	return delivery, nil
}

func (d door) refuse(c *gin.Context, delivery workflow.Delivery, r *refusal) {
	event := delivery.Event
	if event == "" {
		event = unknownEvent
	}
	d.Count(event, r.result)
	attrs := []any{"result", string(r.result), "status", r.status, "event", event, "delivery", delivery.ID}
	if r.cause != nil {
		attrs = append(attrs, "error", r.cause)
	}
	level := slog.LevelInfo
	if r.result == Unavailable {
		level = slog.LevelError
	}
	d.Log.Log(c.Request.Context(), level, "delivery refused", attrs...)
	switch r.status {
	case http.StatusServiceUnavailable:
		c.Header("Retry-After", retryAfter)
	case http.StatusMethodNotAllowed:
		c.Header("Allow", http.MethodPost)
	}
	// Else the server would first wait for the rest of the body, to find the next request behind it.
	c.Header("Connection", "close")
	c.AbortWithStatusJSON(r.status, answer{Delivery: delivery.ID, Error: r.text})
}
