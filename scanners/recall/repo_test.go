package recall_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// repo is the repository that is built.
type repo struct {
	t   testing.TB
	dir string
}

// build makes the repository. The same keys give the same objects.
func build(t testing.TB, dir string, keys []planted) *repo {
	t.Helper()
	r := &repo{t, dir}
	r.git("init", "-q", "-b", "main")
	r.commit("first", map[string]string{"README.md": "first\n"})
	r.git("tag", "first")
	for i, p := range places() {
		p.hide(r, keys[i])
	}
	return r
}

func (r *repo) git(args ...string) {
	r.t.Helper()
	r.gitFrom("", args...)
}

// gitFrom runs git and returns what it prints.
func (r *repo) gitFrom(stdin string, args ...string) string {
	r.t.Helper()
	c := exec.CommandContext(r.t.Context(), "git", args...)
	c.Dir, c.Stdin = r.dir, strings.NewReader(stdin)
	c.Env = append(
		os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
		"GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.com", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z",
	)
	out, err := c.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r *repo) write(path, text string) {
	r.t.Helper()
	full := filepath.Join(r.dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(full), 0o750); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *repo) commit(message string, files map[string]string) {
	r.t.Helper()
	for path, text := range files {
		r.write(path, text)
	}
	r.git("add", "-A")
	r.git("commit", "-q", "-m", message)
}

// orphan makes a commit that no ref leads to, with one file.
func (r *repo) orphan(path, text string) string {
	r.t.Helper()
	blob := r.gitFrom(text, "hash-object", "-w", "--stdin")
	tree := r.gitFrom("100644 blob "+blob+"\t"+path+"\n", "mktree")
	return r.gitFrom("apart", "commit-tree", tree)
}

// wide is UTF-16.
func wide(s string, bigEndian bool) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if bigEndian {
			b = binary.BigEndian.AppendUint16(b, u)
		} else {
			b = binary.LittleEndian.AppendUint16(b, u)
		}
	}
	return string(b)
}

// zipped and gzipped write into memory, which can't fail.
func zipped(name, text string) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if f, err := w.Create(name); err == nil {
		_, _ = f.Write([]byte(text))
	}
	_ = w.Close()
	return b.String()
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}
