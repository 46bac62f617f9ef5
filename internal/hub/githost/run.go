package githost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

const (
	// commandTime bounds one local git process; everything here is small.
	commandTime = 30 * time.Second
	// transferTime bounds one clone or push.
	transferTime = 2 * time.Minute
	// maxOutput bounds what one process may print, in bytes.
	maxOutput = 128 << 20
)

// command is one run of git.
type command struct {
	args  []string
	repo  string        // GIT_DIR, or "" for none
	env   []string      // further variables
	stdin io.Reader     // nil reads nothing
	out   io.Writer     // nil collects, up to maxOutput
	limit time.Duration // 0 means commandTime
}

// exitError is a git process that ended with a status other than 0.
type exitError struct {
	verb   string
	status int
	stderr string
}

func (e *exitError) Error() string {
	text := fmt.Sprintf("git %s: status %d", e.verb, e.status)
	if e.stderr != "" {
		text += ": " + e.stderr
	}
	return text
}

// exited gives the status and the complaint of a git process that failed, or
// -1 when err is anything else.
func exited(err error) (status int, stderr string) {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.status, e.stderr
	}
	return -1, ""
}

// run starts git, waits for its end and returns what it printed.
func (h *Host) run(ctx context.Context, c command) ([]byte, error) {
	limit := c.limit
	if limit == 0 {
		limit = commandTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, h.git, c.args...) //nolint:gosec // names and revisions are checked, and stand behind --
	cmd.Dir = h.dir
	cmd.Env = append(h.environment(c.repo), c.env...)
	cmd.Stdin = c.stdin
	ownGroup(cmd)
	// A grandchild that keeps the pipes open must not hold us after the kill.
	cmd.WaitDelay = 2 * time.Second
	var collected, complaint bytes.Buffer
	cmd.Stdout = c.out
	if c.out == nil {
		cmd.Stdout = &bounded{w: &collected, left: maxOutput}
	}
	cmd.Stderr = &bounded{w: &complaint, left: 1 << 14, quiet: true}
	err := cmd.Run()
	verb := c.args[0]
	if ctx.Err() != nil {
		return nil, fmt.Errorf("git %s: %w", verb, context.Cause(ctx))
	}
	if err == nil {
		return collected.Bytes(), nil
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return collected.Bytes(), &exitError{verb: verb, status: exit.ExitCode(), stderr: strings.TrimSpace(complaint.String())}
	}
	return nil, fmt.Errorf("git %s: %w", verb, err)
}

// git runs one command inside the repository.
func (r *Repo) git(stdin []byte, args ...string) ([]byte, error) {
	return r.host.run(context.Background(), command{args: args, repo: r.Path(), stdin: bytes.NewReader(stdin)})
}

// environment is everything a git process sees: nothing of the caller's
// configuration, no prompts, no hooks, no background upkeep.
func (h *Host) environment(repo string) []string {
	config := [][2]string{
		{"core.hooksPath", os.DevNull},
		{"core.fsync", "none"}, // a simulated world need not survive a power cut
		{"gc.auto", "0"},
		{"maintenance.auto", "false"},
		{"receive.autogc", "false"},
		{"receive.fsckObjects", "true"},
		{"receive.hideRefs", "refs/pull"}, // GitHub's own, read only for a pusher
		{"uploadpack.allowFilter", "true"},
		{"uploadpack.allowReachableSHA1InWant", "true"},
		{"fastimport.unpackLimit", "1000"},
		{"advice.detachedHead", "false"},
	}
	if repo != "" {
		config = append(config, [2]string{"safe.directory", repo})
	}
	env := []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + h.dir,
		"XDG_CONFIG_HOME=" + h.dir,
		"TMPDIR=" + os.TempDir(),
		"LC_ALL=C",
		"TZ=UTC",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_SYSTEM=" + os.DevNull,
		"GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_LITERAL_PATHSPECS=1",
		"GIT_NO_REPLACE_OBJECTS=1",
		"GIT_CONFIG_COUNT=" + strconv.Itoa(len(config)),
	}
	for i, kv := range config {
		n := strconv.Itoa(i)
		env = append(env, "GIT_CONFIG_KEY_"+n+"="+kv[0], "GIT_CONFIG_VALUE_"+n+"="+kv[1])
	}
	if repo != "" {
		env = append(env, "GIT_DIR="+repo)
	}
	return env
}

// bounded passes at most left bytes on; more is an error, or lost when quiet.
type bounded struct {
	w     io.Writer
	left  int
	quiet bool
}

func (b *bounded) Write(p []byte) (int, error) {
	keep := p
	if len(p) > b.left {
		if !b.quiet {
			return 0, errors.New("output too large")
		}
		keep = p[:b.left]
	}
	b.left -= len(keep)
	if _, err := b.w.Write(keep); err != nil {
		return 0, err
	}
	return len(p), nil
}
