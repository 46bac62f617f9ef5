package bot

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/keyreeve/keyreeve/webhook"
)

// serve builds the one HTTP server: the door, and what those who run it look at.
func (b *Bot) serve(c Config, m *metrics) (*http.Server, error) {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.Use(b.recover)
	_ = r.SetTrustedProxies(nil) // only an invalid address is an error; nobody's X-Forwarded-For is believed
	door, err := webhook.Handler(webhook.Config{
		App: c.AppID, Secrets: c.WebhookSecrets, Inbox: b.store, Now: c.Now, Log: c.Log,
		Ready: func() bool { return !b.closed.Load() }, Count: m.delivery,
	})
	if err != nil {
		return nil, err
	}
	r.POST("/webhook", door)
	r.GET("/healthz", func(c *gin.Context) { c.String(http.StatusOK, "ok\n") })
	r.GET("/readyz", b.ready)
	r.GET("/metrics", b.metrics(m))
	if b.ledger != nil {
		r.GET("/log/*path", serveLog(b.ledger, c.LogToken, c.Log))
		r.HEAD("/log/*path", serveLog(b.ledger, c.LogToken, c.Log))
	}
	return &http.Server{
		Handler: r, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}, nil
}

// recover answers a panic in a handler without showing what panicked.
func (b *Bot) recover(c *gin.Context) {
	defer func() {
		if p := recover(); p != nil {
			// Its type alone: what panicked may hold anything that was received.
			b.log.ErrorContext(c.Request.Context(), "panic in a handler", "route", c.FullPath(), "panic", fmt.Sprintf("a value of type %T", p))
			c.AbortWithStatusJSON(http.StatusInternalServerError, gin.H{"error": "internal error"})
		}
	}()
	c.Next()
}

// ready says whether a delivery could be accepted now: the door is open and the database takes writes.
func (b *Bot) ready(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), 2*time.Second)
	defer cancel()
	if b.closed.Load() {
		c.String(http.StatusServiceUnavailable, "stopping\n")
		return
	}
	if err := b.store.Ping(ctx); err != nil {
		b.log.WarnContext(ctx, "not ready", "error", err)
		c.String(http.StatusServiceUnavailable, "the database does not take writes\n")
		return
	}
	c.String(http.StatusOK, "ready\n")
}

// metrics shows the counters, after setting the gauges from the store.
func (b *Bot) metrics(m *metrics) gin.HandlerFunc {
	h := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return func(c *gin.Context) {
		ctx := c.Request.Context()
		if err := m.read(ctx, b.store, b.queue); err != nil {
			b.log.WarnContext(ctx, "metrics are incomplete", "error", err)
		}
		h.ServeHTTP(c.Writer, c.Request)
	}
}
