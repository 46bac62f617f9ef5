package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/keyreeve/keyreeve/scanners"
	"github.com/keyreeve/keyreeve/scanners/gitobj"
	"github.com/keyreeve/keyreeve/scanners/report"
)

// scanPaths scans each path, and what repositories are below it. Those that an interrupt keeps it from are gaps.
func (s *sweep) scanPaths(ctx context.Context, paths []string) []report.Repository {
	var all []report.Repository
	seen := map[string]bool{}
	for _, path := range paths {
		if seen[filepath.Clean(path)] {
			continue
		}
		seen[filepath.Clean(path)] = true
		some, err := s.scanPath(ctx, path)
		if err != nil {
			some = []report.Repository{failed(path, "the scan was interrupted")}
		}
		all = append(all, some...)
	}
	return all
}

// scanPath scans one path. The error is ctx's.
func (s *sweep) scanPath(ctx context.Context, path string) ([]report.Repository, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return []report.Repository{failed(path, reason(err))}, nil
	case info.IsDir() && !s.noHistory && isRepository(path):
		r, err := s.scanRepository(ctx, path)
		return []report.Repository{r}, err
	}
	return s.scanFiles(ctx, path)
}

// isRepository says whether a folder means to be a repository; whether it can be read is another question.
func isRepository(dir string) bool {
	if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
		return true
	}
	return isBare(dir)
}

func isBare(dir string) bool {
	head, err := os.Stat(filepath.Join(dir, "HEAD"))
	if err != nil || !head.Mode().IsRegular() {
		return false
	}
	objects, err := os.Stat(filepath.Join(dir, "objects"))
	return err == nil && objects.IsDir()
}

func failed(name, why string) report.Repository {
	return report.Repository{Name: name, Gaps: []scanners.Gap{{Subject: name, What: why, Count: 1}}}
}

// scanRepository scans one repository's objects. The error is ctx's; any other is a gap of the repository.
func (s *sweep) scanRepository(ctx context.Context, dir string) (report.Repository, error) {
	progress, done := s.progress(dir)
	found, err := scanners.ScanRepository(ctx, dir, s.matcher, scanners.Options{
		Name: dir, BaseURL: s.baseURL, Workers: s.workers, Progress: progress,
	})
	done()
	switch {
	case ctx.Err() != nil:
		return report.Repository{}, ctx.Err()
	case errors.Is(err, gitobj.ErrNotRepository):
		return failed(dir, "it looks like a git repository, and can't be read as one"), nil
	case err != nil:
		return failed(dir, err.Error()), nil
	}
	return report.Repository{Name: dir, Findings: found.Findings, Gaps: found.Gaps}, nil
}

// scanFiles scans a file, or the files below a folder and the repositories that are found there. The error is ctx's.
func (s *sweep) scanFiles(ctx context.Context, root string) ([]report.Repository, error) {
	// A link that is named is followed; those below it are not.
	resolved, err := filepath.EvalSymlinks(root)
	if err != nil {
		return []report.Repository{failed(root, reason(err))}, nil
	}
	w := filesWalk{sweep: s, root: resolved, files: report.Repository{Name: root}}
	err = filepath.WalkDir(resolved, func(path string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			w.gap(w.name(path), reason(err))
			return nil
		case d.IsDir():
			return w.folder(ctx, path)
		}
		w.seen++
		s.scanFile(ctx, &w.files, path, w.name(path))
		return nil
	})
	if err != nil {
		return nil, err
	}
	if w.seen == 0 && len(w.files.Gaps) == 0 {
		if len(w.nested) > 0 {
			return w.nested, nil
		}
		w.gap(root, "there are no files in it: nothing was scanned")
	}
	return append(w.nested, w.files), nil
}

// filesWalk is the way through a folder.
type filesWalk struct {
	*sweep

	root   string
	files  report.Repository
	nested []report.Repository
	seen   int // files
}

// name is a path from the root, with slashes; the root's own is its last part.
func (w *filesWalk) name(path string) string {
	name, err := filepath.Rel(w.root, path)
	if err != nil || name == "." {
		name = filepath.Base(path)
	}
	return filepath.ToSlash(name)
}

func (w *filesWalk) gap(subject, what string) {
	w.files.Gaps = append(w.files.Gaps, scanners.Gap{Subject: subject, What: what, Count: 1})
}

// folder goes into a folder, or scans it as the repository that it is. With --no-history what git keeps is passed by:
// it is compressed.
func (w *filesWalk) folder(ctx context.Context, path string) error {
	switch {
	case w.noHistory && (filepath.Base(path) == ".git" || isBare(path)):
		return fs.SkipDir
	case w.noHistory || path == w.root || !isRepository(path):
		return nil
	}
	r, err := w.scanRepository(ctx, path)
	if err != nil {
		return err
	}
	w.nested = append(w.nested, r)
	return fs.SkipDir
}
