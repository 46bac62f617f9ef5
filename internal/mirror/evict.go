package mirror

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Size is what all mirrors take on the disk, in bytes.
func (c *Cache) Size() (int64, error) {
	n, err := size(c.o.Dir)
	if err != nil {
		return 0, fmt.Errorf("measure the mirrors: %w", err)
	}
	return n, nil
}

// size adds up the files below a folder. What vanishes meanwhile takes nothing.
func size(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		sum += info.Size()
		return nil
	})
	return sum, err
}

// kept is a mirror on the disk.
type kept struct {
	path string
	used time.Time
	size int64
}

// evict deletes mirrors that nobody reads, the one first that was not used for longest, until all are within the bound.
func (c *Cache) evict() error {
	paths, err := filepath.Glob(filepath.Join(c.o.Dir, "*", "*.git"))
	if err != nil {
		return err
	}
	var all []kept
	sum := int64(0)
	for _, path := range paths {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		n, err := size(path)
		if err != nil {
			return err
		}
		all, sum = append(all, kept{path, info.ModTime(), n}), sum+n
	}
	slices.SortFunc(all, func(a, b kept) int { return a.used.Compare(b.used) })
	for _, k := range all {
		if sum <= c.o.MaxBytes {
			return nil
		}
		switch err := c.remove(k.path); {
		case errors.Is(err, ErrBusy):
		case err != nil:
			return err
		default:
			sum -= k.size
		}
	}
	return nil
}
