package hub

import (
	"maps"
	"sync"
	"time"
)

// Event tells one state change, for people who watch: the demo prints them.
//
// Kinds: issue.opened, issue.edited, issue.closed, issue.reopened, issue.labeled, comment.created, comment.edited,
// comment.deleted, comment.minimized, reaction.created, reaction.deleted, pull.opened, pull.edited, pull.closed,
// pull.reopened, pull.merged, pull.queued, pull.dequeued, pull.updated (a new head), review.submitted,
// review.dismissed, review.requested, check.updated (also when it is created), push, ref.created, ref.deleted,
// collaborator.added, collaborator.removed, invitation.created, invitation.accepted, invitation.removed,
// team.member.added, team.member.removed, team.repo.added, team.repo.removed, member.added, member.removed,
// key.created, key.deleted, secret.changed, secret.deleted, variable.changed, variable.deleted, environment.changed,
// environment.deleted, app.installed, app.uninstalled, app.suspended, app.unsuspended, user.renamed, repo.created,
// repo.renamed, repo.archived.
type Event struct {
	At     time.Time         `json:"at"`
	Actor  string            `json:"actor"` // login; "" for the builder of the world
	Kind   string            `json:"kind"`
	Repo   string            `json:"repo,omitempty"`   // full name
	Number int               `json:"number,omitempty"` // of the issue or pull request
	Text   string            `json:"text,omitempty"`   // the body, title or message, whole
	Detail map[string]string `json:"detail,omitempty"`
	URL    string            `json:"url,omitempty"` // of the page that shows it
}

// Watch returns a channel that tells each state change from now on, once and in order, however slowly it is read; and a
// function that ends the watch and closes the channel. Close ends all watches after they were told everything.
func (h *Hub) Watch() (<-chan Event, func()) {
	w := &watcher{out: make(chan Event), quit: make(chan struct{})}
	w.cond = sync.NewCond(&w.mu)
	h.mu.Lock()
	h.watchers[w] = true
	h.mu.Unlock()
	go w.pump()
	return w.out, func() {
		h.mu.Lock()
		delete(h.watchers, w)
		h.mu.Unlock()
		w.stop()
	}
}

// watcher is an unbounded queue between the state and one reader: the state never waits for a reader.
type watcher struct {
	mu    sync.Mutex
	cond  *sync.Cond
	queue []Event
	ended bool // no more will come
	out   chan Event
	quit  chan struct{}
	once  sync.Once
}

func (w *watcher) push(e Event) {
	w.mu.Lock()
	w.queue = append(w.queue, e)
	w.mu.Unlock()
	w.cond.Signal()
}

// end lets the reader take what is queued, then closes the channel.
func (w *watcher) end() {
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.cond.Signal()
}

// stop closes the channel at once.
func (w *watcher) stop() {
	w.once.Do(func() { close(w.quit) })
	w.end()
}

func (w *watcher) pump() {
	defer close(w.out)
	for {
		w.mu.Lock()
		for len(w.queue) == 0 && !w.ended {
			w.cond.Wait()
		}
		if len(w.queue) == 0 {
			w.mu.Unlock()
			return
		}
		e := w.queue[0]
		w.queue = w.queue[1:]
		w.mu.Unlock()
		select {
		case w.out <- e:
		case <-w.quit:
			return
		}
	}
}

// happen tells the watchers. The caller holds h.mu, which makes the order that of the changes.
func (h *Hub) happen(e Event) {
	e.At = h.now()
	for w := range h.watchers {
		told := e
		told.Detail = maps.Clone(e.Detail)
		w.push(told)
	}
}
