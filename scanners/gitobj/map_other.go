//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package gitobj

import (
	"io"
	"os"
)

// mapFile reads a file into memory, where it can't be mapped.
func mapFile(f *os.File) (b []byte, unmap func() error, err error) {
	b, err = io.ReadAll(f)
	return b, func() error { return nil }, err
}
