package gitobj

import (
	"context"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
)

// Object is one object, as Walk shows it. Data and Fresh are valid until the visit returns.
type Object struct {
	ID   ID
	Type Type
	Data []byte
	// Fresh are the parts of Data that are new against the object's base in the pack, widened by WalkOptions.Widen. All says
	// that there is no base, so that everything is new.
	Fresh []Region
	All   bool
	// Base is the object that this one is a delta against, where All is false.
	Base ID
}

// WalkOptions say how a repository is walked.
type WalkOptions struct {
	Widen    int                     // by how many bytes Fresh reaches beyond what is new
	Workers  int                     // at once; 0: as many as the program may use processors
	Skip     func(t Type) bool       // types that are not to be visited; they are not read either, and not counted
	Progress func(done, all int)     // called from time to time, by one goroutine at a time
	Problem  func(g Gap)             // what could not be read; called concurrently. Walk goes on
	Known    func(id ID) (skip bool) // objects that are not to be visited; may be nil. Called concurrently
}

// Counts is what a walk read.
type Counts struct {
	Objects, Loose, Packs int
	Bytes                 int64 // of objects, inflated
	Fresh                 int64 // of those, in the Fresh parts and whole objects
}

// Walk visits every object of the repository once for each pack that has it, and loose objects once. visit is called
// concurrently by several workers, each with a number of its own below the number of workers. An object that can't be read is told to
// Problem; an error of visit, or of ctx, ends the walk.
func (r *Repo) Walk(ctx context.Context, o WalkOptions, visit func(worker int, o *Object) error) (Counts, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	w := &walker{Repo: r, o: o, visit: visit}
	for _, s := range r.stores {
		for _, p := range s.packs {
			w.all += p.count
		}
	}
	for _, s := range r.stores {
		for _, p := range s.packs {
			if err := w.pack(ctx, p); err != nil {
				return w.counts(), err
			}
			w.sum.Packs++
		}
		if err := w.loose(ctx, s.dir); err != nil {
			return w.counts(), err
		}
	}
	if o.Progress != nil {
		o.Progress(w.all, w.all)
	}
	return w.counts(), nil
}

type walker struct {
	*Repo
	o     WalkOptions
	visit func(int, *Object) error
	all   int
	sum   Counts

	done, lost   atomic.Int64
	bytes, fresh atomic.Int64
	progress     sync.Mutex
}

func (w *walker) counts() Counts {
	c := w.sum
	c.Objects, c.Bytes, c.Fresh = int(w.done.Load()), w.bytes.Load(), w.fresh.Load()
	return c
}

// step counts an object.
func (w *walker) step() {
	if n := w.done.Add(1); n%4096 == 0 && w.o.Progress != nil {
		w.progress.Lock()
		defer w.progress.Unlock()
		w.o.Progress(int(w.done.Load()), w.all)
	}
}

// lose tells of an object that can't be read.
func (w *walker) lose(id ID, err error) {
	w.lost.Add(1)
	w.problem(w.Name(id), err)
}

func (w *walker) problem(subject string, err error) {
	if w.o.Problem != nil {
		w.o.Problem(Gap{Subject: subject, What: err.Error()})
	}
}

// loose visits the objects that have a file of their own.
func (w *walker) loose(ctx context.Context, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			w.problem(path, err)
			return nil
		}
		if d.IsDir() {
			if name := d.Name(); path != dir && (len(name) != 2 || !isHex(name)) {
				return fs.SkipDir
			}
			return ctx.Err()
		}
		fan := filepath.Base(filepath.Dir(path))
		id, err := w.ParseID(fan + d.Name())
		if err != nil || len(fan) != 2 {
			return nil //nolint:nilerr // a file that is no object: git leaves some
		}
		w.sum.Loose++
		kind, data, err := readLoose(path)
		if err != nil {
			w.lose(id, err)
			return nil
		}
		return w.show(0, &Object{ID: id, Type: kind, Data: data, All: true})
	})
}

func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil
}

// show visits one object.
func (w *walker) show(worker int, o *Object) error {
	w.step()
	w.bytes.Add(int64(len(o.Data)))
	if w.o.Skip != nil && w.o.Skip(o.Type) || w.o.Known != nil && w.o.Known(o.ID) {
		return nil
	}
	if o.All {
		w.fresh.Add(int64(len(o.Data)))
	} else {
		n := 0
		for _, f := range o.Fresh {
			n += f.End - f.Start
		}
		w.fresh.Add(int64(n))
	}
	return w.visit(worker, o)
}

// piecesEach is into how many pieces a pack is cut for each worker: who is done early takes another one.
const piecesEach = 8

// pack visits the objects of a pack, in contiguous pieces: chains of deltas are local.
func (w *walker) pack(ctx context.Context, p *pack) error {
	before := w.done.Load() + w.lost.Load()
	t := w.chains(p)
	busy, pieces := w.o.Workers, piecesEach*w.o.Workers
	if p.count < 1000 {
		busy, pieces = 1, 1
	}
	errs := make([]error, busy)
	var taken atomic.Int64
	var workers sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for at := range busy {
		workers.Go(func() {
			c := &climber{walker: w, pack: p, tree: t, worker: at}
			for n := int(taken.Add(1)) - 1; n < pieces; n = int(taken.Add(1)) - 1 {
				if errs[at] = c.roots(ctx, piece(p, n, pieces), piece(p, n+1, pieces)); errs[at] != nil {
					cancel()
					return
				}
			}
		})
	}
	workers.Wait()
	var called error
	for _, err := range errs {
		if err != nil && err != context.Canceled { //nolint:errorlint // the very one that cancel makes
			return err
		}
		if err != nil {
			called = err
		}
	}
	// Deltas that rest on each other in a ring have no base to begin at.
	if n := int64(p.count) - (w.done.Load() + w.lost.Load() - before); called == nil && w.o.Skip == nil && n != 0 {
		w.problem(p.name, fmt.Errorf("%w: %d of its objects rest on no base", ErrCorrupt, n))
	}
	return called
}

// piece is where the nth of several pieces of a pack begins, by bytes.
func piece(p *pack, n, pieces int) int {
	if n == 0 || p.count == 0 {
		return 0
	}
	if n == pieces {
		return p.count
	}
	at := p.offs[0] + (uint64(len(p.data))-p.offs[0])/uint64(pieces)*uint64(n)
	lo, hi := 0, p.count
	for lo < hi {
		if mid := (lo + hi) / 2; p.offs[mid] < at {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// chains is which objects of a pack are deltas against which, by offset order; -1 ends a list.
type chains struct {
	child, sibling []int32 // the first delta against an object; the next one against the same
	kind           []byte  // entry.kind; 0 for one that can't be read
}

// chains reads the heads of all objects. What is wrong with one is told here, once.
func (w *walker) chains(p *pack) chains {
	t := chains{child: make([]int32, p.count), sibling: make([]int32, p.count), kind: make([]byte, p.count)}
	for n := range p.count {
		t.child[n], t.sibling[n] = -1, -1
	}
	for n := p.count - 1; n >= 0; n-- {
		e, err := p.entry(n)
		if err != nil {
			w.lose(p.oid(p.order[n]), err)
			continue
		}
		t.kind[n] = byte(e.kind)
		var base int
		switch e.kind {
		case ofsDelta:
			if base = p.at(e.base); base < 0 {
				w.lose(p.oid(p.order[n]), fmt.Errorf("%w: its base is no object", ErrCorrupt))
				t.kind[n] = 0
				continue
			}
		case refDelta:
			base = p.find(e.ref)
		default:
			continue
		}
		if base >= 0 {
			t.sibling[n], t.child[base] = t.child[base], int32(n)
		}
	}
	return t
}
