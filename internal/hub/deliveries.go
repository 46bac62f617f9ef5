package hub

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
)

// ownDeliveries lists the App's attempts, newest first.
func (c *call) ownDeliveries() []*delivery {
	var out []*delivery
	for _, d := range slices.Backward(c.ledger) {
		if d.AppID == c.who.app.id && d.Attempted {
			out = append(out, d)
		}
	}
	return out
}

// listDeliveries answers GET /app/hook/deliveries, which pages by cursor.
func listDeliveries(c *call) (answer, error) {
	all := c.ownDeliveries()
	if want := c.query("status"); want != "" {
		all = slices.DeleteFunc(all, func(d *delivery) bool { return (d.StatusCode >= 200 && d.StatusCode < 300) != (want == "success") })
	}
	if cursor := c.query("cursor"); cursor != "" {
		id, err := strconv.ParseInt(cursor, 10, 64)
		if err != nil {
			return answer{}, failure(http.StatusBadRequest, "Invalid cursor")
		}
		all = slices.DeleteFunc(all, func(d *delivery) bool { return d.ID > id })
	}
	_, size := c.pageOf()
	if len(all) > size {
		c.header.Set("Link", c.pageLink(map[string]string{"cursor": itoa(all[size].ID)}, "next"))
		all = all[:size]
	}
	return ok(list(all, func(d *delivery) any { return d.itemJSON() }))
}

func (c *call) delivery() (*delivery, error) {
	d := c.byID[c.num("delivery_id")]
	if d == nil || d.AppID != c.who.app.id || !d.Attempted {
		return nil, notFound()
	}
	return d, nil
}

func getDelivery(c *call) (answer, error) {
	d, err := c.delivery()
	if err != nil {
		return answer{}, err
	}
	item := d.itemJSON()
	item["url"] = ""
	item["request"] = map[string]any{"headers": d.requestHeaders, "payload": json.RawMessage(d.payload)}
	item["response"] = map[string]any{"headers": d.responseHeaders, "payload": d.response}
	return ok(item)
}

// redeliver queues the same payload once more under the same GUID.
func redeliver(c *call) (answer, error) {
	d, err := c.delivery()
	if err != nil {
		return answer{}, err
	}
	c.again(d)
	return answer{http.StatusAccepted, map[string]any{}}, nil
}

func (h *Hub) again(d *delivery) {
	next := &delivery{payload: d.payload, repoID: d.repoID, Delivery: d.Delivery}
	next.ID, next.Redelivery, next.QueuedAt = h.nextID(), true, h.now()
	next.Attempted, next.StatusCode, next.Status = false, 0, ""
	h.queue(h.apps[d.AppID], next)
}

// Redeliver queues an attempted delivery once more, as the button on GitHub's page does.
func (h *Hub) Redeliver(id int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.byID[id]
	if d == nil || !d.Attempted {
		return unknown("delivery", itoa(id))
	}
	h.again(d)
	return nil
}

// Payload is the body of a delivery, as it was signed.
func (h *Hub) Payload(id int64) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d := h.byID[id]; d != nil {
		return slices.Clone(d.payload), nil
	}
	return nil, unknown("delivery", itoa(id))
}

func (d *delivery) itemJSON() map[string]any {
	var repoID any
	if d.repoID != 0 {
		repoID = d.repoID
	}
	return map[string]any{
		"id": d.ID, "guid": d.GUID, "delivered_at": stamp(d.deliveredAt), "redelivery": d.Redelivery,
		"duration": float64(d.duration.Milliseconds()) / 1000, "status": d.Status, "status_code": d.StatusCode, "event": d.Event,
		"action": blank(d.Action), "installation_id": d.Installation, "repository_id": repoID, "throttled_at": nil,
	}
}
