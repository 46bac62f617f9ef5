//go:build !race

package main

import "time"

const (
	raced = false
	pace  = 10 * time.Millisecond
)
