package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/keyreeve/keyreeve/internal/bot"
	"github.com/keyreeve/keyreeve/internal/demo"
	"github.com/keyreeve/keyreeve/internal/hub"
	"github.com/keyreeve/keyreeve/internal/hub/contract"
	"github.com/keyreeve/keyreeve/internal/identity"
	"github.com/keyreeve/keyreeve/internal/proof"
	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// TestMain makes the program, and the bot with a movable clock and kill points, commands that scripts and tests start.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"keyreeve":     func() { os.Exit(keyreeve()) },
		"keyreeve-bot": func() { os.Exit(botUnderTest()) },
	})
}

// The environment by which a test steers the bot under test; the program itself knows none of it.
const (
	clockVariable  = "STORY_CLOCK"  // a file with the seconds by which the clock is ahead
	killVariable   = "STORY_KILL"   // the point at which the process kills itself with SIGKILL, once
	pointsVariable = "STORY_POINTS" // a file to which every point that is passed is written
)

// botUnderTest is `keyreeve serve`, with the clock of the test, and a Trace that can kill it.
func botUnderTest() int {
	cfg, err := parseConfig(os.Environ())
	if err != nil {
		return exitCode(err, os.Stderr)
	}
	ctx := context.Background()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return exitCode(err, os.Stderr)
	}
	log := newLogger(os.Stderr, slog.LevelInfo)
	b, err := bot.Start(ctx, bot.Config{
		AppID: cfg.AppID, PrivateKey: cfg.privateKey, WebhookSecrets: [][]byte{[]byte(cfg.WebhookSecret)}, GitHubURL: cfg.GitHubURL,
		DatabaseURL: cfg.DatabaseURL, Registry: cfg.Registry, Log: log,
		Now: fileClock(os.Getenv(clockVariable)), Trace: tracer(), Poll: pace, Tick: 2 * pace,
	}, l)
	if err != nil {
		return exitCode(err, os.Stderr)
	}
	go func() { // the test holds the other end: when it dies, so does this process
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(exitInternal)
	}()
	sig, stop := signalContext()
	defer stop()
	return exitCode(untilStopped(sig, b, log), os.Stderr)
}

// fileClock is the machine's clock plus what the file says.
func fileClock(path string) func() time.Time {
	return func() time.Time {
		b, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		ahead, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil {
			panic(err)
		}
		return time.Now().Add(time.Duration(ahead) * time.Second)
	}
}

// tracer writes down each point, and kills the process at the chosen one, unless an earlier process was killed there.
func tracer() func(workflow.Point) {
	at, points := os.Getenv(killVariable), os.Getenv(pointsVariable)
	var mu sync.Mutex
	return func(p workflow.Point) {
		mu.Lock()
		defer mu.Unlock()
		name := pointName(p)
		if points != "" {
			f, err := os.OpenFile(points, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				panic(err)
			}
			_, _ = fmt.Fprintln(f, name)
			_ = f.Close()
		}
		if name == at {
			if _, err := os.Stat(points + ".killed"); errors.Is(err, os.ErrNotExist) {
				_ = os.WriteFile(points+".killed", nil, 0o600)
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		}
	}
}

// commitName is a commit in an effect's words: another one in each play, so points are named without it.
var commitName = regexp.MustCompile(`\b(on|at) [0-9a-f]{7}\b`)

func pointName(p workflow.Point) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", p.Subject.Kind, p.Step, commitName.ReplaceAllString(p.What, "$1 a commit")))
}

// theatre is the world of one story: the simulated GitHub, its clock, and the bot as a process of its own.
type theatre struct {
	dir    string
	hub    *hub.Hub
	world  *demo.World
	base   string
	addr   string
	kill   string
	before map[string]identity.Permission
	apps   map[string]hub.Actor // others than keyreeve, by slug
	mail   *mailman             // nil where what GitHub sends goes straight to the bot

	mu         sync.Mutex
	cmd        *exec.Cmd
	exited     chan struct{}
	violations []contract.Violation
}

// newTheatre builds the demo's world below dir, with every request and answer checked against GitHub's own description.
// With a seed there is a mailman between it and the bot.
func newTheatre(dir string, seed uint64) (*theatre, error) {
	th := &theatre{dir: dir, before: map[string]identity.Permission{}, apps: map[string]hub.Actor{}}
	if err := os.WriteFile(th.path("clock"), []byte("0"), 0o600); err != nil {
		return nil, err
	}
	now := fileClock(th.path("clock"))
	h, err := hub.New(hub.Options{Dir: th.path("github"), Now: now})
	if err != nil {
		return nil, err
	}
	th.hub = h
	description, err := contract.Load()
	if err != nil {
		return nil, err
	}
	h.Wrap(func(next http.Handler) http.Handler {
		return description.Wrap(next, func(v contract.Violation) {
			th.mu.Lock()
			defer th.mu.Unlock()
			th.violations = append(th.violations, v)
		})
	})
	if th.addr, err = freeAddress(); err != nil {
		return nil, err
	}
	door := "http://" + th.addr + "/webhook"
	if seed != 0 {
		th.mail = newMailman(door, seed)
		door = th.mail.url()
	}
	if th.world, err = demo.Build(h, door, rand.Text(), now()); err != nil {
		return nil, err
	}
	if err := h.RequireQueue(demo.Org, "identities", "keyreeve / records", "keyreeve / approvals"); err != nil {
		return nil, err
	}
	th.base, err = h.Start("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return th, os.WriteFile(th.path("key.pem"), th.world.App.PrivateKeyPEM, 0o600)
}

// freeAddress finds an address that the bot can have again after a restart.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (th *theatre) path(name string) string { return filepath.Join(th.dir, name) }

// start starts the bot and waits until it is ready.
func (th *theatre) start() error {
	th.mu.Lock()
	defer th.mu.Unlock()
	log, err := os.OpenFile(th.path("bot.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd := exec.Command("keyreeve-bot")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + th.dir,
		"KEYREEVE_APP_ID=" + strconv.FormatInt(th.world.App.ID, 10), "KEYREEVE_PRIVATE_KEY_FILE=" + th.path("key.pem"),
		"KEYREEVE_WEBHOOK_SECRET=" + th.world.Secret, "KEYREEVE_GITHUB_URL=" + th.base + "/api/v3/",
		"KEYREEVE_DATABASE_URL=" + th.path(databaseFile), "KEYREEVE_LISTEN=" + th.addr,
		clockVariable + "=" + th.path("clock"), killVariable + "=" + th.kill, pointsVariable + "=" + th.path("points"),
	}
	if _, err := cmd.StdinPipe(); err != nil { // open until the bot has ended, or this process has
		return errors.Join(err, log.Close())
	}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, log.Close())
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in cmd.ProcessState
		_ = log.Close()
		close(exited)
	}()
	th.cmd, th.exited = cmd, exited
	return th.until("the bot to be ready", func() (bool, error) {
		select {
		case <-exited:
			if killed(cmd) { // at a point that it passes while it starts
				return true, nil
			}
			return false, fmt.Errorf("the bot ended: %s", cmd.ProcessState)
		default:
		}
		resp, err := http.Get("http://" + th.addr + "/readyz")
		if err != nil {
			return false, nil
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK, nil
	})
}

func killed(cmd *exec.Cmd) bool {
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// signal ends the bot and waits for it.
func (th *theatre) signal(s syscall.Signal) error {
	th.mu.Lock()
	cmd, exited := th.cmd, th.exited
	th.mu.Unlock()
	if cmd == nil {
		return errors.New("the bot is not running")
	}
	_ = cmd.Process.Signal(s)
	select {
	case <-exited:
	case <-time.After(time.Minute):
		return errors.New("the bot does not end")
	}
	if s == syscall.SIGTERM && cmd.ProcessState.ExitCode() != 0 {
		return fmt.Errorf("the bot ended with %s", cmd.ProcessState)
	}
	return nil
}

// revive starts the bot again if it was killed at its point.
func (th *theatre) revive() error {
	th.mu.Lock()
	cmd, exited := th.cmd, th.exited
	th.mu.Unlock()
	select {
	case <-exited:
		if !killed(cmd) {
			return fmt.Errorf("the bot ended by itself: %s", cmd.ProcessState)
		}
		return th.start()
	default:
		return nil
	}
}

// until waits for something to become true, by looking again and again.
func (th *theatre) until(what string, is func() (bool, error)) error {
	deadline, look := time.After(time.Minute), time.NewTicker(25*time.Millisecond)
	defer look.Stop()
	for {
		ok, err := is()
		if err != nil || ok {
			return err
		}
		select {
		case <-look.C:
		case <-deadline:
			return fmt.Errorf("waited a minute for %s", what)
		}
	}
}

// settle waits until every delivery was attempted and the bot has nothing left to do.
func (th *theatre) settle() error {
	calm := 0
	return th.until("the bot to settle", func() (bool, error) {
		if err := th.revive(); err != nil {
			return false, err
		}
		quiet, err := th.quiet()
		if err != nil || !quiet {
			calm = 0
			return false, err
		}
		if n, err := th.mail.deliver(); err != nil || n > 0 {
			calm = 0
			return false, err
		}
		calm++
		return calm >= 2, nil
	})
}

// quiet says whether every delivery was attempted and the bot has nothing in hand.
func (th *theatre) quiet() (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := th.hub.WaitIdle(ctx); err != nil {
		return false, err
	}
	resp, err := http.Get("http://" + th.addr + "/metrics")
	if err != nil {
		return false, nil // killed meanwhile
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return err == nil && strings.Contains(string(body), "\nkeyreeve_busy 0\n"), nil
}

// advance moves the clock of the world and of the bot ahead.
func (th *theatre) advance(d time.Duration) error {
	b, err := os.ReadFile(th.path("clock"))
	if err != nil {
		return err
	}
	ahead, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return err
	}
	// Renamed into place: the bot reads it at any moment.
	next := th.path("clock.next")
	if err := os.WriteFile(next, []byte(strconv.Itoa(ahead+int(d/time.Second))), 0o600); err != nil {
		return err
	}
	return os.Rename(next, th.path("clock"))
}

// verify stops the bot gracefully and checks the whole end state: GitHub's, the database's, the log's, and that no secret is in any of them.
func (th *theatre) verify() error {
	if err := th.settle(); err != nil {
		return err
	}
	if err := th.signal(syscall.SIGTERM); err != nil {
		return err
	}
	if th.mail != nil && th.mail.shuffled() == 0 {
		return errors.New("no delivery came out of order")
	}
	ctx := context.Background()
	now := fileClock(th.path("clock"))
	db, err := store.Open(ctx, th.path(databaseFile), store.Options{Now: now, Log: slog.New(slog.DiscardHandler), ReadOnly: true})
	if err != nil {
		return err
	}
	defer db.Close()
	report, err := proof.Check(ctx, db, proof.State{
		World: th.hub.Snapshot(), Writes: th.hub.Writes(), App: th.world.App.Slug, AppID: th.world.App.ID, Now: now(), Before: th.before,
	})
	if err != nil {
		return err
	}
	broken := report.Broken
	th.mu.Lock()
	for _, v := range th.violations {
		broken = append(broken, v.Error())
	}
	th.mu.Unlock()
	leaks, err := th.leaks()
	if err != nil {
		return err
	}
	if broken = append(broken, leaks...); len(broken) > 0 {
		return errors.New(strings.Join(broken, "\n"))
	}
	return nil
}

// leaks is invariant 6: no secret in the database's files or the log.
func (th *theatre) leaks() (broken []string, err error) {
	for _, name := range []string{databaseFile, databaseFile + "-wal", "bot.log"} {
		b, err := os.ReadFile(th.path(name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		for what, secret := range map[string]string{"the webhook secret": th.world.Secret, "a token": "ghs_", "a JSON web token": "eyJhbGciOi", "a private key": "PRIVATE KEY"} {
			if strings.Contains(string(b), secret) {
				broken = append(broken, fmt.Sprintf("%s is in %s", what, name))
			}
		}
	}
	return broken, nil
}

// close ends what is still running.
func (th *theatre) close() error {
	th.mu.Lock()
	cmd, exited := th.cmd, th.exited
	th.mu.Unlock()
	if cmd != nil {
		_ = cmd.Process.Kill()
		<-exited
	}
	th.mail.close()
	return th.hub.Close()
}
