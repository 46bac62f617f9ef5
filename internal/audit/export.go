package audit

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Format is a form in which entries leave the log.
type Format string

// The formats. Each writes one line an entry.
const (
	JSONL       Format = "jsonl"       // entries with their hashes, which verify as they are: see ReadExport
	CSV         Format = "csv"         // for a table
	OCSF        Format = "ocsf"        // Open Cybersecurity Schema Framework, https://schema.ocsf.io
	CloudEvents Format = "cloudevents" // CloudEvents 1.0 in JSON, https://cloudevents.io
)

// Formats are all formats.
func Formats() []Format { return []Format{JSONL, CSV, OCSF, CloudEvents} }

// Source says where exported entries come from.
type Source struct {
	Origin  string // the log's name, where it is known
	Version string // of keyreeve
}

// Exporter writes entries in one format. It may not be used concurrently.
type Exporter struct {
	format Format
	source Source
	w      io.Writer
	begun  bool
}

// NewExporter makes an Exporter that writes to w; a format that there is not is an error.
func NewExporter(w io.Writer, f Format, s Source) (*Exporter, error) {
	if slices.Contains(Formats(), f) {
		return &Exporter{format: f, source: s, w: w}, nil
	}
	return nil, fmt.Errorf("there is no format %q: it is one of %v", f, Formats())
}

// Write writes an entry. A row that can't be read is an error, and so is one of the writer's.
func (x *Exporter) Write(r Row) error {
	var line []byte
	var err error
	switch x.format {
	case JSONL:
		line = exportLine(r)
	case CSV:
		line, err = x.csvLine(r)
	case OCSF:
		line, err = ocsf(r, x.source)
	case CloudEvents:
		line, err = cloudEvent(r, x.source)
	}
	x.begun = true
	if err == nil {
		_, err = x.w.Write(append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("export entry %d: %w", r.Seq, err)
	}
	return nil
}

// exportLine is the line of an entry in JSONL: its canonical bytes as they are, and its hash.
func exportLine(r Row) []byte {
	h := Hash(r.Canonical)
	line := append([]byte(`{"entry":`), r.Canonical...)
	return append(line, `,"hash":"`+base64.StdEncoding.EncodeToString(h[:])+`"}`...)
}

// maxLine bounds a line of an export: an entry, and a proof of 63 hashes.
const maxLine = MaxEntry + 8<<10

// Exported is one line of a JSONL export.
type Exported struct {
	Row

	Line int              // from 1
	Path tlog.RecordProof // the inclusion proof, where the line has one
}

// ReadExport yields the lines of a JSONL export, or of an archive, as they are; nothing is checked but their form. A row's
// installation is what the entry says. An error, which names the line, is the last that is yielded.
func ReadExport(r io.Reader) iter.Seq2[Exported, error] {
	return func(yield func(Exported, error) bool) {
		lines := newLines(r)
		for n := 1; ; n++ {
			raw, err := lines.next()
			if errors.Is(err, io.EOF) {
				return
			}
			var x Exported
			if err == nil {
				x, err = parseExported(raw)
			}
			if err != nil {
				yield(Exported{Line: n}, fmt.Errorf("line %d: %w", n, err))
				return
			}
			if x.Line = n; !yield(x, nil) {
				return
			}
		}
	}
}

func parseExported(raw []byte) (x Exported, err error) {
	var line struct {
		Entry json.RawMessage `json:"entry"`
		Hash  []byte          `json:"hash"`
		Proof []tlog.Hash     `json:"proof"`
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&line); err != nil {
		return x, fmt.Errorf("%w: it is no line of an export: %w", ErrEntry, err)
	}
	var e struct {
		Seq          *int64 `json:"seq"`
		Installation int64  `json:"installation"`
	}
	if err := json.Unmarshal(line.Entry, &e); err != nil || e.Seq == nil || len(line.Hash) != tlog.HashSize {
		return x, fmt.Errorf("%w: it is no line of an export: an entry with its number, and a hash", ErrEntry)
	}
	return Exported{Row: Row{Seq: *e.Seq, Installation: e.Installation, Canonical: line.Entry, Hash: line.Hash}, Path: line.Proof}, nil
}

// ProvenLine is a line of an export that carries its own proof under a checkpoint, so that a few entries of a log can be
// verified without the others.
func ProvenLine(r Row, path tlog.RecordProof) ([]byte, error) {
	if path == nil {
		path = tlog.RecordProof{}
	}
	proof, err := json.Marshal(path)
	if err != nil {
		return nil, fmt.Errorf("encode the proof of entry %d: %w", r.Seq, err)
	}
	line := bytes.TrimSuffix(exportLine(r), []byte("}"))
	return append(append(append(line, `,"proof":`...), proof...), '}'), nil
}

// csvHead are the columns.
var csvHead = []string{"seq", "at", "step", "installation", "subject", "actor_id", "actor_login", "what", "ref", "controls", "data", "hash"}

func (x *Exporter) csvLine(r Row) ([]byte, error) {
	var e Entry
	if err := json.Unmarshal(r.Canonical, &e); err != nil {
		return nil, err
	}
	h := Hash(r.Canonical)
	record := []string{
		strconv.FormatInt(e.Seq, 10), e.At.UTC().Format(time.RFC3339Nano), string(e.Step), strconv.FormatInt(e.Installation, 10), e.Subject, "", "",
		e.What, e.Ref, strings.Join(e.Controls, " "), string(e.Data), base64.StdEncoding.EncodeToString(h[:]),
	}
	if e.Actor != nil {
		record[5], record[6] = strconv.FormatInt(e.Actor.ID, 10), e.Actor.Login
	}
	for i, cell := range record {
		record[i] = unformula(cell)
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if !x.begun {
		_ = w.Write(csvHead) // into memory, and told by Error
	}
	_ = w.Write(record)
	w.Flush()
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), w.Error()
}

// unformula keeps a spreadsheet from taking what somebody wrote for a formula: such a cell begins with an apostrophe.
// https://owasp.org/www-community/attacks/CSV_Injection
func unformula(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// cloudEvent is an entry in the JSON format of CloudEvents 1.0.
func cloudEvent(r Row, s Source) ([]byte, error) {
	var e Entry
	if err := json.Unmarshal(r.Canonical, &e); err != nil {
		return nil, err
	}
	source := "/keyreeve/log"
	if s.Origin != "" {
		source = "//" + s.Origin
	}
	return json.Marshal(struct {
		SpecVersion string          `json:"specversion"`
		ID          string          `json:"id"`
		Source      string          `json:"source"`
		Type        string          `json:"type"`
		Subject     string          `json:"subject,omitempty"`
		Time        time.Time       `json:"time"`
		ContentType string          `json:"datacontenttype"`
		Data        json.RawMessage `json:"data"`
	}{"1.0", strconv.FormatInt(e.Seq, 10), source, "keyreeve.log." + string(e.Step) + ".v1", e.Subject, e.At.UTC(), "application/json", r.Canonical})
}
