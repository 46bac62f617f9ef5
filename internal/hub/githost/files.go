package githost

import (
	"bytes"
	"fmt"
	"strings"
)

// CommitFiles puts one commit on a branch: each path gets the bytes (nil
// deletes it), the rest stays. A file keeps the mode it had, a new one has
// 100644. When the branch does not exist, the commit is its first and has no
// parent. It returns the new commit's id; ErrNotFound when a path to delete is
// not there, ErrInvalid for a bad branch or path, ErrStale when the branch
// moved meanwhile.
func (r *Repo) CommitFiles(branch string, files map[string]*[]byte, author Signature, message string) (string, error) {
	ref := "refs/heads/" + branch
	if !validRef(ref) {
		return "", fmt.Errorf("commit to %q: %w", branch, ErrInvalid)
	}
	for _, p := range sortedKeys(files) {
		if !validPath(p) {
			return "", fmt.Errorf("commit to %s: path %q: %w", branch, p, ErrInvalid)
		}
	}
	r.write.Lock()
	defer r.write.Unlock()
	tip, modes, err := r.tipModes(ref, files)
	if err != nil {
		return "", fmt.Errorf("commit to %s: %w", branch, err)
	}
	for _, p := range sortedKeys(files) {
		if files[p] == nil && modes[p] == "" {
			return "", fmt.Errorf("commit to %s: delete %s: %w", branch, p, ErrNotFound)
		}
	}
	out, err := r.git(importStream(ref, tip, files, modes, author, message), "fast-import", "--quiet", "--date-format=raw")
	if _, complaint := exited(err); strings.Contains(complaint, "Not updating") || strings.Contains(complaint, "cannot lock ref") {
		err = ErrStale
	}
	if err != nil {
		return "", fmt.Errorf("commit to %s: %w", branch, err)
	}
	sha, err := readSHA("fast-import", out)
	if err != nil {
		return "", fmt.Errorf("commit to %s: %w", branch, err)
	}
	return sha, nil
}

// tipModes reads the branch's tip ("" when unborn) and the modes of those of
// the files that are there.
func (r *Repo) tipModes(ref string, files map[string]*[]byte) (tip string, modes map[string]string, err error) {
	got, err := r.check(ref + "^{commit}")
	if err != nil || got[0].sha == "" {
		return "", nil, err
	}
	tip = got[0].sha
	if len(files) == 0 {
		return tip, nil, nil
	}
	out, err := r.git(nil, append([]string{"ls-tree", "-z", "-l", "--full-tree", tip, "--"}, sortedKeys(files)...)...)
	if err != nil {
		return "", nil, err
	}
	entries, err := parseLsTree(out)
	if err != nil {
		return "", nil, err
	}
	modes = map[string]string{}
	for _, e := range entries {
		modes[e.Path] = e.Mode
	}
	return tip, modes, nil
}

// importStream is the commit in the language of git-fast-import(1). One process
// writes blobs, trees and the commit and moves the branch.
func importStream(ref, tip string, files map[string]*[]byte, modes map[string]string, author Signature, message string) []byte {
	var b bytes.Buffer
	who, text := formatSignature(author), cleanMessage(message)
	fmt.Fprintf(&b, "commit %s\nmark :1\nauthor %s\ncommitter %s\ndata %d\n%s\n", ref, who, who, len(text), text)
	if tip != "" {
		fmt.Fprintf(&b, "from %s\n", tip)
	}
	paths := sortedKeys(files)
	for _, p := range paths { // first, so that a file can make room for a folder
		if files[p] == nil {
			fmt.Fprintf(&b, "D %s\n", quotePath(p))
		}
	}
	for _, p := range paths {
		if files[p] == nil {
			continue
		}
		mode := modes[p]
		if mode != "100755" {
			mode = "100644"
		}
		fmt.Fprintf(&b, "M %s inline %s\ndata %d\n", mode, quotePath(p), len(*files[p]))
		b.Write(*files[p])
		b.WriteByte('\n')
	}
	b.WriteString("\nget-mark :1\ndone\n")
	return b.Bytes()
}

// quotePath is a path as fast-import reads it; control bytes never get here.
func quotePath(p string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p) + `"`
}
