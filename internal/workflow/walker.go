package workflow

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/identity"
)

// Config is what a Walker is made of. All fields but Head, NewID and Trace are needed.
type Config struct {
	Conversations Conversations
	Repositories  Repositories
	Codeowners    Codeowners
	Pulls         Pulls
	People        People
	Applier       Applier
	Providers     func(name string) (Provider, error)
	Store         Store
	Head          Log // nil where the log is not signed: then its head is not published
	// Registry names the registry of an organization; ok is false for an organization that this bot doesn't serve.
	Registry func(org string) (registry identity.Repo, ok bool)
	Now      func() time.Time
	Log      *slog.Logger
	// NewID makes an id for a walk, different each time; rand.Text by default.
	NewID func() string
	// Trace, where set, is told of each point that a walk passes. Tests kill the program there; the demo shows progress.
	Trace func(Point)
}

// Walker walks subjects. It keeps no state of its own and may be used
// concurrently, but one subject is to be walked by one caller at a time.
type Walker struct {
	Config
}

// New returns a Walker.
func New(c Config) *Walker {
	if c.Trace == nil {
		c.Trace = func(Point) {}
	}
	if c.NewID == nil {
		c.NewID = rand.Text
	}
	return &Walker{Config: c}
}

// maxRounds bounds how often one walk observes and applies: a request needs
// about six, from the empty registry to the merge.
const maxRounds = 12

// turn is what one look at a subject came to: what to store, what to do, and
// when to look again even if nothing calls.
type turn struct {
	commit Commit
	plan   []Effect
	open   []Intent // that an interrupted walk left; looked at in the first round only
	again  time.Time
	// failed says what to store when an effect of the plan fails, and when to
	// look again; nil, or a zero time, leaves it to the queue's own retries.
	failed func(e Effect, err error) (Commit, time.Time)
}

// Walk looks at a subject and drives it to where it should be. It returns
// when to look again at the latest (zero: only when called). A *LimitedError
// says that its installation has to wait; after any other error the walk is to be tried again.
func (w *Walker) Walk(ctx context.Context, s Subject) (again time.Time, err error) {
	switch s.Kind {
	case IssueSubject:
		again, err = w.converge(ctx, s, func(ctx context.Context) (turn, error) { return w.lookAtIssue(ctx, s) })
	case PullSubject:
		again, err = w.converge(ctx, s, func(ctx context.Context) (turn, error) { return w.lookAtPull(ctx, s) })
	case AccessSubject:
		again, err = w.converge(ctx, s, func(ctx context.Context) (turn, error) { return w.lookAtAccess(ctx, s) })
	case InstallationSubject:
		again, err = w.converge(ctx, s, func(ctx context.Context) (turn, error) { return w.lookAtInstallation(ctx, s) })
	case LedgerSubject:
		again, err = w.converge(ctx, s, func(ctx context.Context) (turn, error) { return w.lookAtLedger(ctx, s) })
	case MergeGroupSubject:
		again, err = w.converge(ctx, s, func(ctx context.Context) (turn, error) { return w.lookAtMergeGroup(ctx, s) })
	default:
		return time.Time{}, fmt.Errorf("walk %s: unknown kind of subject %q", s.Key(), s.Kind)
	}
	if err != nil {
		return again, fmt.Errorf("walk %s: %w", s, err)
	}
	return again, nil
}

// converge goes round until a look finds nothing left to do. Reading back and
// observing are one: the round after the last effect is the read-back. An
// effect that this very walk applied and that is planned again was not seen to arrive: GitHub may be stale for some
// seconds, and doing it again at once would double it. That is a failed attempt, and looked at later.
func (w *Walker) converge(ctx context.Context, s Subject, look func(context.Context) (turn, error)) (time.Time, error) {
	id := w.NewID()
	var done []Intent
	applied := map[string]bool{}
	for round := range maxRounds {
		t, err := look(ctx)
		if err != nil {
			return time.Time{}, err
		}
		w.Trace(Point{Subject: s, Step: Decided})
		if round == 0 {
			done = append(done, w.resolve(s, &t)...)
		}
		if len(t.plan) == 0 {
			return t.again, w.seal(ctx, s, t.commit, done)
		}
		intents, err := w.intend(ctx, s, fmt.Sprintf("%s.%d", id, round), t)
		if err != nil {
			return time.Time{}, err
		}
		if again, err := w.carryOut(ctx, s, t, intents, applied); err != nil || !again.IsZero() {
			return again, err
		}
		done = append(done, intents...)
	}
	return time.Time{}, fmt.Errorf("not settled after %d rounds", maxRounds)
}

// carryOut applies a turn's effects in order, up to the first that fails; the
// rest is written down as not tried. again is when to look again after a failure that the turn knows how to take.
func (w *Walker) carryOut(ctx context.Context, s Subject, t turn, intents []Intent, applied map[string]bool) (again time.Time, err error) {
	for i, e := range t.plan {
		key := sameEffect(e, intents[i].Effect)
		if applied[key] {
			err = fmt.Errorf("%s: %w", e.What(), errNotSeen)
		} else {
			err = w.apply(ctx, s, e, &intents[i])
			applied[key] = true
		}
		if err == nil {
			continue
		}
		if rest := w.abandon(ctx, s, intents[i:], err); rest != nil {
			return time.Time{}, errors.Join(err, rest)
		}
		return w.applyFailed(ctx, t, e, err)
	}
	return time.Time{}, nil
}

// sameEffect names what an effect does at most once in a walk. A comment or pull request that is not seen to have
// arrived would be made twice, also where it would now say something else.
func sameEffect(e Effect, encoded []byte) string {
	switch e.(type) {
	case CreateComment, OpenPull, OpenIssue:
		return e.What()
	}
	return string(encoded)
}

// errNotSeen says that an effect was applied and the read-back does not show it.
var errNotSeen = errors.New("it was applied, and is not seen to have arrived")

// abandon writes down the intents that were not tried.
func (w *Walker) abandon(ctx context.Context, s Subject, intents []Intent, cause error) error {
	var c Commit
	for _, in := range intents {
		if in.State == Intended {
			in.State, in.DoneAt, in.Error = Failed, w.Now(), "not tried: "+cause.Error()
			c.Intents = append(c.Intents, in)
			c.Entries = append(c.Entries, w.entry(s, audit.Failed, in.What, in.ID, detail("error", in.Error)))
		}
	}
	if c.empty() {
		return nil
	}
	return w.Store.Commit(context.WithoutCancel(ctx), c)
}

// resolve closes the intents that an interrupted walk left open: one whose
// effect is planned again did not get there, the others did. It returns those that did.
func (w *Walker) resolve(s Subject, t *turn) (reached []Intent) {
	again := map[string]bool{}
	for _, e := range t.plan {
		again[e.What()] = true
	}
	for _, in := range t.open {
		in.DoneAt, in.State = w.Now(), Applied
		step, data := audit.Applied, detail("found", "as it should be, after an interruption")
		if again[in.What] {
			in.State, in.Error, step = Failed, "interrupted before it was seen to arrive; done again", audit.Failed
			data = detail("error", in.Error)
		} else {
			reached = append(reached, in)
		}
		t.commit.Intents = append(t.commit.Intents, in)
		t.commit.Entries = append(t.commit.Entries, w.entry(s, step, in.What, in.ID, data))
	}
	return reached
}

// seal stores what the last look found. Effects that were applied in this
// walk are now read back, so they are written down as verified, in the same transaction.
func (w *Walker) seal(ctx context.Context, s Subject, c Commit, done []Intent) error {
	for _, in := range done {
		c.Entries = append(c.Entries, w.entry(s, audit.Verified, in.What, in.ID, nil))
	}
	if !c.empty() {
		if err := w.Store.Commit(ctx, c); err != nil {
			return fmt.Errorf("seal: %w", err)
		}
	}
	w.Trace(Point{Subject: s, Step: Sealed})
	return nil
}

// intend commits the decision, the plan and the audit entries. After a crash
// behind it the next walk finds the intents open and reads from the world
// whether they reached it.
func (w *Walker) intend(ctx context.Context, s Subject, round string, t turn) ([]Intent, error) {
	now := w.Now()
	intents := make([]Intent, len(t.plan))
	c := t.commit
	for i, e := range t.plan {
		raw, err := EncodeEffect(e)
		if err != nil {
			return nil, err
		}
		intents[i] = Intent{
			ID:      fmt.Sprintf("%s %s.%d", s.Key(), round, i),
			Subject: s, What: e.What(), Effect: raw, State: Intended, At: now,
		}
		c.Entries = append(c.Entries, w.entry(s, audit.Intended, e.What(), intents[i].ID, nil))
	}
	c.Intents = append(c.Intents, intents...)
	if err := w.Store.Commit(ctx, c); err != nil {
		return nil, fmt.Errorf("commit intent: %w", err)
	}
	w.Trace(Point{Subject: s, Step: Committed, What: t.plan[0].What()})
	return intents, nil
}

// apply applies one effect and records what came of it.
func (w *Walker) apply(ctx context.Context, s Subject, e Effect, in *Intent) error {
	failure := w.reach(ctx, e)
	w.Trace(Point{Subject: s, Step: Reached, What: in.What})
	in.DoneAt, in.State = w.Now(), Applied
	step, data := audit.Applied, json.RawMessage(nil)
	if failure != nil {
		in.State, in.Error, step = Failed, failure.Error(), audit.Failed
		data = detail("error", in.Error)
	}
	// What reached the world is recorded even while the program is being stopped.
	err := w.Store.Commit(context.WithoutCancel(ctx), Commit{
		Intents: []Intent{*in},
		Entries: []audit.Entry{w.entry(s, step, in.What, in.ID, data)},
	})
	if err != nil {
		return fmt.Errorf("record %s: %w", in.What, errors.Join(err, failure))
	}
	w.Trace(Point{Subject: s, Step: Recorded, What: in.What})
	return failure // it says what was being done
}

func (w *Walker) reach(ctx context.Context, e Effect) error {
	set, ok := e.(SetAccess)
	if !ok {
		return w.Applier.Apply(ctx, e)
	}
	p, err := w.Providers(set.Access.Provider)
	if err != nil {
		return err
	}
	if set.Revoke {
		return p.Revoke(ctx, set.Installation, set.Access, set.Level)
	}
	return p.Grant(ctx, set.Installation, set.Access, set.Level)
}

// applyFailed decides what a failed effect means. That the world moved is no
// failure: the next walk sees it as it is.
func (w *Walker) applyFailed(ctx context.Context, t turn, e Effect, err error) (time.Time, error) {
	var limited *LimitedError
	if t.failed == nil || errors.As(err, &limited) || ctx.Err() != nil {
		return time.Time{}, err
	}
	c, again := t.failed(e, err)
	if again.IsZero() {
		return time.Time{}, err
	}
	if cerr := w.Store.Commit(ctx, c); cerr != nil {
		return time.Time{}, errors.Join(err, cerr)
	}
	w.Log.WarnContext(ctx, "effect failed", "error", err, "again", again)
	return again, nil
}

func (w *Walker) entry(s Subject, step audit.Step, what, ref string, data json.RawMessage) audit.Entry {
	return audit.Entry{At: w.Now().UTC(), Step: step, Installation: s.Installation, Subject: s.Key(), What: what, Ref: ref, Data: data}
}

// data is an entry's data, of a type that package audit lists.
func data[T audit.DecidedData | audit.ConfiguredData](v T) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("data %T: %v", v, err)) // strings and numbers: can't happen
	}
	return b
}

// detail is one line of an entry's data.
func detail(key, value string) json.RawMessage {
	b, err := json.Marshal(map[string]string{key: value})
	if err != nil {
		panic(fmt.Sprintf("detail %s: %v", key, err)) // two strings: can't happen
	}
	return b
}

// empty reports whether a commit would change nothing.
func (c Commit) empty() bool {
	return c.Request == nil && c.Decision == nil && c.Prior == nil &&
		len(c.Votes)+len(c.Leases)+len(c.Orders)+len(c.Intents)+len(c.Entries)+len(c.Wake)+len(c.WakeKeys) == 0
}
