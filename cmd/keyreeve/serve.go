package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyreeve/keyreeve/internal/bot"
	"github.com/keyreeve/keyreeve/scanners"
)

// stopTime is how long work in hand may take to end after a signal; what has
// not ended then is handed back and taken up at the next start.
const stopTime = 25 * time.Second

func newServe(environ []string) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the bot for a real GitHub",
		Long: `serve runs the bot: it receives GitHub's webhooks at /webhook and acts as the GitHub App.
It is configured by environment variables alone:

  KEYREEVE_APP_ID              the GitHub App's id (required)
  KEYREEVE_PRIVATE_KEY_FILE    the App's private key, a PEM file (required)
  KEYREEVE_WEBHOOK_SECRET      the secret that GitHub signs deliveries with (required, at least 16 characters)
  KEYREEVE_WEBHOOK_SECRET_OLD  the one before it, which still verifies while it is being rotated
  KEYREEVE_GITHUB_URL          the REST base as given; default https://api.github.com/,
                               https://HOST/api/v3/ for Enterprise Server
  KEYREEVE_DATABASE_URL        a SQLite file's path, or postgres://USER@HOST/NAME; default keyreeve.db
  KEYREEVE_LISTEN              default 127.0.0.1:8080
  KEYREEVE_REGISTRY            the registry's name in each organization, or owner/name for one alone; default identities
  KEYREEVE_LOG_KEY_FILE        keys that sign the audit log's head, made where there are none; default beside a SQLite file
  KEYREEVE_LOG_ORIGIN          the audit log's name for ever, as host.example/path; default keyreeve.invalid/app/APP_ID
  KEYREEVE_LOG_TOKEN           who sends it as a bearer token may read the log's entries at /log/; without it nobody may
  KEYREEVE_SIEM_URL            where the audit log is streamed to in OCSF: https://host/path, or syslog+tls://host:6514
  KEYREEVE_SIEM_TOKEN          goes along to an https SIEM as a bearer token
  KEYREEVE_LOG_LEVEL           debug, info (default), warn or error

A variable that starts with KEYREEVE_ and is none of these, or a wrong value, stops the start.

It also serves /healthz (it runs), /readyz (a delivery could be accepted now), /metrics (Prometheus), and /log/:
the audit log's signed head and its tiles (c2sp.org/tlog-tiles), by which anybody can hold the bot to its log.
SIGTERM or Ctrl-C closes the door, lets work in hand end, and hands back what has not ended.`,
		Example: `  KEYREEVE_APP_ID=12345 KEYREEVE_PRIVATE_KEY_FILE=key.pem KEYREEVE_WEBHOOK_SECRET="$(cat secret)" keyreeve serve`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := parseConfig(environ)
			if err != nil {
				return err
			}
			return serve(c.Context(), cfg, c.ErrOrStderr())
		},
	}
}

func serve(ctx context.Context, cfg Config, stderr io.Writer) error {
	log := newLogger(stderr, cfg.LogLevel)
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return &exitError{exitUsage, hint(err, "set KEYREEVE_LISTEN to an address that is free on this machine")}
	}
	secrets := [][]byte{[]byte(cfg.WebhookSecret)}
	if cfg.WebhookSecretOld != "" {
		secrets = append(secrets, []byte(cfg.WebhookSecretOld))
	}
	b, err := bot.Start(ctx, bot.Config{
		AppID: cfg.AppID, PrivateKey: cfg.privateKey, WebhookSecrets: secrets, GitHubURL: cfg.GitHubURL,
		DatabaseURL: cfg.DatabaseURL, Registry: cfg.Registry, Log: log,
		LogKeyFile: cfg.LogKeyFile, LogOrigin: cfg.LogOrigin, LogToken: cfg.LogToken,
		SIEMURL: cfg.SIEMURL, SIEMToken: cfg.SIEMToken,
	}, l)
	if err != nil {
		_ = l.Close() // the start failed; nothing was served on it
		return fmt.Errorf("start: %w", err)
	}
	log.InfoContext(ctx, "serving", "address", b.URL(), "github", cfg.GitHubURL)
	return untilStopped(ctx, b, log)
}

// untilStopped waits for a signal or a failure, then stops the bot gracefully.
func untilStopped(ctx context.Context, b *bot.Bot, log *slog.Logger) error {
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-b.Failed():
	}
	log.Info("stopping: the door is closed, work in hand ends")
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := b.Stop(end); err != nil {
		log.Warn("stopped before all work had ended; the rest is taken up at the next start", "error", err)
	}
	return failed
}

// newLogger logs JSON lines with every credential that is recognizable by its shape taken out.
func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: redact}))
}

// redact takes credentials out of messages, strings and errors.
func redact(_ []string, a slog.Attr) slog.Attr {
	switch v := a.Value.Any().(type) {
	case string:
		a.Value = slog.StringValue(scanners.Redact(v))
	case error:
		a.Value = slog.StringValue(scanners.Redact(v.Error()))
	}
	return a
}
