package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/keyreeve/keyreeve/scanners"
	"github.com/keyreeve/keyreeve/scanners/report"
)

// largestFile bounds what is read of one file, in bytes.
const largestFile = 512 << 20

// scanFile scans one file, and its name. A symbolic link is not followed: what it says is scanned.
func (s *sweep) scanFile(ctx context.Context, into *report.Repository, path, name string) {
	text, why := readFile(path)
	if why != "" {
		into.Gaps = append(into.Gaps, scanners.Gap{Subject: name, What: why, Count: 1})
	}
	s.scanText(ctx, into, name, text, scanners.Finding{AtHead: true})
	s.scanName(ctx, into, name, scanners.Finding{AtHead: true})
}

// readFile returns a file's content, or why there is none.
func readFile(path string) (text []byte, why string) {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil, reason(err)
	case info.Mode()&os.ModeSymlink != 0:
		to, err := os.Readlink(path)
		if err != nil {
			return nil, reason(err)
		}
		return []byte(to), ""
	case !info.Mode().IsRegular():
		return nil, "it is no regular file"
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, reason(err)
	}
	defer f.Close()
	text, err = io.ReadAll(io.LimitReader(f, largestFile+1))
	switch {
	case err != nil:
		return nil, reason(err)
	case len(text) > largestFile:
		return text[:largestFile], fmt.Sprintf("it is larger than %d MiB: the rest was not looked at", largestFile>>20)
	}
	return text, ""
}

// scanText adds what is found in a text. like has what all findings in it share.
func (s *sweep) scanText(ctx context.Context, into *report.Repository, name string, text []byte, like scanners.Finding) {
	matches, gaps := s.matcher.ScanBytes(ctx, text)
	for _, g := range gaps {
		if g.Subject == "" {
			g.Subject = name
		}
		into.Gaps = append(into.Gaps, g)
	}
	like.Repository, like.Where, like.Path = into.Name, scanners.InBlob, name
	for _, m := range matches {
		f := like
		f.Credential, f.Class, f.Encoding = s.matcher.Label(m.Key), m.Class, m.Encoding
		start := min(max(m.Start, 0), len(text))
		f.Line = 1 + bytes.Count(text[:start], []byte{'\n'})
		f.Column = start - bytes.LastIndexByte(text[:start], '\n')
		into.Findings = append(into.Findings, f)
	}
}

// scanName adds what is found in a file's name.
func (s *sweep) scanName(ctx context.Context, into *report.Repository, name string, like scanners.Finding) {
	like.Repository, like.Where, like.Path = into.Name, scanners.InPath, name
	matches, _ := s.matcher.ScanBytes(ctx, []byte(name))
	for _, m := range matches {
		f := like
		f.Credential, f.Class, f.Encoding, f.Column = s.matcher.Label(m.Key), m.Class, m.Encoding, m.Start+1
		into.Findings = append(into.Findings, f)
	}
}
