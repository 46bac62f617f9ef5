package githost

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signature says who did something and when; git keeps whole seconds and the
// offset of the zone.
type Signature struct {
	Name, Email string
	When        time.Time
}

// Commit is one commit object. Its SHA is ignored when it is written.
type Commit struct {
	SHA, Tree         string
	Parents           []string
	Author, Committer Signature
	Message           string
}

// ReadCommit reads a commit by its object id; ErrNotFound when sha is no commit here.
func (r *Repo) ReadCommit(sha string) (Commit, error) {
	commits, err := r.readCommits([]string{sha})
	if err != nil {
		return Commit{}, err
	}
	return commits[0], nil
}

// readCommits reads several commits in one process.
func (r *Repo) readCommits(shas []string) ([]Commit, error) {
	for _, sha := range shas {
		if !validSHA(sha) {
			return nil, fmt.Errorf("read commit %q: %w", sha, ErrNotFound)
		}
	}
	got, err := r.batch(shas...)
	if err != nil {
		return nil, fmt.Errorf("read commits: %w", err)
	}
	commits := make([]Commit, len(got))
	for i, o := range got {
		if o.kind != "commit" {
			return nil, fmt.Errorf("read commit %s: %w", shas[i], ErrNotFound)
		}
		if commits[i], err = parseCommit(o.sha, o.data); err != nil {
			return nil, fmt.Errorf("read commit %s: %w", shas[i], err)
		}
	}
	return commits, nil
}

// WriteCommit stores a commit and returns its id. An empty committer means the
// author. ErrNotFound when the tree or a parent does not exist.
func (r *Repo) WriteCommit(c Commit) (string, error) {
	wanted := append([]string{c.Tree}, c.Parents...)
	if slices.ContainsFunc(wanted, func(sha string) bool { return !validSHA(sha) }) {
		return "", fmt.Errorf("write commit: tree %q, parents %q: %w", c.Tree, c.Parents, ErrInvalid)
	}
	got, err := r.check(wanted...)
	if err != nil {
		return "", fmt.Errorf("write commit: %w", err)
	}
	for i, o := range got {
		want := "commit"
		if i == 0 {
			want = "tree"
		}
		if o.kind != want {
			return "", fmt.Errorf("write commit: %s %s: %w", want, wanted[i], ErrNotFound)
		}
	}
	sha, err := r.hashObject("commit", formatCommit(c))
	if err != nil {
		return "", fmt.Errorf("write commit: %w", err)
	}
	return sha, nil
}

// formatCommit writes a commit object's bytes.
func formatCommit(c Commit) []byte {
	if c.Committer == (Signature{}) {
		c.Committer = c.Author
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %s\n", c.Tree)
	for _, p := range c.Parents {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	fmt.Fprintf(&b, "author %s\ncommitter %s\n\n%s", formatSignature(c.Author), formatSignature(c.Committer), cleanMessage(c.Message))
	return b.Bytes()
}

// cleanMessage keeps a message to what a commit object may hold.
func cleanMessage(message string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(message, "\x00", ""), "\uFFFD")
}

// formatSignature is git's "Name <email> seconds zone". Characters that would
// end a field are dropped, and an empty name is given one, as git does.
func formatSignature(s Signature) string {
	clean := func(text string) string {
		return strings.Trim(strings.Map(func(c rune) rune {
			if c < ' ' || c == '<' || c == '>' {
				return -1
			}
			return c
		}, strings.ToValidUTF8(text, "\uFFFD")), " .,:;\"\\'")
	}
	name := clean(s.Name)
	if name == "" {
		name = "unknown"
	}
	return fmt.Sprintf("%s <%s> %d %s", name, clean(s.Email), max(s.When.Unix(), 0), s.When.Format("-0700"))
}

// parseCommit reads a commit object; headers that it does not know (gpgsig,
// encoding, mergetag) are passed over.
func parseCommit(sha string, data []byte) (Commit, error) {
	c := Commit{SHA: sha}
	head, message, _ := strings.Cut(string(data), "\n\n")
	c.Message = message
	for line := range strings.SplitSeq(head, "\n") {
		name, value, _ := strings.Cut(line, " ")
		var err error
		switch name {
		case "tree":
			c.Tree = value
		case "parent":
			c.Parents = append(c.Parents, value)
		case "author":
			c.Author, err = parseSignature(value)
		case "committer":
			c.Committer, err = parseSignature(value)
		}
		if err != nil {
			return Commit{}, err
		}
	}
	if !validSHA(c.Tree) {
		return Commit{}, fmt.Errorf("commit object %s: no tree", sha)
	}
	return c, nil
}

func parseSignature(text string) (Signature, error) {
	open, end := strings.LastIndex(text, "<"), strings.LastIndex(text, ">")
	if open < 0 || end < open {
		return Signature{}, fmt.Errorf("signature %.80q: no address", text)
	}
	s := Signature{Name: strings.TrimSpace(text[:open]), Email: text[open+1 : end]}
	f := strings.Fields(text[end+1:])
	if len(f) != 2 {
		return Signature{}, fmt.Errorf("signature %.80q: no time", text)
	}
	seconds, err := strconv.ParseInt(f[0], 10, 64)
	if err != nil {
		return Signature{}, fmt.Errorf("signature %.80q: %w", text, err)
	}
	zone, err := time.Parse("-0700", f[1])
	if err != nil {
		return Signature{}, fmt.Errorf("signature %.80q: %w", text, err)
	}
	_, offset := zone.Zone()
	s.When = time.Unix(seconds, 0).UTC()
	if offset != 0 {
		s.When = s.When.In(time.FixedZone("", offset))
	}
	return s, nil
}

// Log lists commits reachable from one revision, newest first, without those
// reachable from not ("" for none), only those that change path ("" for all),
// at most limit (≤ 0 for all). ErrNotFound when a revision does not exist.
func (r *Repo) Log(from, not, path string, limit int) ([]Commit, error) {
	if path = strings.Trim(path, "/"); path != "" && !validPath(path) {
		return []Commit{}, nil // no such file was ever there
	}
	revs := []string{from}
	if not != "" {
		revs = append(revs, not)
	}
	shas, err := r.resolve(revs...)
	if err != nil {
		return nil, fmt.Errorf("log %s: %w", from, err)
	}
	args := []string{"rev-list"}
	if limit > 0 {
		args = append(args, "--max-count="+strconv.Itoa(limit))
	}
	args = append(args, shas[0])
	if not != "" {
		args = append(args, "^"+shas[1])
	}
	args = append(args, "--")
	if path != "" {
		args = append(args, path)
	}
	out, err := r.git(nil, args...)
	if err != nil {
		return nil, fmt.Errorf("log %s: %w", from, err)
	}
	commits, err := r.readCommits(strings.Fields(string(out)))
	if err != nil {
		return nil, fmt.Errorf("log %s: %w", from, err)
	}
	return commits, nil
}
