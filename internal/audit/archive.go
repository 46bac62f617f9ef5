package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// ArchivedData is the Data of an Archived entry.
type ArchivedData struct {
	First  int64  `json:"first"`  // the first entry that was moved
	Last   int64  `json:"last"`   // the last one
	File   string `json:"file"`   // the archive's name, without its folder
	SHA256 string `json:"sha256"` // of the archive's bytes, in hexadecimal
}

// speaks reads what verifying needs of a canonical entry: its installation, and, of an Archived one, the number of entries
// that are no longer in the store.
func speaks(canonical []byte) (installation, archived int64, err error) {
	const key = `"installation":`
	if at := bytes.Index(canonical, []byte(key)); at >= 0 && !bytes.Contains(canonical[at+1:], []byte(key)) && !bytes.Contains(canonical, []byte(`"archived"`)) {
		s := scan{raw: canonical, at: at + len(key)}
		if n, ok := s.whole(); ok {
			return n, 0, nil
		}
	}
	var e struct {
		Installation int64           `json:"installation"`
		Step         Step            `json:"step"`
		Data         json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(canonical, &e); err != nil {
		return 0, 0, fmt.Errorf("read it: %w", err)
	}
	if e.Step == Archived {
		var d ArchivedData
		if err := json.Unmarshal(e.Data, &d); err != nil {
			return 0, 0, fmt.Errorf("read what was archived: %w", err)
		}
		archived = d.Last + 1
	}
	return e.Installation, archived, nil
}

// Bounded is Canonical, and keeps the entry within MaxEntry, so that the layout of tiles can hold it. Data that is too
// long is replaced by its length and SHA-256, and a sentence that is too long is cut, saying so: a step is logged
// in any case, and what is left out is named.
func (e Entry) Bounded() ([]byte, error) {
	raw, err := e.Canonical()
	if err != nil || len(raw) <= MaxEntry {
		return raw, err
	}
	if len(e.Data) > 0 {
		sum := sha256.Sum256(e.Data)
		if e.Data, err = json.Marshal(OmittedData{len(e.Data), hex.EncodeToString(sum[:])}); err != nil {
			return nil, fmt.Errorf("audit entry %d: %w", e.Seq, err)
		}
	}
	const longest = 4 << 10 // even if each byte takes six, as an escape
	for _, text := range []*string{&e.What, &e.Subject, &e.Ref} {
		if len(*text) > longest {
			*text = strings.ToValidUTF8((*text)[:longest], "") + fmt.Sprintf("… (%d bytes)", len(*text))
		}
	}
	return e.Canonical()
}

// OmittedData is the Data of an entry whose own would not have fitted.
type OmittedData struct {
	Bytes  int    `json:"omittedBytes"`
	SHA256 string `json:"omittedSHA256"` // hexadecimal
}

// ArchivedEntry is the entry that says where the first entries went.
func ArchivedEntry(d ArchivedData, at time.Time) (Entry, error) {
	data, err := json.Marshal(d)
	if err != nil {
		return Entry{}, fmt.Errorf("encode what is archived: %w", err)
	}
	return Entry{
		At: at.UTC(), Step: Archived, Subject: "log", Ref: d.File, Data: data,
		What: fmt.Sprintf("move entries %d to %d to the archive %s", d.First, d.Last, d.File),
	}, nil
}
