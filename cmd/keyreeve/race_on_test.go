//go:build race

package main

import "time"

// raced says that the race detector is on, under which SQLite's translated code takes ten times as long; pace is how
// often the bot under test looks for work: a look must not take longer.
const (
	raced = true
	pace  = 40 * time.Millisecond
)
