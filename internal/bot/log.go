package bot

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/keyreeve/keyreeve/internal/ledger"
	"github.com/keyreeve/keyreeve/internal/store"
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
	origin := c.LogOrigin
	if origin == "" {
		origin = fmt.Sprintf("keyreeve.invalid/app/%d", c.AppID)
	}
	keys, made, err := ledger.EnsureKeys(path, origin, rand.Reader)
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
