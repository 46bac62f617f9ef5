package bot

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/keyreeve/keyreeve/internal/audit"
	"github.com/keyreeve/keyreeve/internal/ledger"
	"github.com/keyreeve/keyreeve/internal/store"
	"github.com/keyreeve/keyreeve/internal/workflow"
)

// openLog reads the log's keys, which are made at the first start, and signs the head as it is. Without a key file (on
// PostgreSQL, unless one is named) the log is kept as ever, and neither signed nor served.
func openLog(ctx context.Context, c Config, db *store.Store) (*ledger.Log, error) {
	path := c.LogKeyFile
	if path == "" {
		path = ledger.KeyFile(c.DatabaseURL)
	}
	if path == "" {
		c.Log.WarnContext(ctx, "the log is not signed: KEYREEVE_LOG_KEY_FILE names no file for its keys")
		return nil, nil
	}
	keys, made, err := ledger.EnsureKeys(path, originOf(c), rand.Reader)
	if err != nil {
		return nil, err
	}
	if made {
		c.Log.InfoContext(ctx, "a key for the log was made: give its verifier key to whoever is to verify the log", "file", path, "key", keys.Public[0])
	}
	l, err := ledger.Open(db, keys, path)
	if err == nil {
		signLog(ctx, l, c.Log)
	}
	return l, err
}

// signLog signs the log's head and keeps it on the disk. A head that can't be signed is told, and stops nothing: the walk
// of an access that has to end matters more.
func signLog(ctx context.Context, l *ledger.Log, log *slog.Logger) {
	if l == nil {
		return
	}
	if _, _, err := l.Checkpoint(ctx); err != nil {
		log.ErrorContext(ctx, "the log's head was not signed", "error", err)
	}
}

// serveLog answers below /log/.
func serveLog(l *ledger.Log, token string, log *slog.Logger) gin.HandlerFunc {
	return gin.WrapH(http.StripPrefix("/log/", l.Handler(token, log)))
}

// sinkOf is where the log is streamed to; nil for nowhere.
func sinkOf(c Config) (ledger.Sink, error) {
	if c.SIEMURL == "" {
		return nil, nil
	}
	return ledger.NewSink(c.SIEMURL, c.SIEMToken, nil)
}

// streamEvery is how often the log is looked at for entries that the SIEM has not.
const streamEvery = 5 * time.Second

// streamLog streams the log in the background until the function that it returns is called, which waits for it to end.
// What was not streamed then is at the next start.
func streamLog(ctx context.Context, c Config, db *store.Store, sink ledger.Sink, every time.Duration) func() {
	if sink == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	ticker := time.NewTicker(every)
	done := make(chan struct{})
	s := &ledger.Stream{Name: "siem", Store: db, Sink: sink, Source: audit.Source{Origin: originOf(c)}, Log: c.Log}
	go func() {
		defer close(done)
		s.Run(ctx, ticker.C)
	}()
	return func() {
		ticker.Stop()
		cancel()
		<-done
	}
}

// originOf is the log's name.
func originOf(c Config) string {
	if c.LogOrigin != "" {
		return c.LogOrigin
	}
	return fmt.Sprintf("keyreeve.invalid/app/%d", c.AppID)
}

// signedHead is the log's head as the walk publishes it.
type signedHead struct{ log *ledger.Log }

// headOf is nil for a log that is not signed.
func headOf(l *ledger.Log) workflow.Log {
	if l == nil {
		return nil
	}
	return signedHead{l}
}

// Head implements workflow.Log.
func (h signedHead) Head(ctx context.Context) (workflow.Head, error) {
	signed, c, err := h.log.Checkpoint(ctx)
	return workflow.Head{Size: c.Size, Signed: signed, Key: h.log.Key()}, err
}
