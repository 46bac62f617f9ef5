package demo

import (
	"sync/atomic"
	"time"
)

// Clock is the machine's clock and an offset that only grows: the demo moves
// it ahead, so that a lease of hours ends while one watches. It may be used concurrently.
type Clock struct {
	ahead atomic.Int64
}

// Now is the time by this clock.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// Advance moves the clock ahead by d; a d below zero does nothing.
func (c *Clock) Advance(d time.Duration) { c.ahead.Add(int64(max(0, d))) }
