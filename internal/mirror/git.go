package mirror

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/scanners"
)

// git runs git on one bare repository.
type git struct {
	program, dir, url, token string
	most                     int64
	within                   time.Duration
}

// GitError is what git says when it fails for a reason that has no error of its own. It holds no token.
type GitError struct {
	Doing  string
	Output string // the end of what it wrote, redacted
	Err    error
}

// Error implements error.
func (e *GitError) Error() string {
	return fmt.Sprintf("git %s: %v: %s", e.Doing, e.Err, e.Output)
}

// Unwrap returns how the process ended.
func (e *GitError) Unwrap() error { return e.Err }

// prepare makes the bare repository, or tidies up after a fetch that was killed: its lock files and half-written packs are
// gone then, the packs that are whole stay.
func (g git) prepare(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(g.dir, "HEAD")); errors.Is(err, fs.ErrNotExist) {
		if err := os.RemoveAll(g.dir); err != nil {
			return err
		}
		return g.run(ctx, "init", "init", "--quiet", "--bare", "--template=", "--", g.dir)
	} else if err != nil {
		return err
	}
	root, err := os.OpenRoot(g.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if name := d.Name(); strings.HasSuffix(name, ".lock") || strings.HasPrefix(name, "tmp_") {
			return root.Remove(path)
		}
		return nil
	})
}

// fetch takes all refs as the source has them, and drops those that it has no more. Merge commits that GitHub makes of open
// pull requests to try them are left out: they hold nothing that base and head don't.
func (g git) fetch(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, g.within, ErrTimeout)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	watched := g.watch(ctx, stop)
	err := g.run(ctx, "fetch", "--git-dir="+g.dir, "fetch", "--quiet", "--prune", "--force", "--no-tags", "--no-auto-gc",
		"--no-recurse-submodules", "--no-write-fetch-head", "--", g.url, "+refs/*:refs/*", "^refs/pull/*/merge")
	stop(nil)
	<-watched
	return err
}

// watch stops a fetch that grows beyond its bound.
func (g git) watch(ctx context.Context, stop context.CancelCauseFunc) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			if n, err := size(g.dir); err == nil && n > g.most {
				stop(ErrTooLarge)
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return done
}

// refs counts the refs.
func (g git) refs(ctx context.Context) (int, error) {
	out, err := g.output(ctx, "for-each-ref", "--git-dir="+g.dir, "for-each-ref", "--format=%(objectname)")
	return bytes.Count(out, []byte("\n")), err
}

func (g git) run(ctx context.Context, doing string, args ...string) error {
	_, err := g.output(ctx, doing, args...)
	return err
}

func (g git) output(ctx context.Context, doing string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, g.program, args...) //nolint:gosec // the program is the operator's, and what is a stranger's stands behind --
	cmd.Env = g.environ()
	ownGroup(cmd)
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &tail{most: 4 << 10, b: &stderr}
	err := cmd.Run()
	if err == nil {
		return stdout.Bytes(), nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	return nil, g.explain(doing, stderr.String(), err)
}

// environ is all that git is told besides its arguments. The token is in the environment of the one process: other users of
// the machine can't read that, as they could its arguments. It is sent to the source's own host, and to no other, since
// redirects are not followed.
// https://git-scm.com/docs/git-config#Documentation/git-config.txt-GITCONFIGCOUNT
func (g git) environ() []string {
	config := [][2]string{
		{"core.hooksPath", os.DevNull},
		{"core.fsmonitor", "false"},
		{"core.askPass", ""},
		{"credential.helper", ""},
		{"protocol.allow", "never"},
		{"protocol.https.allow", "always"},
		{"http.followRedirects", "false"},
		{"fetch.fsckObjects", "false"}, // what is odd about an object is no reason not to search it; nothing is checked out
		{"fetch.unpackLimit", "1"},
		{"gc.auto", "0"},
		{"maintenance.auto", "false"},
		{"submodule.recurse", "false"},
	}
	if u, err := url.Parse(g.url); err == nil {
		if u.Scheme == "http" {
			config = append(config, [2]string{"protocol.http.allow", "always"})
		}
		if g.token != "" {
			basic := base64.StdEncoding.EncodeToString([]byte("x-access-token:" + g.token))
			config = append(config, [2]string{fmt.Sprintf("http.%s://%s/.extraHeader", u.Scheme, u.Host), "Authorization: Basic " + basic})
		}
	}
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.DevNull, "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "GIT_OPTIONAL_LOCKS=0", fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(config)),
	}
	for i, c := range config {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, c[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, c[1]))
	}
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"} {
		if v := os.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// explain makes an error of what git wrote. Its words are for people and may change; what they don't tell is a *GitError.
func (g git) explain(doing, said string, err error) error {
	low := strings.ToLower(said)
	is := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(low, w) {
				return true
			}
		}
		return false
	}
	switch {
	case is("no space left on device", "disk quota exceeded"):
		return ErrNoSpace
	case is("repository not found", "returned error: 404", "' not found", "returned error: 410"):
		return ErrGone
	case is("authentication failed", "could not read username", "returned error: 401", "returned error: 403", "returned error: 451", "terminal prompts disabled"):
		return ErrDenied
	}
	if g.token != "" {
		said = strings.ReplaceAll(said, g.token, "[redacted]")
	}
	return &GitError{Doing: doing, Output: scanners.Redact(strings.TrimSpace(said)), Err: err}
}

// tail keeps the end of what is written to it.
type tail struct {
	most int
	b    *bytes.Buffer
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.b.Write(p)
	if over := t.b.Len() - t.most; over > 0 {
		t.b.Next(over)
	}
	return len(p), nil
}
