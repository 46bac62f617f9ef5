package main

import (
	"context"
	"io"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/keyreeve/keyreeve/scanners"
	"github.com/keyreeve/keyreeve/scanners/report"
)

// bars returns what begins a progress bar: it gives what moves the bar, nil where standard error is no terminal, and
// what takes it away.
func bars(ctx context.Context, stderr io.Writer) func(name string) (func(scanners.Progress), func()) {
	if !isTerminal(stderr) {
		return func(string) (func(scanners.Progress), func()) { return nil, func() {} }
	}
	return func(name string) (func(scanners.Progress), func()) {
		p := mpb.NewWithContext(ctx, mpb.WithOutput(stderr), mpb.WithWidth(60))
		bar := p.AddBar(0, mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Name(report.Visible(name)+" ")),
			mpb.AppendDecorators(decor.CountersNoUnit(" %d/%d objects")))
		move := func(at scanners.Progress) {
			bar.SetTotal(int64(at.All), false)
			bar.SetCurrent(int64(at.Done))
		}
		return move, func() {
			bar.Abort(true)
			p.Wait()
		}
	}
}
