package hub

import (
	"net/http"
	"time"
)

// limit counts the calls of one installation, App or person in the hour under way:
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api.
type limit struct {
	used  int
	reset time.Time
}

// limitKey names whose calls are counted together.
func (c *call) limitKey() string {
	switch {
	case c.who.inst != nil:
		return "installation:" + itoa(c.who.inst.id)
	case c.who.app != nil:
		return "app:" + itoa(c.who.app.id)
	case c.who.acct != nil:
		return "user:" + itoa(c.who.acct.id)
	default:
		return "nobody"
	}
}

func (c *call) limit() *limit {
	now := c.opts.AuthNow()
	l := c.limits[c.limitKey()]
	if l == nil || !now.Before(l.reset) {
		l = &limit{reset: now.Add(time.Hour).Truncate(time.Second)}
		c.limits[c.limitKey()] = l
	}
	return l
}

// takeRate counts the call, or refuses it when the hour's calls are used up. Asking for the limits is free.
func (c *call) takeRate() error {
	if c.route != nil && c.route.pattern == "/rate_limit" {
		return nil
	}
	l := c.limit()
	if l.used >= c.opts.RateLimit {
		return forbidden("API rate limit exceeded for installation.")
	}
	l.used++
	return nil
}

// refundRate makes a 304 free.
func (c *call) refundRate() {
	if l := c.limit(); l.used > 0 {
		l.used--
		c.rateHeaders()
	}
}

func (c *call) rateHeaders() {
	l := c.limit()
	c.header.Set("X-RateLimit-Limit", itoa(c.opts.RateLimit))
	c.header.Set("X-RateLimit-Remaining", itoa(max(0, c.opts.RateLimit-l.used)))
	c.header.Set("X-RateLimit-Used", itoa(l.used))
	c.header.Set("X-RateLimit-Reset", itoa(l.reset.Unix()))
	c.header.Set("X-RateLimit-Resource", "core")
}

func getRateLimit(c *call) (answer, error) {
	l := c.limit()
	one := func(most, used int) map[string]any {
		return map[string]any{"limit": most, "used": used, "remaining": max(0, most-used), "reset": l.reset.Unix()}
	}
	core := one(c.opts.RateLimit, l.used)
	return ok(map[string]any{
		"resources": map[string]any{"core": core, "search": one(30, 0), "graphql": one(5000, 0)},
		"rate":      core,
	})
}

func getMeta(*call) (answer, error) {
	return answer{http.StatusOK, map[string]any{"verifiable_password_authentication": false, "hooks": []string{"127.0.0.1/32"}}}, nil
}
