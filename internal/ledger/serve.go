package ledger

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyreeve/keyreeve/internal/audit"
)

// Handler serves the log, read-only, in the layout of https://c2sp.org/tlog-tiles: "checkpoint", "tile/<L>/<N>[.p/<W>]" and
// "tile/entries/<N>[.p/<W>]", below the path that is stripped before it. Paths that the log has not are 404.
//
// The checkpoint and the hashes tell nothing of what is logged, and are for everybody. The entries name people and what
// they may do: they are served only to who sends "Authorization: Bearer" with token, and to nobody while token is "".
func (l *Log) Handler(token string, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "the log is read-only", http.StatusMethodNotAllowed)
			return
		}
		path := strings.TrimPrefix(r.URL.Path, "/")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if path == "checkpoint" {
			l.serveCheckpoint(w, r, log)
			return
		}
		t, err := audit.ParseTilePath(path)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		if t.L < 0 && !bearer(r, token) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="the log's entries"`)
			http.Error(w, "the log's entries are served to who has its token", http.StatusUnauthorized)
			return
		}
		raw, err := Tile(r.Context(), l.store, t)
		if errors.Is(err, ErrNoEntry) {
			http.NotFound(w, r)
			return
		}
		if err != nil {
			log.ErrorContext(r.Context(), "a tile could not be served", "tile", path, "error", err)
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		// A tile never changes, not even a partial one: a wider one has another name.
		w.Header().Set("Cache-Control", cacheOf(t))
		if t.L < 0 {
			w.Header().Set("Vary", "Accept-Encoding")
			raw = squeezed(w, r, raw)
		}
		_, _ = w.Write(raw) //nolint:gosec // it is sent as bytes and nosniff; whoever went away needs no answer
	})
}

// cacheOf lets shared caches keep hashes, and none keep entries.
func cacheOf(t tlog.Tile) string {
	if t.L < 0 {
		return "private, max-age=31536000, immutable"
	}
	return "public, max-age=31536000, immutable"
}

func (l *Log) serveCheckpoint(w http.ResponseWriter, r *http.Request, log *slog.Logger) {
	signed, _, err := l.Checkpoint(r.Context())
	if err != nil {
		// Nothing is shown instead: an older head would hide that something is wrong.
		log.ErrorContext(r.Context(), "no checkpoint was signed", "error", err)
		http.Error(w, "no checkpoint can be signed now", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(signed) // whoever went away needs no answer
}

// bearer compares in a time that tells nothing of the token, its length included.
func bearer(r *http.Request, token string) bool {
	scheme, given, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && ok && strings.EqualFold(scheme, "Bearer") && token != ""
}

// squeezed compresses what is worth it, for who takes it.
func squeezed(w http.ResponseWriter, r *http.Request, raw []byte) []byte {
	if len(raw) < 1024 || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return raw
	}
	var b strings.Builder
	z := gzip.NewWriter(&b)
	if _, err := z.Write(raw); err != nil || z.Close() != nil {
		return raw
	}
	w.Header().Set("Content-Encoding", "gzip")
	return []byte(b.String())
}

// Tile reads a tile of the log: hashes, or, for level -1, a bundle of entries. One that the log has not, or whose entries
// were archived, is ErrNoEntry.
func Tile(ctx context.Context, s Store, t tlog.Tile) ([]byte, error) {
	size, _, err := s.Root(ctx)
	if err != nil {
		return nil, err
	}
	if !audit.InTree(t, size) {
		return nil, fmt.Errorf("%w: the log of %d entries has no tile %s", ErrNoEntry, size, audit.TilePath(t))
	}
	if t.L >= 0 {
		return tlog.ReadTileData(t, Reader(ctx, s))
	}
	var bundle []byte
	n := t.N * audit.TileWidth
	for row, err := range s.Rows(ctx, n, n+int64(t.W)) {
		if err != nil {
			return nil, err
		}
		if row.Seq != n {
			break
		}
		if bundle, err = audit.AppendBundle(bundle, row.Canonical); err != nil {
			return nil, err
		}
		n++
	}
	if n != t.N*audit.TileWidth+int64(t.W) {
		return nil, fmt.Errorf("%w: entry %d is in an archive", ErrNoEntry, n)
	}
	return bundle, nil
}
