package evidence

import (
	"crypto/sha1" //nolint:gosec // a name-based UUID is made of it (RFC 9562, section 5.5); nothing rests on its strength
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// oscalVersion is the version of OSCAL that is written: https://pages.nist.gov/OSCAL.
const oscalVersion = "1.1.3"

// The parts of the assessment results model that are written
// (https://pages.nist.gov/OSCAL-Reference/models/v1.1.3/assessment-results/json-reference/). There are observations and no
// findings: whether a control is satisfied is the assessor's to say.
type (
	oscalDocument struct {
		Results oscalResults `json:"assessment-results"`
	}
	oscalResults struct {
		UUID       string          `json:"uuid"`
		Metadata   oscalMetadata   `json:"metadata"`
		ImportAP   oscalLink       `json:"import-ap"`
		Results    []oscalResult   `json:"results"`
		BackMatter oscalBackMatter `json:"back-matter"`
	}
	oscalMetadata struct {
		Title        string      `json:"title"`
		LastModified time.Time   `json:"last-modified"`
		Version      string      `json:"version"`
		OSCALVersion string      `json:"oscal-version"`
		Props        []oscalProp `json:"props,omitempty"`
		Remarks      string      `json:"remarks,omitempty"`
	}
	oscalLink struct {
		Href    string `json:"href"`
		Remarks string `json:"remarks,omitempty"`
	}
	oscalProp struct {
		Name  string `json:"name"`
		NS    string `json:"ns"`
		Value string `json:"value"`
	}
	oscalResult struct {
		UUID         string             `json:"uuid"`
		Title        string             `json:"title"`
		Description  string             `json:"description"`
		Start        time.Time          `json:"start"`
		End          time.Time          `json:"end"`
		Props        []oscalProp        `json:"props,omitempty"`
		Reviewed     oscalReviewed      `json:"reviewed-controls"`
		Observations []oscalObservation `json:"observations,omitempty"`
		Remarks      string             `json:"remarks,omitempty"`
	}
	oscalReviewed struct {
		Selections []oscalSelection `json:"control-selections"`
	}
	oscalSelection struct {
		Description string         `json:"description"`
		Include     []oscalControl `json:"include-controls"`
	}
	oscalControl struct {
		ID string `json:"control-id"`
	}
	oscalObservation struct {
		UUID        string          `json:"uuid"`
		Title       string          `json:"title"`
		Description string          `json:"description"`
		Props       []oscalProp     `json:"props,omitempty"`
		Methods     []string        `json:"methods"`
		Types       []string        `json:"types,omitempty"`
		Evidence    []oscalEvidence `json:"relevant-evidence,omitempty"`
		Collected   time.Time       `json:"collected"`
	}
	oscalEvidence struct {
		Href        string `json:"href"`
		Description string `json:"description"`
	}
	oscalBackMatter struct {
		Resources []oscalResource `json:"resources"`
	}
	oscalResource struct {
		UUID        string      `json:"uuid"`
		Title       string      `json:"title"`
		Description string      `json:"description,omitempty"`
		Links       []oscalHref `json:"rlinks,omitempty"`
	}
	oscalHref struct {
		Href      string `json:"href"`
		MediaType string `json:"media-type,omitempty"`
	}
)

// oscalNS is the namespace of our own properties: a name, and no page.
const oscalNS = "https://github.com/keyreeve/keyreeve/ns/oscal"

// maxObservations bounds the document: entries beyond it are in entries.jsonl alone, and the document says so.
const maxObservations = 1000

// OSCAL is the evidence as OSCAL assessment results, in JSON. The same input gives the same bytes.
func (r Report) OSCAL() ([]byte, error) {
	seed := fmt.Sprintf("%s %s %s %s %d", r.Head.Origin, r.Control.ID, r.From.UTC(), r.To.UTC(), r.Head.Size)
	plan := uuid(seed, "plan")
	doc := oscalDocument{oscalResults{
		UUID: uuid(seed, "results"),
		Metadata: oscalMetadata{
			Title: "Evidence for " + r.Control.ID, LastModified: r.Now.UTC(), Version: r.Now.UTC().Format("20060102T150405Z"), OSCALVersion: oscalVersion,
			Props:   []oscalProp{{"log", oscalNS, orDash(r.Head.Origin)}, {"log-size", oscalNS, fmt.Sprint(r.Head.Size)}, {"log-root", oscalNS, r.Head.Root.String()}},
			Remarks: "Written by keyreeve from its log. It holds observations and no findings: whether the control is satisfied is the assessor's to say.",
		},
		ImportAP: oscalLink{"#" + plan, "There is no assessment plan: the evidence was collected by one command, for one control and one period."},
		Results:  []oscalResult{r.oscalResult(seed)},
		BackMatter: oscalBackMatter{[]oscalResource{
			{plan, "How the evidence was collected", "keyreeve evidence --control " + r.Control.ID, nil},
			{uuid(seed, "entries"), "The entries of the log, each with its proof", "Verified by: keyreeve audit verify --export entries.jsonl --checkpoint checkpoint.txt --key KEY", []oscalHref{{"entries.jsonl", "application/jsonl"}}},
			{uuid(seed, "checkpoint"), "The signed head of the log", "", []oscalHref{{"checkpoint.txt", "text/plain"}}},
			{uuid(seed, "report"), "The report for people", "", []oscalHref{{"report.html", "text/html"}}},
		}},
	}}
	raw, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode OSCAL assessment results: %w", err)
	}
	return append(raw, '\n'), nil
}

func (r Report) oscalResult(seed string) oscalResult {
	res := oscalResult{
		UUID: uuid(seed, "result"), Title: r.Control.ID + ": " + r.Control.Title, Start: r.From.UTC(), End: r.To.UTC(),
		Description: fmt.Sprintf("What the log shows of the period. keyreeve's part in the control: %s. %s", r.Control.Coverage, strings.Join(r.Control.Shows, " ")),
		Reviewed:    oscalReviewed{[]oscalSelection{{r.Control.Title, []oscalControl{{controlID(r.Control.ID)}}}}},
		Remarks:     "Not covered, or not measured: " + strings.Join(r.Gaps, " "),
	}
	for _, f := range r.Figures {
		res.Props = append(res.Props, oscalProp{token(f.Name), oscalNS, f.Value})
	}
	for i, e := range r.Entries {
		if i == maxObservations {
			res.Remarks += fmt.Sprintf(" Only the first %d of %d entries are observations here; all are in entries.jsonl.", maxObservations, len(r.Entries))
			break
		}
		res.Observations = append(res.Observations, oscalObservation{
			UUID: uuid(seed, fmt.Sprint("entry ", e.Seq)), Title: fmt.Sprintf("Entry %d: %s", e.Seq, e.Step), Description: orDash(e.What),
			Props:   []oscalProp{{"entry", oscalNS, fmt.Sprint(e.Seq)}, {"step", oscalNS, string(e.Step)}, {"subject", oscalNS, orDash(e.Subject)}},
			Methods: []string{"EXAMINE"}, Types: []string{"control-objective"}, Collected: e.At.UTC(),
			Evidence: []oscalEvidence{{"#" + uuid(seed, "entries"), fmt.Sprintf("The line of entry %d in entries.jsonl, with its proof", e.Seq)}},
		})
	}
	return res
}

// controlID is a control's id as OSCAL's catalogues write it: "pr.aa-01". OSCAL's tokens have no ":" and no "/".
func controlID(id string) string {
	_, short, _ := strings.Cut(id, "/")
	return token(short)
}

// token makes an OSCAL token of some text.
func token(s string) string {
	s = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_' {
			return c
		}
		return '-'
	}, strings.ToLower(s))
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		s = "_" + s
	}
	return s
}

// orDash keeps a text that OSCAL wants to have one character at least from having none, or spaces at its ends.
func orDash(s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return "-"
	}
	return s
}

// uuid is a name-based UUID, version 5, so that the same evidence has the same names.
func uuid(seed, name string) string {
	sum := sha1.Sum([]byte(seed + "\x00" + name)) //nolint:gosec // as above
	sum[6], sum[8] = sum[6]&0x0f|0x50, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
