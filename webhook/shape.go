package webhook

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// single returns a header's value, or "" if it is absent or given more than once: which one counts is not guessed.
func single(h http.Header, name string) string {
	if values := h.Values(name); len(values) == 1 {
		return values[0]
	}
	return ""
}

// isEvent reports whether s has the shape of an event's name: "issue_comment".
func isEvent(s string) bool {
	return shaped(s, 64, func(c rune) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' })
}

// isDeliveryID reports whether s can be a delivery's id. GitHub's are GUIDs; any short token of letters, digits and
// hyphens is taken, and nothing that could mean something to a log, a path or a query.
func isDeliveryID(s string) bool {
	return shaped(s, 128, func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-'
	})
}

func shaped(s string, longest int, allowed func(rune) bool) bool {
	if s == "" || len(s) > longest {
		return false
	}
	for _, c := range s {
		if !allowed(c) {
			return false
		}
	}
	return true
}

// installationOf finds the installation's id in a payload: 0 where it names none, or none that is a number. ok is
// false if body is not one JSON object.
func installationOf(body []byte) (id int64, ok bool) {
	var fields struct {
		Installation json.RawMessage `json:"installation"`
	}
	// A lone null would fit the struct too.
	if !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) || json.Unmarshal(body, &fields) != nil {
		return 0, false
	}
	var installation struct {
		ID int64 `json:"id"`
	}
	if len(fields.Installation) == 0 || json.Unmarshal(fields.Installation, &installation) != nil {
		return 0, true // Route says what is wrong with it, and the delivery is kept meanwhile
	}
	return max(installation.ID, 0), true
}
