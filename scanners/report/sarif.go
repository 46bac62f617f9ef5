package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/keyreeve/keyreeve/scanners"
)

// Of https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html, what is written.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool              sarifTool         `json:"tool"`
		AutomationDetails sarifAutomation   `json:"automationDetails"`
		Invocations       []sarifInvocation `json:"invocations"`
		ColumnKind        string            `json:"columnKind"`
		Results           []sarifResult     `json:"results"`
		Properties        map[string]string `json:"properties"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string         `json:"id"`
		Name             string         `json:"name"`
		ShortDescription sarifText      `json:"shortDescription"`
		FullDescription  sarifText      `json:"fullDescription"`
		Help             sarifText      `json:"help"`
		Properties       map[string]any `json:"properties"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifAutomation struct {
		ID string `json:"id"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool                `json:"executionSuccessful"`
		Notifications       []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifResult struct {
		RuleID              string            `json:"ruleId"`
		RuleIndex           int               `json:"ruleIndex"`
		Level               string            `json:"level"`
		Message             sarifText         `json:"message"`
		Locations           []sarifLocation   `json:"locations"`
		PartialFingerprints map[string]string `json:"partialFingerprints"`
		HostedViewerURI     string            `json:"hostedViewerUri,omitempty"`
		Properties          json.RawMessage   `json:"properties"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI       string `json:"uri"`
		URIBaseID string `json:"uriBaseId"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
		// A column of SARIF counts characters, ours bytes: the line alone is sure to be right.
	}
	sarifLogical struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
		Kind               string `json:"kind"`
	}
)

// SARIF writes a SARIF 2.1.0 log with one run for each repository, also for those in which nothing was found: code
// scanning closes its alerts by them. What was not looked at is a notification of the run's invocation, which
// then was not successful. A finding outside of files has a logical location alone. The error is w's.
func SARIF(w io.Writer, all []Repository) error {
	log := sarifLog{Schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{}}
	for _, r := range sorted(all) {
		run, err := runOf(r)
		if err != nil {
			return err
		}
		log.Runs = append(log.Runs, run)
	}
	b, err := marshal(log)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err = w.Write(out.Bytes())
	return err
}

func runOf(r Repository) (sarifRun, error) {
	run := sarifRun{
		Tool: sarifTool{sarifDriver{
			Name: "keyreeve", InformationURI: "https://github.com/keyreeve/keyreeve", Rules: sarifRules(),
		}},
		AutomationDetails: sarifAutomation{"keyreeve/" + url.PathEscape(r.Name) + "/"},
		Invocations:       []sarifInvocation{{ExecutionSuccessful: len(r.Gaps) == 0}},
		ColumnKind:        "unicodeCodePoints",
		Results:           []sarifResult{},
		Properties:        map[string]string{"repository": r.Name},
	}
	for _, g := range r.Gaps {
		run.Invocations[0].Notifications = append(run.Invocations[0].Notifications, sarifNotification{"error", sarifText{gapText(g)}})
	}
	for i := range r.Findings {
		result, err := resultOf(&r.Findings[i])
		if err != nil {
			return run, err
		}
		run.Results = append(run.Results, result)
	}
	return run, nil
}

func sarifRules() []sarifRule {
	rule := func(class scanners.Class, name, short, full, severity string) sarifRule {
		return sarifRule{
			ID: "retired-" + string(class), Name: name, ShortDescription: sarifText{short}, FullDescription: sarifText{full},
			Help:       sarifText{next(class, true) + " " + next(class, false)},
			Properties: map[string]any{"security-severity": severity, "tags": []string{"security", "secret", "external/cwe/cwe-798"}},
		}
	}
	return []sarifRule{
		rule(scanners.ByValue, "RetiredValue", "The value of a retired credential", "The repository holds the value of a credential that was decommissioned.", "9.0"),
		rule(scanners.ByID, "RetiredID", "The public id of a retired credential", "The repository holds the public id of a credential that was decommissioned.", "6.0"),
		rule(scanners.ByName, "RetiredName", "The name of a retired credential", "The repository names a credential that was decommissioned.", "3.0"),
	}
}

func resultOf(f *scanners.Finding) (sarifResult, error) {
	properties, err := marshal(lineOf(f))
	if err != nil {
		return sarifResult{}, err
	}
	return sarifResult{
		RuleID: "retired-" + string(f.Class), RuleIndex: max(rank(f.Class), 0), Level: level(f),
		Message: sarifText{message(f)}, Locations: []sarifLocation{location(f)},
		PartialFingerprints: map[string]string{"keyreeve/v1": fingerprint(f)},
		HostedViewerURI:     f.Permalink, Properties: properties,
	}, nil
}

// level: a value, or an id, at a head is an error. What is only named, or only in the history, is less.
func level(f *scanners.Finding) string {
	switch {
	case f.AtHead && f.Class != scanners.ByName:
		return "error"
	case f.AtHead || f.Class != scanners.ByName:
		return "warning"
	}
	return "note"
}

func location(f *scanners.Finding) sarifLocation {
	if f.Path != "" && (f.Where == scanners.InBlob || f.Where == scanners.InPath) {
		l := sarifLocation{Physical: &sarifPhysical{Artifact: sarifArtifact{URI: uri(f.Path), URIBaseID: "%SRCROOT%"}}}
		if f.Line > 0 {
			l.Physical.Region = &sarifRegion{f.Line}
		}
		return l
	}
	name := cmp.Or(f.Path, f.Commit, f.Object)
	return sarifLocation{Logical: []sarifLogical{{strings.TrimSpace(string(f.Where) + " " + Visible(name)), "resource"}}}
}

// uri writes a path as a relative reference (RFC 3986), byte for byte.
func uri(path string) string {
	parts := strings.Split(path, "/")
	for i := range parts {
		parts[i] = strings.ReplaceAll(url.PathEscape(parts[i]), ":", "%3A")
	}
	return strings.Join(parts, "/")
}

// fingerprint tells a result from others across runs. Line and commit are not in it: lines above may be added.
func fingerprint(f *scanners.Finding) string {
	h := sha256.New()
	for _, part := range []string{f.Credential, string(f.Class), string(f.Where), f.Path, string(f.Encoding)} {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	if f.Path == "" {
		_, _ = io.WriteString(h, f.Commit+f.Object)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
