package approvals

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Equal reports whether d and o say the same, as they would be stored: a list
// that is nil and one that is empty are alike where JSON writes them alike.
func (d Decision) Equal(o Decision) bool { return same(d, o) }

// Replay decides f again and compares the result with d, a decision stored
// earlier. It returns nil when they are the same, else an error that names the
// first difference, stored value first.
func Replay(f Facts, d Decision) error {
	now := Decide(f)
	switch {
	case now.Verdict != d.Verdict:
		return fmt.Errorf("replay: verdict is stored as %s, but the facts give %s", d.Verdict, now.Verdict)
	case now.Digest != d.Digest:
		return fmt.Errorf("replay: digest is stored as %q, but the facts give %q", d.Digest, now.Digest)
	case now.Head != d.Head:
		return fmt.Errorf("replay: head is stored as %q, but the facts give %q", d.Head, now.Head)
	}
	if err := firstDifference("need", d.Needs, now.Needs); err != nil {
		return err
	}
	if err := firstDifference("vote", d.Votes, now.Votes); err != nil {
		return err
	}
	return firstDifference("reason", d.Reasons, now.Reasons)
}

func firstDifference[T any](what string, stored, now []T) error {
	if len(stored) != len(now) {
		return fmt.Errorf("replay: %d %ss are stored, but the facts give %d", len(stored), what, len(now))
	}
	for i := range stored {
		if !same(stored[i], now[i]) {
			return fmt.Errorf("replay: %s %d is stored as %s, but the facts give %s", what, i+1, asJSON(stored[i]), asJSON(now[i]))
		}
	}
	return nil
}

func same(a, b any) bool { return bytes.Equal(asJSON(a), asJSON(b)) }

// asJSON encodes one of this package's types, none of which can fail to encode.
func asJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("approvals: encode %T: %v", v, err))
	}
	return b
}
