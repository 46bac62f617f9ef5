package queue

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// guard calls do and turns a panic into an error. Neither the error nor the
// log holds the value that was panicked with, or an argument of a call, since either could be a secret.
func (q *Queue) guard(what string, do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%s: panic: %s", what, panicText(v))
			q.o.Log.Error("panic", "work", what, "panic", panicText(v), "at", frames())
		}
	}()
	return do()
}

// panicText says what a panic was about: the runtime's own texts hold types and numbers alone, of all else only the type is told.
func panicText(v any) string {
	if err, ok := v.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a value of type %T", v)
}

// frames lists the calls that led to a panic, innermost first: "walk.go:12 workflow.Walk".
func frames() []string {
	pcs := make([]uintptr, 32)
	all := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	var list []string
	for {
		f, more := all.Next()
		if !strings.HasPrefix(f.Function, "runtime.") {
			list = append(list, fmt.Sprintf("%s:%d %s", filepath.Base(f.File), f.Line, filepath.Base(f.Function)))
		}
		if !more {
			return list
		}
	}
}
