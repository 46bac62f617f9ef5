//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package store

import "errors"

// lockFile refuses: without a lock that ends with its process, two processes could write one file.
func lockFile(string) (unlock func() error, err error) {
	return nil, errors.New("this system has no file locks that end with their process: use PostgreSQL")
}
