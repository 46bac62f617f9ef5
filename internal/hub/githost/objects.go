package githost

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// object is one answer of `git cat-file --batch`.
type object struct {
	sha, kind string // kind blob|tree|commit|tag; "" when there is none
	size      int64
	data      []byte // nil when only checked
}

// batch reads objects by name in one process; a name that git does not know
// gives a zero object. Names must hold no line break.
func (r *Repo) batch(names ...string) ([]object, error) { return r.catFile(true, names) }

// check is batch without the contents.
func (r *Repo) check(names ...string) ([]object, error) { return r.catFile(false, names) }

func (r *Repo) catFile(contents bool, names []string) ([]object, error) {
	if len(names) == 0 {
		return nil, nil
	}
	mode := "--batch-check"
	if contents {
		mode = "--batch"
	}
	out, err := r.git([]byte(strings.Join(names, "\n")+"\n"), "cat-file", mode)
	if err != nil {
		return nil, err
	}
	return parseBatch(out, len(names), contents)
}

// parseBatch reads the output format of git-cat-file(1), "BATCH OUTPUT".
func parseBatch(out []byte, n int, contents bool) ([]object, error) {
	objects := make([]object, 0, n)
	for len(objects) < n {
		line, rest, ok := bytes.Cut(out, []byte("\n"))
		if !ok {
			return nil, fmt.Errorf("git cat-file: %d answers for %d names", len(objects), n)
		}
		out = rest
		f := strings.Fields(string(line))
		if len(f) != 3 || !validSHA(f[0]) {
			objects = append(objects, object{}) // "… missing" or "… ambiguous"
			continue
		}
		size, err := strconv.ParseInt(f[2], 10, 64)
		if err != nil || size < 0 {
			return nil, fmt.Errorf("git cat-file: size %q", f[2])
		}
		o := object{sha: f[0], kind: f[1], size: size}
		if contents {
			if int64(len(out)) < size+1 {
				return nil, fmt.Errorf("git cat-file: object %s is cut short", o.sha)
			}
			o.data, out = bytes.Clone(out[:size]), out[size+1:]
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// ReadBlob returns a blob's bytes. ErrNotFound when sha is no blob here.
func (r *Repo) ReadBlob(sha string) ([]byte, error) {
	if !validSHA(sha) {
		return nil, fmt.Errorf("read blob %q: %w", sha, ErrNotFound)
	}
	got, err := r.batch(sha)
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", sha, err)
	}
	if got[0].kind != "blob" {
		return nil, fmt.Errorf("read blob %s: %w", sha, ErrNotFound)
	}
	return got[0].data, nil
}

// WriteBlob stores bytes and returns their object id; the same bytes always
// have the same id.
func (r *Repo) WriteBlob(data []byte) (string, error) {
	sha, err := r.hashObject("blob", data)
	if err != nil {
		return "", fmt.Errorf("write blob of %d bytes: %w", len(data), err)
	}
	return sha, nil
}

func (r *Repo) hashObject(kind string, data []byte) (string, error) {
	out, err := r.git(data, "hash-object", "-t", kind, "-w", "--stdin")
	if err != nil {
		return "", err
	}
	return readSHA("hash-object", out)
}

// readSHA takes the object id from the first line that a command printed.
func readSHA(verb string, out []byte) (string, error) {
	line, _, _ := strings.Cut(string(out), "\n")
	if !validSHA(line) {
		return "", fmt.Errorf("git %s: answered %.60q, not an object id", verb, line)
	}
	return line, nil
}
