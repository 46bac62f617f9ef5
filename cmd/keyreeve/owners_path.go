package main

import (
	"errors"
	"fmt"
	slashpath "path"
	"path/filepath"
	"strings"
)

// paths turns the arguments of a command into paths of the repository: none means standard input, and so does "-" alone.
func (p checkout) paths(args []string) ([]string, error) {
	if len(args) == 1 && args[0] == "-" {
		return nil, nil
	}
	var paths []string
	for _, arg := range args {
		if arg == "-" {
			return nil, &exitError{exitUsage, hint(errors.New("- for standard input stands beside other paths"), "name paths, or have them read, and not both")}
		}
		clean, err := p.path(arg)
		if err != nil {
			return nil, &exitError{exitUsage, err}
		}
		paths = append(paths, clean)
	}
	return paths, nil
}

// path turns what was written into the path of a file from the root of the repository, with slashes. It reads no disk:
// a path that does not exist, or not any more, has owners too.
func (p checkout) path(written string) (string, error) {
	switch {
	case written == "":
		return "", errors.New("the path is empty")
	case strings.ContainsRune(written, 0):
		return "", fmt.Errorf("%q holds a NUL, which no path does; for paths that end with NUL there is -z", written)
	}
	slashed := filepath.ToSlash(written)
	clean := slashpath.Join(p.within, slashed)
	if strings.HasPrefix(slashed, "/") {
		clean = strings.TrimLeft(slashpath.Clean(slashed), "/")
		if inside, ok := strings.CutPrefix(slashpath.Clean(slashed)+"/", filepath.ToSlash(p.root)+"/"); ok && p.root != "" {
			clean = strings.TrimRight(inside, "/") // the whole path, as the system has it
		}
	}
	switch {
	case clean == ".." || strings.HasPrefix(clean, "../"):
		return "", fmt.Errorf("%q is outside of the repository", written)
	case clean == "" || clean == "." || strings.HasSuffix(slashed, "/"):
		return "", hint(fmt.Errorf("%q is a folder, and owners are those of files", written), "list its files: git ls-files DIR | keyreeve owners")
	}
	return clean, nil
}
