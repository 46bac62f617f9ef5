// Command trim cuts GitHub's own REST description down to the operations that
// keyreeve uses, for package contract.
//
//	go run ./internal/hub/contract/trim                         # runs `npm pack` for the default version
//	go run ./internal/hub/contract/trim -version 23.0.2
//	go run ./internal/hub/contract/trim api.github.com.json     # a file of the unpacked package
//	go run ./internal/hub/contract/trim octokit-openapi-23.0.2.tgz
//
// It reads operations.txt and writes github.json.gz and, when it has the
// package, LICENSE.octokit, all in the folder that -dir names.
package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	packageName    = "@octokit/openapi"
	defaultVersion = "23.0.2"
	descriptionIn  = "package/generated/api.github.com.json"
	licenseIn      = "package/LICENSE"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "trim:", err)
		os.Exit(1)
	}
}

func run(args []string, out, errOut io.Writer) error {
	flags := flag.NewFlagSet("trim", flag.ContinueOnError)
	flags.SetOutput(errOut)
	dir := flags.String("dir", "internal/hub/contract", "folder of operations.txt, where the results go")
	version := flags.String("version", defaultVersion, "version of "+packageName+" to fetch when no file is given")
	if err := flags.Parse(args); err != nil {
		return err
	}
	list, err := os.ReadFile(filepath.Join(*dir, "operations.txt"))
	if err != nil {
		return err
	}
	ops, err := parseOperations(string(list))
	if err != nil {
		return fmt.Errorf("read operations.txt: %w", err)
	}
	whole, license, err := source(flags.Arg(0), *version, errOut)
	if err != nil {
		return err
	}
	trimmed, err := trim(whole, ops)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(*dir, "github.json.gz"), trimmed, 0o644); err != nil { //nolint:gosec // a source file
		return err
	}
	if license != nil {
		if err := os.WriteFile(filepath.Join(*dir, "LICENSE.octokit"), license, 0o644); err != nil { //nolint:gosec // a source file
			return err
		}
	}
	fmt.Fprintf(out, "%d operations, %d kB compressed\n", len(ops), len(trimmed)/1000)
	return nil
}

// source reads the whole description, and the licence when it comes with it:
// from a file of the unpacked package, from the packed one, or by npm.
func source(file, version string, errOut io.Writer) (description, license []byte, err error) {
	switch {
	case strings.HasSuffix(file, ".tgz"):
		return unpack(file)
	case file != "":
		description, err = os.ReadFile(file)
		return description, nil, err
	}
	dir, err := os.MkdirTemp("", "trim-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.CommandContext(context.Background(), "npm", "pack", "--silent", "--pack-destination", dir, "--", packageName+"@"+version) //nolint:gosec // a developer's own argument
	cmd.Stderr = errOut
	if err := cmd.Run(); err != nil {
		return nil, nil, fmt.Errorf("npm pack %s@%s: %w", packageName, version, err)
	}
	packed, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(packed) != 1 {
		return nil, nil, fmt.Errorf("npm pack %s@%s left %d files: %w", packageName, version, len(packed), err)
	}
	return unpack(packed[0])
}

// unpack takes the two files that are needed out of the package.
func unpack(file string) (description, license []byte, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, nil, fmt.Errorf("unpack %s: %w", file, err)
	}
	files := tar.NewReader(unzipped)
	for description == nil || license == nil {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil, nil, fmt.Errorf("unpack %s: it lacks %s or %s", file, descriptionIn, licenseIn)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("unpack %s: %w", file, err)
		}
		switch header.Name {
		case descriptionIn:
			description, err = io.ReadAll(files)
		case licenseIn:
			license, err = io.ReadAll(files)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("unpack %s: %w", file, err)
		}
	}
	return description, license, nil
}
