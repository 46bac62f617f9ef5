package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"

	"github.com/keyreeve/keyreeve/internal/ledger"
)

// prefix starts the name of every environment variable that keyreeve reads.
const prefix = "KEYREEVE_"

// Config is the whole configuration of `keyreeve serve`. Each field is an
// environment variable; one that is unknown, missing or wrong stops the start.
type Config struct {
	// AppID is the GitHub App's id, from its settings page.
	AppID int64 `env:"APP_ID,required"`
	// PrivateKeyFile names the App's private key, a PEM file as GitHub gives it.
	PrivateKeyFile string `env:"PRIVATE_KEY_FILE,required,notEmpty"`
	// WebhookSecret is the secret that GitHub signs deliveries with, at least 16 characters.
	WebhookSecret string `env:"WEBHOOK_SECRET,required,notEmpty"`
	// WebhookSecretOld, while a secret is being rotated, still verifies too.
	WebhookSecretOld string `env:"WEBHOOK_SECRET_OLD"`
	// GitHubURL is the REST API's base, just as given: https://HOST/api/v3/ for Enterprise Server.
	GitHubURL string `env:"GITHUB_URL" envDefault:"https://api.github.com/"`
	// DatabaseURL is the path of a SQLite file, or postgres://USER@HOST/NAME.
	DatabaseURL string `env:"DATABASE_URL" envDefault:"keyreeve.db"`
	// Listen is the address to serve on.
	Listen string `env:"LISTEN" envDefault:"127.0.0.1:8080"`
	// Registry is the registry repository: a name that each organization has one of, or owner/name for one organization alone.
	Registry string `env:"REGISTRY" envDefault:"identities"`
	// LogKeyFile holds the keys that sign the audit log's head; it is made where there is none. Default: beside a SQLite file.
	LogKeyFile string `env:"LOG_KEY_FILE"`
	// LogOrigin names the audit log for ever, as a URL without its scheme; default keyreeve.invalid/app/APP_ID.
	LogOrigin string `env:"LOG_ORIGIN"`
	// LogToken is what a reader of the log's entries at /log/ has to send, at least 16 characters; without it nobody may read them.
	LogToken string `env:"LOG_TOKEN"`
	// SIEMURL is where the audit log is streamed to: https://host/path, or syslog+tls://host:6514.
	SIEMURL string `env:"SIEM_URL"`
	// SIEMToken goes along to an https SIEM as a bearer token.
	SIEMToken string `env:"SIEM_TOKEN"`
	// LogLevel is debug, info, warn or error.
	LogLevel slog.Level `env:"LOG_LEVEL" envDefault:"info"`

	privateKey []byte
}

// parseConfig reads the configuration from an environment, and names all that is wrong with it at once.
func parseConfig(environ []string) (Config, error) {
	values := map[string]string{}
	for _, kv := range environ {
		if k, v, ok := strings.Cut(kv, "="); ok && strings.HasPrefix(k, prefix) {
			values[k] = v
		}
	}
	var c Config
	var wrong []string
	if err := env.ParseWithOptions(&c, env.Options{Prefix: prefix, Environment: values}); err != nil {
		wrong = append(wrong, parseErrors(err)...)
	}
	wrong = append(wrong, unknownNames(values)...)
	wrong = append(wrong, c.check()...)
	if len(wrong) == 0 {
		return c, nil
	}
	slices.Sort(wrong)
	return Config{}, &exitError{exitUsage, fmt.Errorf("the configuration has %d error(s), and nothing was started:\n  %s\n  `keyreeve serve --help` lists every variable",
		len(wrong), strings.Join(slices.Compact(wrong), "\n  "))}
}

// parseErrors turns the parser's errors into lines that name the variable and never its value.
func parseErrors(err error) []string {
	all, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return []string{err.Error()}
	}
	var out []string
	for _, e := range all.Errors {
		if p, ok := errors.AsType[env.ParseError](e); ok {
			name, f := variable(p.Name)
			out = append(out, fmt.Sprintf("%s is not %s", name, kinds[f.Type.String()]))
			continue
		}
		if v, ok := errors.AsType[env.VarIsNotSetError](e); ok {
			out = append(out, v.Key+" is not set")
			continue
		}
		if v, ok := errors.AsType[env.EmptyVarError](e); ok {
			out = append(out, v.Key+" is empty")
			continue
		}
		out = append(out, e.Error())
	}
	return out
}

var kinds = map[string]string{"int64": "a whole number", "slog.Level": "one of debug, info, warn, error"}

// variable finds the variable behind a field's name.
func variable(field string) (string, reflect.StructField) {
	f, _ := reflect.TypeFor[Config]().FieldByName(field)
	name, _, _ := strings.Cut(f.Tag.Get("env"), ",")
	return prefix + name, f
}

// variables lists the names of all variables.
func variables() []string {
	var out []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if f.IsExported() {
			name, _ := variable(f.Name)
			out = append(out, name)
		}
	}
	return out
}

// unknownNames names variables that nothing reads. That of the peppers is the scanner's, and may be set for that one.
func unknownNames(values map[string]string) []string {
	var out []string
	for k := range values {
		if !slices.Contains(variables(), k) && k != pepperFileVariable {
			out = append(out, k+" is not a variable of keyreeve's")
		}
	}
	return out
}

// check looks at what the values mean; it says nothing of what is missing. No message holds a secret.
func (c *Config) check() []string {
	var wrong []string
	if c.AppID < 0 {
		wrong = append(wrong, prefix+"APP_ID is not an App's id: it is on the App's settings page")
	}
	for name, secret := range map[string]string{"WEBHOOK_SECRET": c.WebhookSecret, "WEBHOOK_SECRET_OLD": c.WebhookSecretOld, "LOG_TOKEN": c.LogToken} {
		if secret != "" && len(secret) < 16 {
			wrong = append(wrong, prefix+name+" has fewer than 16 characters: make one with `openssl rand -hex 32`")
		}
	}
	if c.GitHubURL != "" && !restBase(c.GitHubURL) {
		wrong = append(wrong, prefix+"GITHUB_URL is not a REST base such as https://api.github.com/ or https://HOST/api/v3/")
	}
	if c.SIEMURL != "" {
		if _, err := ledger.NewSink(c.SIEMURL, "", nil); err != nil {
			wrong = append(wrong, prefix+"SIEM_URL: "+err.Error())
		}
	}
	if _, _, err := net.SplitHostPort(c.Listen); c.Listen != "" && err != nil {
		wrong = append(wrong, prefix+"LISTEN is not an address such as 127.0.0.1:8080 or :8080")
	}
	return append(wrong, c.readKey()...)
}

// readKey reads the private key; what is wrong with it is said without its content.
func (c *Config) readKey() []string {
	if c.PrivateKeyFile == "" {
		return nil
	}
	var err error
	if c.privateKey, err = os.ReadFile(c.PrivateKeyFile); err != nil {
		return []string{prefix + "PRIVATE_KEY_FILE can't be read: " + cause(err)}
	}
	if !strings.Contains(string(c.privateKey), "PRIVATE KEY") {
		return []string{prefix + "PRIVATE_KEY_FILE holds no PEM private key: use the file that GitHub gave you"}
	}
	return nil
}

// restBase accepts an address without a user in it, over https or on this machine.
func restBase(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && u.User == nil && (u.Scheme == "https" || loopback(u))
}

// loopback allows plain http to this machine alone: a token is not to cross a network in the clear.
func loopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// cause is an error without the operation and path that its wrapper repeats.
func cause(err error) string {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Path + ": " + p.Err.Error()
	}
	return err.Error()
}
