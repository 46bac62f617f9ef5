package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/google/go-github/v60/github"
)

const (
	// keptDeliveries is how far back GitHub keeps deliveries for redelivery.
	keptDeliveries = 3 * 24 * time.Hour
	// mostAttempts is after how many a delivery is given up: it is refused, not missed.
	mostAttempts = 8
)

// delivered is one attempt at a delivery; attempts at the same one share the GUID.
type delivered struct {
	ID          int64     `json:"id"`
	GUID        string    `json:"guid"`
	DeliveredAt time.Time `json:"delivered_at"`
	StatusCode  int       `json:"status_code"`
}

// missed is a delivery that nobody accepted yet.
type missed struct {
	newest   int64 // the newest attempt
	attempts int
	accepted bool
}

// Redeliver asks GitHub to deliver once more what was sent since a moment and not accepted, for instance since this bot
// was down: GitHub never does so by itself. It looks back three days at most, and gives a delivery up after eight attempts.
// It returns how many it asked for; the deliveries come to the door like any other, with the id that they had.
// https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
func (f *Forge) Redeliver(ctx context.Context, since time.Time) (asked int, err error) {
	if earliest := f.cfg.Now().Add(-keptDeliveries); since.Before(earliest) {
		since = earliest
	}
	gh := f.appClient()
	order, found, err := attempts(ctx, gh, since)
	if err != nil {
		return 0, fail("list the deliveries", err)
	}
	for _, guid := range order {
		m := found[guid]
		if m.accepted || m.attempts >= mostAttempts {
			continue
		}
		_, err := send(ctx, gh, http.MethodPost, fmt.Sprintf("app/hook/deliveries/%d/attempts", m.newest), nil, nil)
		if _, accepted := errors.AsType[*github.AcceptedError](err); err != nil && !accepted { // a 202 is the good answer here
			return asked, fail("ask for delivery "+guid+" again", err)
		}
		asked++
	}
	return asked, nil
}

// attempts reads the attempts since a moment, newest first, and gathers them by their delivery, oldest delivery first.
func attempts(ctx context.Context, gh *github.Client, since time.Time) (order []string, found map[string]*missed, err error) {
	found = map[string]*missed{}
	query := url.Values{"per_page": {"100"}}
	for range maxPages {
		req, err := gh.NewRequest(http.MethodGet, "app/hook/deliveries?"+query.Encode(), nil)
		if err != nil {
			return nil, nil, err
		}
		var page []delivered
		resp, err := gh.Do(ctx, req, &page)
		if err != nil {
			return nil, nil, err
		}
		for _, d := range page {
			if d.DeliveredAt.Before(since) {
				return order, found, nil
			}
			m := found[d.GUID]
			if m == nil {
				m = &missed{newest: d.ID}
				found[d.GUID] = m
				order = append([]string{d.GUID}, order...)
			}
			m.attempts++
			m.accepted = m.accepted || d.StatusCode >= 200 && d.StatusCode <= 299
		}
		if resp.Cursor == "" {
			return order, found, nil
		}
		query.Set("cursor", resp.Cursor)
	}
	return nil, nil, errEndless
}
