package gitobj

import (
	"context"
	"fmt"
)

// keptBytes is how much of the bases on the way to an object all workers together keep in memory. What does not fit is made
// again.
const keptBytes = 192 << 20

// climber visits chains of deltas, each from its base.
type climber struct {
	*walker
	pack   *pack
	tree   chains
	worker int

	inflate inflater
	delta   []byte // the delta that is being applied
	fresh   []Region
	spare   [][]byte // buffers of objects that are done
	path    []level
	kept    int
}

// level is one object on the way from a base to the object that is visited.
type level struct {
	n    int // by offset order
	kind Type
	data []byte // nil where it was dropped
	next int32  // the delta against it that is visited next, -1 after the last
}

// roots visits the objects from..to that are no deltas of an object of this pack, with all that rests on them.
func (c *climber) roots(ctx context.Context, from, to int) error {
	for n := from; n < to; n++ {
		if n%256 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		kind := Type(c.tree.kind[n])
		switch kind { //nolint:exhaustive // all others begin a chain
		case 0, ofsDelta:
			continue
		case refDelta:
			if e, err := c.pack.entry(n); err != nil || c.pack.find(e.ref) >= 0 {
				continue
			}
		}
		if kind != refDelta && c.o.Skip != nil && c.o.Skip(kind) {
			continue // a chain is of one type
		}
		if err := c.root(ctx, n, kind); err != nil {
			return err
		}
	}
	return nil
}

// root visits one base and everything that rests on it.
func (c *climber) root(ctx context.Context, n int, kind Type) error {
	id := c.pack.oid(c.pack.order[n])
	var data []byte
	var err error
	if kind == refDelta { // its base is in another pack or store: it is new as a whole
		kind, data, err = c.packed(c.pack, n, 0)
	} else {
		data, err = c.whole(n)
	}
	if err != nil {
		c.lose(id, err)
		c.loseDeltas(n)
		return nil
	}
	if err := c.show(c.worker, &Object{ID: id, Type: kind, Data: data, All: true}); err != nil {
		return err
	}
	c.push(n, kind, data)
	for len(c.path) > 0 {
		if err := c.climb(ctx); err != nil {
			return err
		}
	}
	return nil
}

// climb visits the next delta against the object at the end of the path, or goes back where there is none.
func (c *climber) climb(ctx context.Context) error {
	top := len(c.path) - 1
	n := c.path[top].next
	if n < 0 {
		c.pop()
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c.path[top].next = c.tree.sibling[n]
	base := c.path[top].data
	if base == nil {
		var err error
		if _, base, err = c.packed(c.pack, c.path[top].n, 0); err != nil {
			c.lose(c.pack.oid(c.pack.order[n]), fmt.Errorf("its base: %w", err))
			c.loseDeltas(int(n))
			return nil
		}
	}
	id := c.pack.oid(c.pack.order[n])
	data, err := c.apply(int(n), base)
	if err != nil {
		c.lose(id, err)
		c.loseDeltas(int(n))
		return nil
	}
	o := Object{ID: id, Type: c.path[top].kind, Data: data, Fresh: c.fresh, Base: c.pack.oid(c.pack.order[c.path[top].n])}
	if err := c.show(c.worker, &o); err != nil {
		return err
	}
	if c.tree.child[n] < 0 {
		c.free(data)
		return nil
	}
	c.push(int(n), o.Type, data)
	return nil
}

// apply makes the nth object from its base.
func (c *climber) apply(n int, base []byte) ([]byte, error) {
	e, err := c.pack.entry(n)
	if err != nil {
		return nil, err
	}
	if c.delta, err = c.inflate.into(c.delta, e.data, e.size); err != nil {
		return nil, err
	}
	var data []byte
	data, c.fresh, err = apply(c.buffer(), c.fresh, base, c.delta, max(1, c.o.Widen))
	return data, err
}

// whole inflates an object that is no delta.
func (c *climber) whole(n int) ([]byte, error) {
	e, err := c.pack.entry(n)
	if err != nil {
		return nil, err
	}
	return c.inflate.into(c.buffer(), e.data, e.size)
}

// push goes on to what rests on an object. Where the path takes too much memory, the data nearest to its base is let go:
// it is needed last, and can be made again.
func (c *climber) push(n int, kind Type, data []byte) {
	c.path = append(c.path, level{n: n, kind: kind, data: data, next: c.tree.child[n]})
	c.kept += len(data)
	for i := 0; c.kept > keptBytes/c.o.Workers && i < len(c.path)-1; i++ {
		if d := c.path[i].data; d != nil {
			c.kept -= len(d)
			c.path[i].data = nil
		}
	}
}

func (c *climber) pop() {
	top := len(c.path) - 1
	if d := c.path[top].data; d != nil {
		c.kept -= len(d)
		c.free(d)
	}
	c.path = c.path[:top]
}

// loseDeltas tells of everything that rests on an object that could not be read: it could not be read either.
func (c *climber) loseDeltas(n int) {
	for stack := []int32{c.tree.child[n]}; len(stack) > 0; {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for ; at >= 0; at = c.tree.sibling[at] {
			c.lose(c.pack.oid(c.pack.order[at]), fmt.Errorf("%w: what it is made from could not be read", ErrCorrupt))
			stack = append(stack, c.tree.child[at])
		}
	}
}

// maxSpare is the largest buffer that is kept to be used again.
const maxSpare = 4 << 20

func (c *climber) buffer() []byte {
	if n := len(c.spare); n > 0 {
		b := c.spare[n-1]
		c.spare = c.spare[:n-1]
		return b[:0]
	}
	return nil
}

func (c *climber) free(b []byte) {
	if cap(b) <= maxSpare && len(c.spare) < 32 {
		c.spare = append(c.spare, b)
	}
}
