package forge

import "sync"

// recent keeps values by key within a bound; what was not used for longest goes first. Its methods may be called
// concurrently.
type recent[K comparable, V any] struct {
	most  int         // the sum of sizes that is kept
	size  func(V) int // of one value, at least 1
	mu    sync.Mutex
	sum   int
	byKey map[K]*node[K, V]
	ends  node[K, V] // a ring: ends.next is the newest, ends.prev the oldest
}

type node[K comparable, V any] struct {
	key        K
	value      V
	prev, next *node[K, V]
}

func newRecent[K comparable, V any](most int, size func(V) int) *recent[K, V] {
	r := &recent[K, V]{most: most, size: size, byKey: map[K]*node[K, V]{}}
	r.ends.prev, r.ends.next = &r.ends, &r.ends
	return r
}

// get returns the value of a key, which is the newest then.
func (r *recent[K, V]) get(key K) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.byKey[key]
	if n == nil {
		var none V
		return none, false
	}
	r.unlink(n)
	r.link(n)
	return n.value, true
}

// put keeps a value in the place of an older one of that key.
func (r *recent[K, V]) put(key K, value V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set(key, value)
}

// getOr returns the value of a key, which fresh makes if there is none; it must not use r.
func (r *recent[K, V]) getOr(key K, fresh func() V) V {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := r.byKey[key]; n != nil {
		r.unlink(n)
		r.link(n)
		return n.value
	}
	value := fresh()
	r.set(key, value)
	return value
}

func (r *recent[K, V]) set(key K, value V) {
	if old := r.byKey[key]; old != nil {
		r.drop(old)
	}
	n := &node[K, V]{key: key, value: value}
	r.byKey[key] = n
	r.link(n)
	r.sum += r.size(value)
	for r.sum > r.most {
		r.drop(r.ends.prev)
	}
}

func (r *recent[K, V]) drop(n *node[K, V]) {
	r.unlink(n)
	delete(r.byKey, n.key)
	r.sum -= r.size(n.value)
}

func (r *recent[K, V]) link(n *node[K, V]) {
	n.prev, n.next = &r.ends, r.ends.next
	n.prev.next, n.next.prev = n, n
}

func (r *recent[K, V]) unlink(n *node[K, V]) {
	n.prev.next, n.next.prev = n.next, n.prev
}
