// Package bot puts the rooms together: the door, the queue, the walk, GitHub and the store become one running program.
// `keyreeve serve`, `keyreeve demo` and the story tests all start this very program; only where GitHub is, what the clock
// says and who is told of the walk's points differ.
package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/keyreeve/keyreeve/internal/forge"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/ledger"
	"github.com/keyreeve/keyreeve/internal/provider"
	"github.com/keyreeve/keyreeve/internal/queue"
	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/workflow"
	"github.com/keyreeve/keyreeve/scanners"
	"github.com/keyreeve/keyreeve/webhook"
)

// Config is what a bot is made of. Now, Log, Poll and Tick have defaults; Trace is optional.
type Config struct {
	AppID          int64
	PrivateKey     []byte   // PEM
	WebhookSecrets [][]byte // newest first; all of them verify
	GitHubURL      string   // the REST base, as given
	DatabaseURL    string   // a SQLite file's path, or postgres://…
	Registry       string   // "identities", in each organization; or "acme/identities", in that one alone
	LogKeyFile     string   // the keys that sign the log's head, made where there are none; default beside a SQLite file
	LogOrigin      string   // the log's name for ever; default by the App's id
	LogToken       string   // who sends it may read the log's entries at /log/; "": nobody
	SIEMURL        string   // where the log is streamed to, as ledger.NewSink takes it; "": nowhere
	SIEMToken      string   // goes along to an https SIEM

	Now   func() time.Time
	Log   *slog.Logger
	Trace func(workflow.Point)
	Poll  time.Duration // how often the queue looks for work; default 100 ms
	Tick  time.Duration // how often what is due is looked for; default 1 s
}

// Bot is a running program.
type Bot struct {
	store  *store.Store
	queue  *queue.Queue
	ledger *ledger.Log // nil where there is no key file
	stream func()      // ends the streaming of the log, and waits for it
	server *http.Server
	addr   string
	closed atomic.Bool // the door is closed: deliveries get 503, /readyz too
	failed chan error
	log    *slog.Logger
}

// Start opens the store, takes up what an earlier run left, and serves on l
// until Stop. What is wrong with the configuration is an error before anything is served.
func Start(ctx context.Context, c Config, l net.Listener) (*Bot, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	registry, err := registryOf(c.Registry)
	if err != nil {
		return nil, err
	}
	sink, err := sinkOf(c)
	if err != nil {
		return nil, err
	}
	m := newMetrics()
	github, err := forge.New(forge.Config{
		AppID: c.AppID, PrivateKey: c.PrivateKey, BaseURL: c.GitHubURL, Now: c.Now, Log: c.Log, Observe: m.github,
	})
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, c.DatabaseURL, store.Options{Now: c.Now, Log: c.Log})
	if err != nil {
		return nil, err
	}
	log, err := openLog(ctx, c, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	b, err := assemble(c, l, db, log, github, registry, m)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := b.queue.Start(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	b.stream = streamLog(context.WithoutCancel(ctx), c, db, sink, streamEvery)
	go func() {
		if err := b.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			b.failed <- fmt.Errorf("serve %s: %w", b.addr, err)
		}
	}()
	return b, nil
}

func assemble(c Config, l net.Listener, db *store.Store, log *ledger.Log, github *forge.Forge, registry registryFunc, m *metrics) (*Bot, error) {
	providers, err := provider.New(provider.Repository(github))
	if err != nil {
		return nil, err
	}
	walker := workflow.New(workflow.Config{
		Conversations: github, Repositories: github, Codeowners: github, Pulls: github, People: github, Applier: github,
		Providers: providers.For, Store: db, Registry: registry, Now: c.Now, Log: c.Log, Trace: c.Trace, Head: headOf(log),
	})
	b := &Bot{store: db, ledger: log, addr: l.Addr().String(), failed: make(chan error, 1), log: c.Log}
	b.queue, err = queue.New(db, queue.Handlers{
		Delivery: func(_ context.Context, d workflow.Delivery) (workflow.Routed, error) {
			return route(c.AppID, registry, d)
		},
		Walk:  m.walk(walker.Walk),
		Sweep: (&sweeper{github: github, registry: registry, now: c.Now, log: c.Log}).sweep,
	}, queue.Options{
		Now: c.Now, Log: c.Log, Poll: c.Poll, Tick: c.Tick,
		Schedules: schedules(), Redact: scanners.Redact,
	})
	if err != nil {
		return nil, err
	}
	b.server, err = b.serve(c, m)
	return b, err
}

// route turns a delivery into subjects, or into the name of the rule by which
// it is ignored. A payload that can't be read never heals, so it is finished with what is wrong with it as its rule.
func route(app int64, registry registryFunc, d workflow.Delivery) (workflow.Routed, error) {
	r, err := webhook.Route(webhook.Input{
		App: app, Event: d.Event, Body: d.Body,
		Registry: func(owner, name string) bool {
			repo, ok := registry(owner)
			return ok && strings.EqualFold(repo.Name, name)
		},
	})
	if bad, ok := errors.AsType[*webhook.PayloadError](err); ok {
		return workflow.Routed{Rule: "unreadable: " + bad.Error()}, nil
	}
	for i := range r.Presses {
		r.Presses[i].At = d.ReceivedAt
	}
	return workflow.Routed{Rule: string(r.Rule), Subjects: r.Subjects, Presses: r.Presses}, err
}

// URL is where the bot listens, without a trailing slash.
func (b *Bot) URL() string { return "http://" + b.addr }

// Store is the bot's store, for a look at what is under way.
func (b *Bot) Store() *store.Store { return b.store }

// Idle reports whether nothing is unfinished, due or running.
func (b *Bot) Idle(ctx context.Context) (bool, error) { return b.queue.Idle(ctx) }

// Failed is sent an error if the bot can't serve any longer.
func (b *Bot) Failed() <-chan error { return b.failed }

// Stop closes the door, lets work in hand end until ctx is over, hands back
// what has not ended, and closes the store. What was acknowledged stays in the
// store, and is taken up at the next start.
func (b *Bot) Stop(ctx context.Context) error {
	b.closed.Store(true)
	err := errors.Join(b.server.Shutdown(ctx), b.queue.Stop(ctx))
	b.stream()
	signLog(context.WithoutCancel(ctx), b.ledger, b.log)
	return errors.Join(err, b.store.Close())
}

// registryFunc names an organization's registry, if it is served.
type registryFunc = func(org string) (identity.Repo, bool)

// registryOf reads the setting: a name in every organization, or one repository in one.
func registryOf(setting string) (registryFunc, error) {
	name := setting
	only := ""
	if owner, rest, ok := strings.Cut(setting, "/"); ok {
		only, name = owner, rest
	}
	if _, err := identity.ParseRepo("x/" + name); err != nil || only == "" && strings.Contains(setting, "/") {
		return nil, fmt.Errorf("registry %q: write the repository's name, which each organization then has (identities), or owner/name for one alone (acme/identities)", setting)
	}
	return func(org string) (identity.Repo, bool) {
		if only != "" && !strings.EqualFold(org, only) {
			return identity.Repo{}, false
		}
		return identity.Repo{Owner: org, Name: name}, true
	}, nil
}
