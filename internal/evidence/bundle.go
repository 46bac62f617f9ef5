package evidence

import (
	"bytes"
	"fmt"
)

// File is one file of the evidence.
type File struct {
	Name string
	Data []byte
}

// Files are all files of the evidence, which refer to each other by their names.
func (r Report) Files() ([]File, error) {
	html, err := r.HTML()
	if err != nil {
		return nil, err
	}
	oscal, err := r.OSCAL()
	if err != nil {
		return nil, err
	}
	var lines bytes.Buffer
	for _, e := range r.Entries {
		lines.Write(e.Line)
		lines.WriteByte('\n')
	}
	readme := fmt.Sprintf(`Evidence for %s, from %s until %s.

report.html              to read
entries.jsonl            %d entries of the log, each with a proof under the signed head
checkpoint.txt           the signed head of the log, of %d entries
assessment-results.json  OSCAL %s assessment results

    keyreeve audit verify --export entries.jsonl --checkpoint checkpoint.txt --key log.vkey

The file log.vkey holds the log's verifier key. Have it from somebody else than whoever gave you this folder.
`, r.Control.ID, moment(r.From), moment(r.To), len(r.Entries), r.Head.Size, oscalVersion)
	return []File{
		{"README.txt", []byte(readme)},
		{"report.html", html},
		{"entries.jsonl", lines.Bytes()},
		{"checkpoint.txt", r.Signed},
		{"assessment-results.json", oscal},
	}, nil
}
