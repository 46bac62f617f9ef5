package queue

import (
	"context"
	"log/slog"
)

// quietHandler lets only warnings and errors through: a library's account of its own doings is not the bot's.
type quietHandler struct{ slog.Handler }

func (h quietHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h quietHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quietHandler{h.Handler.WithAttrs(attrs)}
}

func (h quietHandler) WithGroup(name string) slog.Handler {
	return quietHandler{h.Handler.WithGroup(name)}
}

func quiet(log *slog.Logger) *slog.Logger { return slog.New(quietHandler{log.Handler()}) }
