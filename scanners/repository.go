package scanners

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/keyreeve/keyreeve/scanners/gitobj"
)

// Options say how a repository is scanned. The zero value is a good default.
type Options struct {
	Name     string         // how findings call the repository; "" is the path as given
	BaseURL  string         // "https://github.com/acme/payments", for permalinks; "" makes none
	Workers  int            // at once; 0: as many as the program may use processors
	Progress func(Progress) // told from time to time, by one goroutine at a time
	// Since are the Tips of an earlier report: what they lead to was scanned, so that only what commits brought since is.
	// Objects that no ref leads to are not looked at then. A tip that is not there any more is passed over. Where thousands of
	// commits are new, the whole repository is scanned, and what was reported before is reported again.
	Since []string
}

// Progress is how far a scan has come, in objects.
type Progress struct{ Done, All int }

// Label is how the key at an index is called, as it was given to Compile.
func (m *Matcher) Label(key int) string { return m.labels[key] }

func labelsOf(keys []Key) []string {
	labels := make([]string, len(keys))
	for i, k := range keys {
		labels[i] = k.Label
	}
	return labels
}

// Report is what a scan found.
type Report struct {
	Findings []Finding // sorted by credential, place and path
	Gaps     []Gap     // what was not looked at: with any, "nothing found" is not "nothing there"
	Stats    Stats
	Tips     []string // what refs lead to, sorted: what this scan has seen, for Options.Since
}

// Stats is what a scan read.
type Stats struct {
	Objects, Loose, Packs int
	Bytes                 int64 // of the objects, inflated
	Scanned               int64 // of those, what was new against an object scanned before
	Took                  time.Duration
}

// ScanRepository looks for keys everywhere in a repository: in every object that is there, reachable or not, in the names of
// files and refs, and in the messages of commits and tags. dir is a work tree or a bare repository. Nothing of the
// repository's is run.
//
// Of a delta only what is new is matched, so the whole history costs little more than its packs. Where a key was found is
// worked out for the objects that hold one alone. A file that held a key in many versions is one finding for each place in
// its newest version, with the first commit that brought it.
//
// What can't be read is in Report.Gaps, and the rest is scanned. Errors: what gitobj.Open returns, and ctx's.
func ScanRepository(ctx context.Context, dir string, m *Matcher, o Options) (Report, error) {
	start := time.Now()
	if o.Name == "" {
		o.Name = dir
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	repo, err := gitobj.Open(dir)
	if err != nil {
		return Report{}, err
	}
	defer repo.Close()
	s := &search{repo: repo, m: m, o: o, hits: map[gitobj.ID][]hit{}, names: map[gitobj.ID][]namedHit{}, missed: map[Gap]int{}}
	for _, g := range repo.Gaps {
		s.gap(Gap{Subject: g.Subject, What: g.What})
	}
	refs, gaps, err := repo.Refs()
	if err != nil {
		return Report{}, fmt.Errorf("scan %s: %w", o.Name, err)
	}
	for _, g := range gaps {
		s.gap(Gap{Subject: g.Subject, What: g.What})
	}
	var counts gitobj.Counts
	var h *history
	if len(o.Since) > 0 {
		counts, h, err = s.increment(ctx, refs)
	} else {
		counts, err = s.objects(ctx)
	}
	if err != nil {
		return Report{}, fmt.Errorf("scan %s: %w", o.Name, err)
	}
	findings, err := s.attribute(ctx, refs, h)
	if err != nil {
		return Report{}, fmt.Errorf("scan %s: %w", o.Name, err)
	}
	report := Report{Findings: findings, Stats: Stats{
		Objects: counts.Objects, Loose: counts.Loose, Packs: counts.Packs, Bytes: counts.Bytes, Scanned: counts.Fresh,
	}}
	if counts.Objects == 0 && len(o.Since) == 0 {
		s.gap(Gap{Subject: o.Name, What: "the repository holds no objects: nothing was scanned"})
	}
	for _, r := range refs {
		report.Tips = append(report.Tips, repo.Name(r.ID))
	}
	slices.Sort(report.Tips)
	report.Tips, report.Gaps, report.Stats.Took = slices.Compact(report.Tips), s.gaps(), time.Since(start)
	return report, nil
}
