package audit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// The layout of https://c2sp.org/tlog-tiles: full tiles are 256 hashes wide, and never change.
const (
	TileHeight = 8
	TileWidth  = 1 << TileHeight
)

// MaxEntry is the most bytes that an entry may have: the layout writes its length in 16 bits.
const MaxEntry = 1<<16 - 1

// ParseTilePath reads the path of a tile below a log's prefix: "tile/0/x001/067", "tile/1/000.p/5", "tile/entries/000".
// L is -1 for a bundle of entries. A path that is not written in the one form that the layout has is an error.
func ParseTilePath(path string) (tlog.Tile, error) {
	rest, ok := strings.CutPrefix(path, "tile/")
	if rest2, entries := strings.CutPrefix(rest, "entries/"); entries {
		rest = "data/" + rest2
	} else if strings.HasPrefix(rest, "data/") {
		ok = false
	}
	t, err := tlog.ParseTilePath("tile/8/" + rest)
	if !ok || err != nil {
		return tlog.Tile{}, fmt.Errorf("%q is no path of a tile", path)
	}
	return t, nil
}

// TilePath is the path of a tile of height TileHeight, as ParseTilePath reads it.
func TilePath(t tlog.Tile) string {
	rest := strings.TrimPrefix(t.Path(), "tile/8/")
	if entries, ok := strings.CutPrefix(rest, "data/"); ok {
		rest = "entries/" + entries
	}
	return "tile/" + rest
}

// InTree tells whether a log of size entries has the tile: all of a full one, or at least as much of a partial one.
func InTree(t tlog.Tile, size int64) bool {
	level := max(t.L, 0) * TileHeight
	if level >= 63 || t.N < 0 || t.W < 1 || t.W > TileWidth || t.N > (1<<62)/TileWidth {
		return false
	}
	return t.N*TileWidth+int64(t.W) <= size>>level
}

// AppendBundle appends an entry to a bundle of entries: its length in two bytes, then its bytes. One of more than
// MaxEntry bytes is an error.
func AppendBundle(bundle, canonical []byte) ([]byte, error) {
	if len(canonical) > MaxEntry {
		return nil, fmt.Errorf("an entry of %d bytes does not fit into a bundle", len(canonical))
	}
	bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(canonical))) //nolint:gosec // bounded above
	return append(bundle, canonical...), nil
}

// CutBundle splits the first entry off a bundle.
func CutBundle(bundle []byte) (canonical, rest []byte, err error) {
	if len(bundle) < 2 {
		return nil, nil, errors.New("the bundle ends within a length")
	}
	n := int(binary.BigEndian.Uint16(bundle))
	if len(bundle) < 2+n {
		return nil, nil, errors.New("the bundle ends within an entry")
	}
	return bundle[2 : 2+n], bundle[2+n:], nil
}
