package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"

	"github.com/keyreeve/keyreeve/scanners"
	"github.com/keyreeve/keyreeve/scanners/report"
)

// staged is one file that is about to be committed.
type staged struct {
	object, path string
}

// scanStaged scans what the index has and the last commit has not. The index is read by git: hooks are run by it,
// with variables that say which index is meant.
func (s *sweep) scanStaged(ctx context.Context) ([]report.Repository, error) {
	raw, err := s.git(ctx, nil, "diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--diff-filter=d", "--no-ext-diff", "--ignore-submodules=none")
	if err != nil {
		return nil, fmt.Errorf("list what is staged: %w", err)
	}
	files, err := parseStaged(raw)
	if err != nil {
		return nil, fmt.Errorf("list what is staged: %w", err)
	}
	repository := report.Repository{Name: "staged"}
	if len(files) == 0 {
		return []report.Repository{repository}, nil
	}
	var want bytes.Buffer
	for _, f := range files {
		want.WriteString(f.object + "\n")
	}
	out, err := s.git(ctx, &want, "cat-file", "--batch")
	if err != nil {
		return nil, fmt.Errorf("read what is staged: %w", err)
	}
	objects := bufio.NewReader(bytes.NewReader(out))
	for _, f := range files {
		text, err := nextObject(objects)
		if err != nil {
			return nil, fmt.Errorf("read what is staged: %s: %w", report.Visible(f.path), err)
		}
		like := scanners.Finding{Object: f.object, AtHead: true}
		s.scanText(ctx, &repository, f.path, text, like)
		s.scanName(ctx, &repository, f.path, like)
	}
	return []report.Repository{repository}, ctx.Err()
}

// git runs git in the current folder, with the environment that the hook was given.
func (s *sweep) git(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, "git", append([]string{"-c", "core.fsmonitor=false", "-c", "core.quotePath=false"}, args...)...) //nolint:gosec // the arguments are ours
	c.Env, c.Stdin = s.environ, stdin
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(errs.String()), "\n")
		return nil, fmt.Errorf("git %s: %w: %s", args[0], err, report.Visible(first))
	}
	return out.Bytes(), nil
}

// gitlink is the mode of a submodule: its object is a commit of another repository.
const gitlink = "160000"

// parseStaged reads ":OLDMODE NEWMODE OLD NEW STATUS\0PATH\0" records:
// https://git-scm.com/docs/git-diff#_raw_output_format
func parseStaged(raw []byte) ([]staged, error) {
	var files []staged
	parts := strings.Split(strings.TrimSuffix(string(raw), "\x00"), "\x00")
	if len(raw) == 0 {
		return nil, nil
	}
	if len(parts)%2 != 0 {
		return nil, errors.New("git wrote a list that has no end")
	}
	for i := 0; i < len(parts); i += 2 {
		fields := strings.Fields(parts[i])
		if len(fields) != 5 || !strings.HasPrefix(fields[0], ":") || parts[i+1] == "" {
			return nil, errors.New("git wrote a list that can't be read")
		}
		if fields[1] != gitlink {
			files = append(files, staged{object: fields[3], path: parts[i+1]})
		}
	}
	return files, nil
}

// nextObject reads "OBJECT TYPE SIZE\nCONTENT\n" of git cat-file --batch.
func nextObject(r *bufio.Reader) ([]byte, error) {
	head, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(head)
	if len(fields) != 3 {
		return nil, errors.New("the object is missing")
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil || size < 0 {
		return nil, errors.New("git gave no size")
	}
	var text bytes.Buffer
	if _, err := io.CopyN(&text, r, size+1); err != nil {
		return nil, err
	}
	return text.Bytes()[:size], nil
}
