package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/keyreeve/keyreeve/internal/bot"
	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/hub/pages"
	"github.com/keyreeve/keyreeve/internal/proof"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// Options say how the demo is played.
type Options struct {
	Dir      string // an existing, empty folder for database and repositories
	Database string // the database file's path
	Listen   string // where the simulated GitHub listens: "127.0.0.1:0"
	Out      io.Writer
	Colour   bool
	Pace     time.Duration // the pause before each act
	Log      *slog.Logger  // the bot's
}

// Demo is the world, the bot, and the story between them.
type Demo struct {
	opts  Options
	clock *Clock
	hub   *hub.Hub
	world *World
	bot   *bot.Bot
	url   string
	say   *narrator
	told  chan struct{} // closed when everything that happened was shown
	stop  func()
}

// Start starts the simulated GitHub, with the world in it, and the real bot against it.
func Start(ctx context.Context, o Options) (*Demo, error) {
	d := &Demo{opts: o, clock: &Clock{}, say: newNarrator(o.Out, o.Colour), told: make(chan struct{})}
	var err error
	if d.hub, err = hub.New(hub.Options{Dir: filepath.Join(o.Dir, "github"), Now: d.clock.Now, Log: o.Log}); err != nil {
		return nil, err
	}
	d.hub.HandlePages(pages.Handler(d.hub, d.hub.Git))
	if err := d.begin(ctx); err != nil {
		return nil, errors.Join(err, d.hub.Close())
	}
	return d, nil
}

func (d *Demo) begin(ctx context.Context) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the bot: %w", err)
	}
	secret := rand.Text()
	if d.world, err = Build(d.hub, "http://"+l.Addr().String()+"/webhook", secret, d.clock.Now()); err != nil {
		return err
	}
	if d.url, err = d.hub.Start(d.opts.Listen); err != nil {
		return err
	}
	events, stop := d.hub.Watch()
	d.stop = stop
	go func() {
		defer close(d.told)
		for e := range events {
			d.say.event(e)
		}
	}()
	d.bot, err = bot.Start(ctx, bot.Config{
		AppID: d.world.App.ID, PrivateKey: d.world.App.PrivateKeyPEM, WebhookSecrets: [][]byte{[]byte(secret)},
		GitHubURL: d.url + "/", DatabaseURL: d.opts.Database, Registry: "identities",
		Now: d.clock.Now, Log: d.opts.Log, Poll: 20 * time.Millisecond, Tick: 50 * time.Millisecond,
	}, l)
	return err
}

// URL is where the simulated GitHub can be looked at in a browser.
func (d *Demo) URL() string { return d.url }

// Bot is where the bot listens.
func (d *Demo) Bot() string { return d.bot.URL() }

// Play plays the story to its end.
func (d *Demo) Play(ctx context.Context) error {
	return play(ctx, &stage{world: d.world, clock: d.clock}, story, d.say, d.opts.Pace)
}

// Verify waits until the bot has nothing left to do, and checks the whole end state.
func (d *Demo) Verify(ctx context.Context) (proof.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if err := d.hub.WaitIdle(ctx); err != nil {
			return proof.Report{}, fmt.Errorf("wait for the deliveries: %w", err)
		}
		idle, err := d.bot.Idle(ctx)
		if err != nil {
			return proof.Report{}, err
		}
		if idle {
			break
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return proof.Report{}, fmt.Errorf("wait for the bot: %w", err)
		}
	}
	r, err := proof.Check(ctx, d.bot.Store(), proof.State{
		World: d.hub.Snapshot(), Writes: d.hub.Writes(), App: d.world.App.Slug, AppID: d.world.App.ID, Now: d.clock.Now(),
	})
	if err != nil {
		return r, err
	}
	ended, err := d.ended(ctx)
	r.Broken = append(r.Broken, ended...)
	return r, err
}

// ended checks that the story came to its end: the invariants alone also hold of a world in which nothing happened.
func (d *Demo) ended(ctx context.Context) (broken []string, err error) {
	list, err := d.bot.Store().Requests(ctx)
	if err != nil {
		return nil, err
	}
	if len(list) != 1 || list[0].State != workflow.Ended {
		broken = append(broken, fmt.Sprintf("the story's request did not end: %d request(s)", len(list)))
	}
	leases, err := d.bot.Store().Leases(ctx)
	if err != nil {
		return nil, err
	}
	if len(leases) != 1 || leases[0].Granted == nil || leases[0].Ended == nil {
		broken = append(broken, "the story's access was not read back at both ends")
	}
	return broken, nil
}

// Notef prints a line below the story.
func (d *Demo) Notef(format string, args ...any) { d.say.notef(format, args...) }

// KeepRegistry leaves a checkout of the registry in dir.
func (d *Demo) KeepRegistry(ctx context.Context, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return clone(ctx, d.url+"/"+Registry+".git", dir, d.hub.Token(Security))
}

// Close stops the bot gracefully, then the simulated GitHub.
func (d *Demo) Close(ctx context.Context) error {
	err := d.bot.Stop(ctx)
	d.stop()
	<-d.told
	return errors.Join(err, d.hub.Close())
}
