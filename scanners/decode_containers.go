package scanners

import (
	"archive/zip"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
)

// The bounds of containers. Deflate reaches 1,032 to 1; what people write stays far below 250.
const (
	unpackedMax   = 64 << 20 // bytes of one entry
	unpackedRatio = 250      // to the packed size, beyond unpackedMin
	unpackedMin   = 1 << 20  // bytes
	entriesMax    = 10_000   // of one archive
)

// container tells by its first bytes what a text may be packed in, or "".
func container(b []byte) Encoding {
	switch {
	case bytes.HasPrefix(b, []byte("PK\x03\x04")), bytes.HasPrefix(b, []byte("PK\x05\x06")):
		return EncZip
	case bytes.HasPrefix(b, []byte{0x1f, 0x8b, 8}):
		return EncGzip
	case len(b) >= 4 && bytes.HasPrefix(b, []byte("BZh")) && b[3] >= '1' && b[3] <= '9':
		return EncBzip2
	case len(b) >= 2 && b[0] == 0x78 && (int(b[0])<<8|int(b[1]))%31 == 0 && b[1]&0x20 == 0:
		return EncZlib // RFC 1950 §2.2: the header is a multiple of 31
	}
	return ""
}

// containers looks into b if it is one.
func (s *scan) containers(dst []Match, b []byte, depth int) []Match {
	kind := container(b)
	if kind == "" && zipTail(b) {
		kind = EncZip // a program that unpacks itself, or a script in front of an archive
	}
	switch {
	case kind == "":
		return dst
	case depth == DepthMax:
		s.gap(fmt.Sprintf("nested deeper than %d", DepthMax))
		return dst
	case s.ctx.Err() != nil:
		s.gap("the search ended before this container was opened")
		return dst
	case kind == EncZip:
		return s.zip(dst, b, depth)
	}
	var r io.Reader
	var err error
	switch kind {
	case EncGzip:
		r, err = gzip.NewReader(bytes.NewReader(b))
	case EncZlib:
		r, err = zlib.NewReader(bytes.NewReader(b))
	default:
		r = bzip2.NewReader(bytes.NewReader(b))
	}
	if err == nil {
		dst, err = s.unpack(dst, b, r, kind, len(b), depth)
	}
	// Two bytes are no proof of zlib, and what was cut out of a text may end anywhere.
	if err != nil && depth == 0 && kind != EncZlib {
		s.gap(fmt.Sprintf("the %s can't be read to its end", kind))
	}
	return dst
}

// zipTail says whether b ends as a zip archive does, with a comment perhaps.
func zipTail(b []byte) bool {
	const tail, comment = 22, 1 << 16
	return len(b) >= tail && bytes.Contains(b[max(0, len(b)-tail-comment):], []byte("PK\x05\x06"))
}

// unpack looks into what r gives, of which size is the packed size.
func (s *scan) unpack(dst []Match, b []byte, r io.Reader, kind Encoding, size, depth int) ([]Match, error) {
	most := min(unpackedMax, unpackedRatio*size+unpackedMin)
	unpacked, err := fill(s.buffer(depth), io.LimitReader(r, int64(most)+1))
	s.keep(depth, unpacked)
	if len(unpacked) > most {
		unpacked = unpacked[:most]
		s.gap(fmt.Sprintf("a %s unpacks to more than %d MiB or %d times its size: the rest was not looked at", kind, unpackedMax>>20, unpackedRatio))
		err = nil
	}
	return s.unpacked(dst, b, unpacked, kind, depth), err
}

// unpacked is inner for a text that begins and ends as it should.
func (s *scan) unpacked(dst []Match, b, unpacked []byte, kind Encoding, depth int) []Match {
	if s.opened += len(unpacked); s.opened > s.openable {
		s.gap("more is packed in it than is worth unpacking")
		return dst
	}
	s.bound += decodedRatio * len(unpacked)
	s.allowed += hashedRatio * len(unpacked)
	from := len(dst)
	dst = s.text(dst, unpacked, depth+1, true)
	for i := from; i < len(dst); i++ {
		dst[i].Encoding = join(kind, dst[i].Encoding)
		dst[i].Start, dst[i].End = 0, len(b)
	}
	return dst
}

// fill is io.ReadAll into a buffer.
func fill(b []byte, r io.Reader) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return b, fmt.Errorf("unpack: %w", err)
		}
	}
}

// zip looks into each entry of an archive. Their names stand in it as they are.
func (s *scan) zip(dst []Match, b []byte, depth int) []Match {
	archive, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil && archive == nil {
		if depth == 0 {
			s.gap("the zip can't be read")
		}
		return dst
	}
	for i, entry := range archive.File {
		switch {
		case i == entriesMax:
			s.gap(fmt.Sprintf("a zip has more than %d entries: the rest was not looked at", entriesMax))
			return dst
		case entry.Flags&1 != 0:
			s.gap("an entry of a zip is encrypted")
			continue
		}
		r, err := entry.Open()
		if err != nil {
			s.gap("an entry of a zip can't be unpacked")
			continue
		}
		// The directory's size is what the archive says; a lie makes the bound lower than the container's own.
		dst, err = s.unpack(dst, b, r, EncZip, min(len(b), int(min(entry.CompressedSize64, 1<<40))), depth)
		if err != nil {
			s.gap("an entry of a zip can't be read to its end")
		}
		_ = r.Close()
	}
	return dst
}
