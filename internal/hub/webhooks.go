package hub

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the old signature, which GitHub still sends beside the new one
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"
)

// delivery is one attempt, queued or made.
type delivery struct {
	Delivery
	repoID          int64
	payload         []byte
	requestHeaders  map[string]string
	responseHeaders map[string]string
	response        string
	deliveredAt     time.Time
	duration        time.Duration
}

// outbox wakes an App's delivering goroutine; what is queued is in the queue, under h.mu.
type outbox struct {
	queue []*delivery
	bell  chan struct{}
	busy  bool
}

func newOutbox() *outbox { return &outbox{bell: make(chan struct{}, 1)} }

func (o *outbox) wake() {
	select {
	case o.bell <- struct{}{}:
	default:
	}
}

// hookRepo queues a repository event for each App that hears it. sender is who did it.
func (h *Hub) hookRepo(r *repo, event, action string, payload map[string]any, sender *account) {
	h.hookWhere(event, action, payload, sender, r, r.owner, func(i *installation) bool { return i.covers(r) })
}

// hookOrg queues an organization event.
func (h *Hub) hookOrg(o *org, event, action string, payload map[string]any, sender *account) {
	h.hookWhere(event, action, payload, sender, nil, o.acct, func(i *installation) bool { return i.acct == o.acct })
}

func (h *Hub) hookWhere(event, action string, payload map[string]any, sender *account, r *repo, owner *account, hears func(*installation) bool) {
	full := maps.Clone(payload)
	built := false
	for _, i := range sortedBy(h.installs, func(i *installation) int64 { return i.id }) {
		if !i.suspended.IsZero() || !i.app.hasEvent(event) || !hears(i) {
			continue
		}
		if !built { // only when somebody hears it
			built = true
			h.commonPayload(full, action, r, owner, sender)
		}
		full["installation"] = map[string]any{"id": i.id, "node_id": nodeID("IntegrationInstallation", i.id)}
		h.enqueue(i, event, action, r, full)
	}
}

func (h *Hub) commonPayload(full map[string]any, action string, r *repo, owner, sender *account) {
	if action != "" {
		full["action"] = action
	}
	if r != nil {
		if _, own := full["repository"]; !own {
			full["repository"] = h.repoJSON(r)
		}
	}
	if owner.org != nil {
		full["organization"] = h.orgSimpleJSON(owner)
	}
	if sender == nil {
		sender = owner
	}
	full["sender"] = h.userJSON(sender)
}

// hookInstallation tells the App itself of its installation.
func (h *Hub) hookInstallation(i *installation, action string, payload map[string]any) {
	payload["action"], payload["installation"] = action, h.installationJSON(i)
	payload["sender"] = h.userJSON(i.acct)
	h.enqueue(i, "installation", action, nil, payload)
}

func (h *Hub) hookInstallationRepos(i *installation, added, removed []*repo) {
	if len(added) == 0 && len(removed) == 0 {
		return
	}
	action := "added"
	if len(added) == 0 {
		action = "removed"
	}
	h.enqueue(i, "installation_repositories", action, nil, map[string]any{
		"action": action, "installation": h.installationJSON(i), "repository_selection": selection(i.all), "requester": nil,
		"repositories_added": list(added, h.repoRef), "repositories_removed": list(removed, h.repoRef), "sender": h.userJSON(i.acct),
	})
}

// enqueue signs nothing yet: the secret and URL are those of the moment of the attempt.
func (h *Hub) enqueue(i *installation, event, action string, r *repo, payload map[string]any) {
	if i.app.hookURL == "" {
		return
	}
	body, err := json.Marshal(payload)
	if err != nil {
		h.log.Error("webhook payload does not marshal", "event", event, "err", err)
		return
	}
	d := &delivery{payload: body, Delivery: Delivery{
		ID: h.nextID(), GUID: newGUID(), AppID: i.app.id, Installation: i.id, Event: event, Action: action, QueuedAt: h.now(),
	}}
	if r != nil {
		d.Repo, d.repoID = r.full(), r.id
	}
	h.queue(i.app, d)
}

func (h *Hub) queue(a *app, d *delivery) {
	h.ledger = append(h.ledger, d)
	h.byID[d.ID] = d
	a.outbox.queue = append(a.outbox.queue, d)
	a.outbox.wake()
}

func newGUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, by its documentation
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// deliverAll is an App's own goroutine: it attempts its deliveries in order, each once, until the hub closes.
func (h *Hub) deliverAll(a *app) {
	defer h.workers.Done()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for {
		h.mu.Lock()
		if h.closed {
			h.mu.Unlock()
			return
		}
		if len(a.outbox.queue) == 0 {
			a.outbox.busy = false
			h.idle.Broadcast()
			h.mu.Unlock()
			<-a.outbox.bell
			continue
		}
		d := a.outbox.queue[0]
		a.outbox.queue, a.outbox.busy = a.outbox.queue[1:], true
		url, secret := a.hookURL, a.secret
		h.mu.Unlock()
		h.attempt(client, a, d, url, secret)
	}
}

// attempt makes the one request of a delivery and records what came of it.
func (h *Hub) attempt(client *http.Client, a *app, d *delivery, url, secret string) {
	headers := map[string]string{
		"Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/hub", "X-GitHub-Event": d.Event, "X-GitHub-Delivery": d.GUID,
		"X-GitHub-Hook-ID": itoa(a.hookID), "X-GitHub-Hook-Installation-Target-ID": itoa(a.id),
		"X-GitHub-Hook-Installation-Target-Type": "integration", "Accept": "*/*",
	}
	if secret != "" {
		headers["X-Hub-Signature"] = "sha1=" + sign(sha1.New, secret, d.payload)
		headers["X-Hub-Signature-256"] = "sha256=" + sign(sha256.New, secret, d.payload)
	}
	start := time.Now()
	code, status, answerHeaders, answerBody := post(h.ctx, client, url, headers, d.payload)
	h.mu.Lock()
	defer h.mu.Unlock()
	d.requestHeaders, d.responseHeaders, d.response = headers, answerHeaders, answerBody
	d.Attempted, d.StatusCode, d.Status = true, code, status
	d.deliveredAt, d.duration = h.now(), time.Since(start)
	if code < 200 || code > 299 {
		h.log.Warn("webhook not taken", "event", d.Event, "delivery", d.GUID, "status", status)
	}
}

func post(ctx context.Context, client *http.Client, url string, headers map[string]string, body []byte) (int, string, map[string]string, string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, "invalid URL", nil, ""
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	resp, err := client.Do(req)
	if err != nil {
		if strings.Contains(err.Error(), "Client.Timeout") {
			return 0, "timed out", nil, ""
		}
		return 0, "failed to connect to host", nil, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return 0, "failed to read the answer", nil, ""
	}
	got := map[string]string{}
	for k := range resp.Header {
		got[k] = resp.Header.Get(k)
	}
	status := "OK"
	if resp.StatusCode > 299 {
		status = fmt.Sprintf("Invalid HTTP Response: %d", resp.StatusCode)
	}
	return resp.StatusCode, status, got, string(text)
}

func sign(algorithm func() hash.Hash, secret string, body []byte) string {
	mac := hmac.New(algorithm, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// WaitIdle returns when every queued webhook delivery was attempted, or with ctx's error.
func (h *Hub) WaitIdle(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.idle.Broadcast()
	})
	defer stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	for !h.allIdle() {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("wait for webhook deliveries: %w", err)
		}
		h.idle.Wait()
	}
	return nil
}

func (h *Hub) allIdle() bool {
	if h.closed {
		return true
	}
	for _, a := range h.apps {
		if a.outbox.busy || len(a.outbox.queue) > 0 {
			return false
		}
	}
	return true
}
