package audit

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// encode writes an entry's canonical form without a detour over its values: appending many entries is half made of it. ok is
// false for what only the slow way of Canonical can tell: text that is no UTF-8, Data that strict does not know to be
// canonical, a year that RFC 3339 does not have.
func (e Entry) encode() (b []byte, ok bool) {
	if y := e.At.Year(); y < 0 || y > 9999 || !e.plain() {
		return nil, false
	}
	b = make([]byte, 0, 512)
	b = append(b, '{')
	if e.Actor != nil {
		b = append(b, `"actor":`...)
		b = append(appendPerson(b, *e.Actor), ',')
	}
	b = append(b, `"at":"`...)
	b = append(e.At.UTC().AppendFormat(b, time.RFC3339Nano), '"')
	if len(e.Controls) > 0 {
		b = append(b, `,"controls":[`...)
		for i, c := range e.Controls {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, c)
		}
		b = append(b, ']')
	}
	if len(e.Data) > 0 {
		b = append(append(b, `,"data":`...), e.Data...)
	}
	b = strconv.AppendInt(append(b, `,"installation":`...), e.Installation, 10)
	if e.Ref != "" {
		b = appendString(append(b, `,"ref":`...), e.Ref)
	}
	b = strconv.AppendInt(append(b, `,"seq":`...), e.Seq, 10)
	b = appendString(append(b, `,"step":`...), string(e.Step))
	b = appendString(append(b, `,"subject":`...), e.Subject)
	b = appendString(append(b, `,"what":`...), e.What)
	return append(b, '}'), true
}

func appendPerson(b []byte, p identity.Person) []byte {
	b = strconv.AppendInt(append(b, `{"id":`...), p.ID, 10)
	return append(appendString(append(b, `,"login":`...), p.Login), '}')
}

// plain tells whether every text of the entry is UTF-8, and its Data in canonical form.
func (e Entry) plain() bool {
	if len(e.Data) > 0 {
		if _, canonical := strict(e.Data); !canonical {
			return false
		}
	}
	for _, c := range e.Controls {
		if !utf8.ValidString(c) {
			return false
		}
	}
	return (e.Actor == nil || utf8.ValidString(e.Actor.Login)) && utf8.ValidString(e.Ref) && utf8.ValidString(string(e.Step)) &&
		utf8.ValidString(e.Subject) && utf8.ValidString(e.What)
}
