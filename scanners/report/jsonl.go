package report

import (
	"bufio"
	"io"

	"github.com/keyreeve/keyreeve/scanners"
)

// line is a finding as a line of JSON. The first eleven keys are a promise: all are there in every line, in this order.
type line struct {
	Credential string            `json:"credential"`
	Class      scanners.Class    `json:"class"`
	Repository string            `json:"repository"`
	Where      scanners.Where    `json:"where"`
	Path       string            `json:"path"`
	Line       int               `json:"line"`
	Column     int               `json:"column"`
	Commit     string            `json:"commit"`
	Object     string            `json:"object"`
	Encoding   scanners.Encoding `json:"encoding"`
	AtHead     bool              `json:"at_head"`

	Also        []string `json:"also,omitempty"`
	Branches    []string `json:"branches,omitempty"`
	Last        string   `json:"last,omitempty"`
	Author      string   `json:"author,omitempty"`
	Date        string   `json:"date,omitempty"`
	Unreachable bool     `json:"unreachable,omitempty"`
	Permalink   string   `json:"permalink,omitempty"`
}

// JSONL writes one finding a line, in the order of Sort, as JSON objects that begin with the keys credential, class,
// repository, where, path, line, column, commit, object, encoding, at_head. Those are always there; others
// are left out where they say nothing. What was not looked at is not in it: see Incomplete. Paths that are no UTF-8 have
// U+FFFD in place of each byte that is none. The error is w's.
func JSONL(w io.Writer, all []Repository) error {
	out := bufio.NewWriter(w)
	for _, r := range sorted(all) {
		for i := range r.Findings {
			b, err := marshal(lineOf(&r.Findings[i]))
			if err != nil {
				return err
			}
			_, _ = out.Write(append(b, '\n')) // Flush gives the error
		}
	}
	return out.Flush()
}

func lineOf(f *scanners.Finding) line {
	return line{
		Credential: f.Credential, Class: f.Class, Repository: f.Repository, Where: f.Where, Path: f.Path, Line: f.Line, Column: f.Column,
		Commit: f.Commit, Object: f.Object, Encoding: f.Encoding, AtHead: f.AtHead,
		Also: f.Paths, Branches: f.Branches, Last: f.Last, Author: f.Author, Date: f.Date, Unreachable: f.Unreachable, Permalink: f.Permalink,
	}
}
