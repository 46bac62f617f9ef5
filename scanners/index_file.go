package scanners

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// An index file is
//
//	"keyreeve index 1\n"
//	the pepper's id, 8 bytes
//	three numbers of 8 bytes, big-endian: how many names, ids and values
//	their hashes, 5 bytes each, big-endian, sorted within their class
//	CRC-32C of all before, 4 bytes, big-endian
const (
	indexMagic  = "keyreeve index 1\n"
	indexHeader = len(indexMagic) + 8 + 3*8
	indexMax    = 4 << 30 // bytes
)

// ErrIndex says that an index file can't be used: it is broken, or of another version. It is to be built anew.
var ErrIndex = errors.New("the index can't be used and is to be built anew")

// WriteTo writes the index file. It implements io.WriterTo.
func (x *Index) WriteTo(w io.Writer) (int64, error) {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	out := io.MultiWriter(w, sum)
	b := append([]byte(indexMagic), x.pepper...)
	for _, all := range x.hashes {
		b = binary.BigEndian.AppendUint64(b, uint64(len(all)))
	}
	var written int64
	flush := func() error {
		n, err := out.Write(b)
		written += int64(n)
		b = b[:0]
		return err
	}
	for _, all := range x.hashes {
		for _, e := range all {
			b = append(b, byte(e>>32), byte(e>>24), byte(e>>16), byte(e>>8), byte(e)) //nolint:gosec // the bytes are meant
			if len(b) < 1<<16 {
				continue
			}
			if err := flush(); err != nil {
				return written, fmt.Errorf("write the index: %w", err)
			}
		}
	}
	if err := flush(); err != nil {
		return written, fmt.Errorf("write the index: %w", err)
	}
	n, err := w.Write(sum.Sum(nil))
	if written += int64(n); err != nil {
		return written, fmt.Errorf("write the index: %w", err)
	}
	return written, nil
}

// ReadIndex reads an index file. A file that is broken or of another version is an error that wraps ErrIndex.
func ReadIndex(r io.Reader) (*Index, error) {
	b, err := io.ReadAll(io.LimitReader(r, indexMax))
	if err != nil {
		return nil, fmt.Errorf("read the index: %w", err)
	}
	x, what := parseIndex(b)
	if what != "" {
		return nil, fmt.Errorf("%w: %s", ErrIndex, what)
	}
	return x, nil
}

func parseIndex(b []byte) (x *Index, what string) {
	if !bytes.HasPrefix(b, []byte(indexMagic)) {
		return nil, "it does not begin as an index of this version does"
	}
	if len(b) < indexHeader+4 {
		return nil, "it is cut off"
	}
	body, tail := b[:len(b)-4], b[len(b)-4:]
	if crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)) != binary.BigEndian.Uint32(tail) {
		return nil, "its checksum is wrong"
	}
	x = &Index{pepper: string(b[len(indexMagic) : len(indexMagic)+8])}
	rest := body[indexHeader:]
	for class := range x.hashes {
		n := binary.BigEndian.Uint64(b[len(indexMagic)+8+8*class:])
		if n > uint64(len(rest)/entryLen) {
			return nil, "it is shorter than it says"
		}
		all := make([]entry, n)
		for i := range all {
			e := rest[i*entryLen:]
			all[i] = entry(e[0])<<32 | entry(e[1])<<24 | entry(e[2])<<16 | entry(e[3])<<8 | entry(e[4])
			if i > 0 && all[i] <= all[i-1] {
				return nil, "its hashes are out of order"
			}
		}
		x.hashes[class], rest = all, rest[int(n)*entryLen:] //nolint:gosec // n was bounded by rest
	}
	if len(rest) > 0 {
		return nil, "it is longer than it says"
	}
	return x, ""
}
