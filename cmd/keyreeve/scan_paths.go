package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/keyreeve/keyreeve/scanners"
	"github.com/keyreeve/keyreeve/scanners/gitobj"
	"github.com/keyreeve/keyreeve/scanners/report"
)

// scanPaths scans each path, and what repositories are below it. The error is ctx's.
func (s *sweep) scanPaths(ctx context.Context, paths []string) ([]report.Repository, error) {
	var all []report.Repository
	seen := map[string]bool{}
	for _, path := range paths {
		if seen[filepath.Clean(path)] {
			continue
		}
		seen[filepath.Clean(path)] = true
		some, err := s.scanPath(ctx, path)
		if err != nil {
			return nil, fmt.Errorf("scan %s: %w", path, err)
		}
		all = append(all, some...)
	}
	return all, nil
}

func (s *sweep) scanPath(ctx context.Context, path string) ([]report.Repository, error) {
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

// scanFiles scans a file, or the files below a folder and the repositories that are found there.
func (s *sweep) scanFiles(ctx context.Context, root string) ([]report.Repository, error) {
	files := report.Repository{Name: root}
	var nested []report.Repository
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		name, relErr := filepath.Rel(root, path)
		if relErr != nil || name == "." {
			name = filepath.Base(path)
		}
		name = filepath.ToSlash(name)
		switch {
		case err != nil:
			files.Gaps = append(files.Gaps, scanners.Gap{Subject: name, What: reason(err), Count: 1})
			return nil
		case d.IsDir() && d.Name() == ".git" && path != root:
			return fs.SkipDir // with --no-history: what is in it is compressed
		case d.IsDir() && path != root && !s.noHistory && isRepository(path):
			r, err := s.scanRepository(ctx, path)
			if err != nil {
				return err
			}
			nested = append(nested, r)
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		seen++
		s.scanFile(ctx, &files, path, name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if seen == 0 && len(nested) == 0 && len(files.Gaps) == 0 {
		files.Gaps = append(files.Gaps, scanners.Gap{Subject: root, What: "there are no files in it: nothing was scanned", Count: 1})
	}
	if seen == 0 && len(nested) > 0 && len(files.Gaps) == 0 {
		return nested, nil
	}
	return append(nested, files), nil
}
