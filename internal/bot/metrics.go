package bot

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/keyreeve/keyreeve/internal/lifecycle"
	"github.com/keyreeve/keyreeve/internal/queue"
	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/workflow"
	"github.com/keyreeve/keyreeve/webhook"
)

// metrics is what /metrics shows. No label holds a name that a user chose.
type metrics struct {
	registry   *prometheus.Registry
	deliveries *prometheus.CounterVec
	walks      *prometheus.CounterVec
	walkTime   *prometheus.HistogramVec
	calls      *prometheus.CounterVec
	callTime   *prometheus.HistogramVec
	leases     *prometheus.GaugeVec
	pending    prometheus.Gauge
}

func newMetrics() *metrics {
	m := &metrics{
		registry:   prometheus.NewRegistry(),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "keyreeve_deliveries_total", Help: "Webhook deliveries by event and by what the door answered."}, []string{"event", "result"}),
		walks:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "keyreeve_walks_total", Help: "Walks by kind of subject and outcome."}, []string{"kind", "outcome"}),
		walkTime:   prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "keyreeve_walk_seconds", Help: "How long a walk took."}, []string{"kind"}),
		calls:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: "keyreeve_github_calls_total", Help: "Calls to GitHub by route and status."}, []string{"route", "status"}),
		callTime:   prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "keyreeve_github_call_seconds", Help: "How long calls to GitHub took."}, []string{"route"}),
		leases:     prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "keyreeve_leases", Help: "Leases by state; stuck ones need somebody."}, []string{"state"}),
		pending:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "keyreeve_busy", Help: "1 while anything is unfinished, due or running, else 0."}),
	}
	m.registry.MustRegister(m.deliveries, m.walks, m.walkTime, m.calls, m.callTime, m.leases, m.pending,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) delivery(event string, result webhook.Result) {
	m.deliveries.WithLabelValues(event, string(result)).Inc()
}

func (m *metrics) github(route string, status int, took time.Duration) {
	m.calls.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.callTime.WithLabelValues(route).Observe(took.Seconds())
}

// walk counts the walks that next makes.
func (m *metrics) walk(next func(context.Context, workflow.Subject) (time.Time, error)) func(context.Context, workflow.Subject) (time.Time, error) {
	return func(ctx context.Context, s workflow.Subject) (time.Time, error) {
		begin := time.Now()
		again, err := next(ctx, s)
		outcome := "settled"
		if _, limited := errors.AsType[*workflow.LimitedError](err); limited {
			outcome = "limited"
		} else if err != nil {
			outcome = "failed"
		}
		m.walks.WithLabelValues(string(s.Kind), outcome).Inc()
		m.walkTime.WithLabelValues(string(s.Kind)).Observe(time.Since(begin).Seconds())
		return again, err
	}
}

// read sets the gauges.
func (m *metrics) read(ctx context.Context, s *store.Store, q *queue.Queue) error {
	leases, err := s.Leases(ctx)
	if err != nil {
		return err
	}
	for _, state := range []lifecycle.State{lifecycle.Approved, lifecycle.Granting, lifecycle.Active, lifecycle.Revoking, lifecycle.Revoked, lifecycle.Stuck} {
		m.leases.WithLabelValues(string(state)).Set(0)
	}
	for _, l := range leases {
		m.leases.WithLabelValues(string(l.State)).Inc()
	}
	idle, err := q.Idle(ctx)
	if err != nil {
		return err
	}
	m.pending.Set(1)
	if idle {
		m.pending.Set(0)
	}
	return nil
}
