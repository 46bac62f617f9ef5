package audit

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// FreeText is text that a person or another program wrote. Anything may be in it, so it goes through redaction before it
// is logged. Every other field of a Data type is of a kind that can't hold a secret, or is on the list of its test.
type FreeText string

// The types of an entry's Data beside ArchivedData and OmittedData. DataTypes lists them all.
type (
	// ReceivedData is of a Received entry: a delivery, of which the body is not logged.
	ReceivedData struct {
		App    int64  `json:"app"`
		Bytes  int    `json:"bytes"`
		SHA256 string `json:"sha256"` // of the body, in hexadecimal
	}
	// ErrorData is of a Failed entry.
	ErrorData struct {
		Error FreeText `json:"error"`
	}
	// FoundData is of an Applied entry of an interrupted walk: how it was found out.
	FoundData struct {
		Found FreeText `json:"found"`
	}
	// DecidedData is of a Decided entry: what the decision is of, and by which rules it was made.
	DecidedData struct {
		Facts      string `json:"facts"`                // SHA-256 of the facts' JSON, in hexadecimal
		Content    string `json:"content,omitempty"`    // what was decided on: the request's digest
		Head       string `json:"head,omitempty"`       // commit
		Policy     string `json:"policy,omitempty"`     // blob of keyreeve.yaml
		Codeowners string `json:"codeowners,omitempty"` // blob of the registry's CODEOWNERS
	}
	// ConfiguredData is of a Configured entry: the blobs before and after.
	ConfiguredData struct {
		Policy        string `json:"policy"`
		PolicyWas     string `json:"policyWas"`
		Codeowners    string `json:"codeowners"`
		CodeownersWas string `json:"codeownersWas"`
	}
	// SweptData is of a Swept entry.
	SweptData struct {
		Woken int `json:"woken"` // subjects that are looked at again for it
	}
	// ReasonData is of a Changed entry: what a person said when they ordered it.
	ReasonData struct {
		Reason FreeText `json:"reason"`
	}
)

// DataTypes are all types that the Data of an entry is made of.
func DataTypes() []any {
	return []any{ReceivedData{}, ErrorData{}, FoundData{}, DecidedData{}, ConfiguredData{}, SweptData{}, ReasonData{}, ArchivedData{}, OmittedData{}}
}

// plainFields are the keys of Data whose values are left as they are: the fields of DataTypes that are not FreeText.
var plainFields = sync.OnceValue(func() map[string]bool {
	plain := map[string]bool{}
	for _, v := range DataTypes() {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			plain[name] = f.Type != reflect.TypeFor[FreeText]()
		}
	}
	return plain
})

// Redacted returns the entry with redact applied to its sentence and to each text in its Data that is FreeText, or that no
// Data type knows. Data that is no JSON object is left to Canonical, which refuses what is no JSON.
func (e Entry) Redacted(redact func(string) string) Entry {
	e.What = redact(e.What)
	var fields map[string]json.RawMessage
	if len(e.Data) == 0 || json.Unmarshal(e.Data, &fields) != nil {
		return e
	}
	changed := false
	for name, raw := range fields {
		if plainFields()[name] {
			continue
		}
		clean := redactJSON(raw, redact)
		changed = changed || string(clean) != string(raw)
		fields[name] = clean
	}
	if !changed {
		return e
	}
	if raw, err := json.Marshal(fields); err == nil { // of JSON that was read above
		e.Data = raw
	}
	return e
}

// redactJSON applies redact to every string of a JSON value.
func redactJSON(raw json.RawMessage, redact func(string) string) json.RawMessage {
	var v any
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return raw
	}
	clean, err := json.Marshal(redactValue(v, redact))
	if err != nil {
		return raw
	}
	return clean
}

func redactValue(v any, redact func(string) string) any {
	switch v := v.(type) {
	case string:
		return redact(v)
	case []any:
		for i := range v {
			v[i] = redactValue(v[i], redact)
		}
	case map[string]any:
		for k := range v {
			v[k] = redactValue(v[k], redact)
		}
	}
	return v
}
