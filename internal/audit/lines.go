package audit

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// lines reads lines of at most maxLine bytes; empty ones are left out.
type lines struct{ r *bufio.Reader }

func newLines(r io.Reader) *lines { return &lines{bufio.NewReaderSize(r, maxLine)} }

// next returns the next line, which is the caller's own, or io.EOF.
func (l *lines) next() ([]byte, error) {
	for {
		raw, err := l.r.ReadSlice('\n')
		if err == bufio.ErrBufferFull { //nolint:errorlint // bufio returns just this
			return nil, fmt.Errorf("%w: it has more than %d bytes", ErrEntry, maxLine)
		}
		if raw = bytes.TrimRight(raw, "\r\n"); len(raw) > 0 {
			return bytes.Clone(raw), nil
		}
		if err != nil {
			return nil, err
		}
	}
}
