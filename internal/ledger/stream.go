package ledger

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/keyreeve/keyreeve/internal/audit"
)

// Sink is somewhere that entries are streamed to.
type Sink interface {
	// Send hands over events, each one in OCSF, and returns once they were taken. Events may come again after a failure,
	// some or all of them: a receiver knows them by metadata.uid.
	Send(ctx context.Context, events []Event) error
}

// Event is one entry on its way to a sink.
type Event struct {
	Row  audit.Row
	Step audit.Step
	At   time.Time
	OCSF []byte // one JSON object
}

// Cursors keeps how far a sink is: *store.Store does.
type Cursors interface {
	LogCursor(ctx context.Context, name string) (int64, error)
	MoveLogCursor(ctx context.Context, name string, seq int64) error
	Rows(ctx context.Context, from, to int64) iter.Seq2[audit.Row, error]
}

// Stream sends a log's entries to a sink, in order, each at least once.
type Stream struct {
	Name   string // of the cursor: another name begins again with the first entry
	Store  Cursors
	Sink   Sink
	Source audit.Source
	Log    *slog.Logger
}

// streamBatch is how many entries are sent at a time.
const streamBatch = 200

// Once sends all entries that were not acknowledged yet, and returns how many. The cursor is moved after each batch that
// was taken: a crash between leaves entries that are sent again.
func (s *Stream) Once(ctx context.Context) (sent int, err error) {
	from, err := s.Store.LogCursor(ctx, s.Name)
	if err != nil {
		return 0, err
	}
	var batch []Event
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := s.Sink.Send(ctx, batch); err != nil {
			return fmt.Errorf("stream entries %d to %d: %w", batch[0].Row.Seq, batch[len(batch)-1].Row.Seq, err)
		}
		sent += len(batch)
		err := s.Store.MoveLogCursor(ctx, s.Name, batch[len(batch)-1].Row.Seq+1)
		batch = batch[:0]
		return err
	}
	for row, err := range s.Store.Rows(ctx, from, 1<<62) {
		if err != nil {
			return sent, err
		}
		e, err := event(row, s.Source)
		if err != nil {
			return sent, err
		}
		if batch = append(batch, e); len(batch) == streamBatch {
			if err := flush(); err != nil {
				return sent, err
			}
		}
	}
	return sent, flush()
}

func event(row audit.Row, source audit.Source) (Event, error) {
	e, err := row.Entry()
	if err != nil {
		return Event{}, err
	}
	raw, err := audit.OCSFEvent(row, source)
	return Event{Row: row, Step: e.Step, At: e.At, OCSF: raw}, err
}

// maxWait is the longest that a sink which fails is left alone.
const maxWait = 5 * time.Minute

// Run calls Once at each tick until ctx ends or ticks is closed, and leaves a sink that fails alone for a while: a second
// after the first failure, twice as long after each further one, up to five minutes. What fails is logged and is sent
// later; it stops nothing else.
func (s *Stream) Run(ctx context.Context, ticks <-chan time.Time) {
	var quiet time.Time
	wait := time.Second
	for {
		var now time.Time
		select {
		case <-ctx.Done():
			return
		case at, ok := <-ticks:
			if !ok {
				return
			}
			now = at
		}
		if now.Before(quiet) {
			continue
		}
		_, err := s.Once(ctx)
		if err == nil {
			wait = time.Second
			continue
		}
		if ctx.Err() != nil {
			return
		}
		s.Log.WarnContext(ctx, "the log was not streamed; it is tried again", "sink", s.Name, "in", wait, "error", err)
		quiet = now.Add(wait)
		wait = min(2*wait, maxWait)
	}
}
