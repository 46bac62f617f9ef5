// Package starter holds the files of a new registry: policy, CODEOWNERS, the issue form, an example of each record, their
// schemas, and a README for the people who use it. What `keyreeve init` writes is a registry that `keyreeve check` finds
// nothing wrong with.
//
//	files, err := starter.Files(starter.Options{Org: "acme", Owners: "@acme/security", Today: time.Now()})
//	// files["keyreeve.yaml"], files[".github/CODEOWNERS"], …
package starter

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"text/template"
	"time"

	"github.com/keyreeve/keyreeve/docs/schema"
	"github.com/keyreeve/keyreeve/internal/identity"
)

// validity is how long the example identity may be used.
const validity = 180 // days

//go:embed all:files
var files embed.FS

// Options fill the files.
type Options struct {
	// Org is the login of the organization (or user) that owns the registry.
	Org string
	// Owners is who approves everything at first: "@acme/security", or "@login".
	Owners string
	// Environments are the environments that records may name; production and staging where there are none. The first
	// is the example identity's.
	Environments []string
	// Today is the day from which the example identity's expiry is counted.
	Today time.Time
}

var (
	orgPattern         = regexp.MustCompile(`^[A-Za-z0-9-]{1,39}$`)
	ownersPattern      = regexp.MustCompile(`^@[A-Za-z0-9][A-Za-z0-9_-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._-]{0,99})?$`)
	environmentPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9 ._/-]{0,98}[A-Za-z0-9])?$`)
	plainWord          = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)
)

// validate returns everything that is wrong with the options.
func (o Options) validate() error {
	var all []error
	say := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }
	if !orgPattern.MatchString(o.Org) {
		say("%q is not an organization: write its login", o.Org)
	}
	if !ownersPattern.MatchString(o.Owners) {
		say("%q is not an owner: write it as @org/team or @login", o.Owners)
	}
	if o.Today.IsZero() {
		say("today is not given")
	}
	seen := map[string]bool{}
	for _, e := range o.Environments {
		switch folded := strings.ToLower(e); {
		case !environmentPattern.MatchString(e):
			say("%q is not an environment: use letters, digits, spaces and . _ / - inside", e)
		case folded == "none":
			say("%q can't be an environment: in an issue form it means that nothing was chosen", e)
		case seen[folded]:
			say("the environment %q is given twice", e)
		default:
			seen[folded] = true
		}
	}
	return errors.Join(all...)
}

// Files returns the files of a new registry by their slash-separated paths. The error names everything that is wrong with
// the options. It may be called concurrently.
func Files(o Options) (map[string][]byte, error) {
	if len(o.Environments) == 0 {
		o.Environments = []string{"production", "staging"}
	}
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("registry starter: %w", err)
	}
	out := map[string][]byte{}
	err := fs.WalkDir(files, "files", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fill(path, o)
		out[strings.TrimPrefix(path, "files/")] = data
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry starter: %w", err)
	}
	for _, name := range schema.Names() {
		data, err := schema.Files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("registry starter: %w", err)
		}
		out[identity.SchemaDir+"/"+name] = data
	}
	return out, nil
}

// fill executes one file as a template. Its delimiters are [[ and ]], since GitHub's own files are full of braces.
func fill(path string, o Options) ([]byte, error) {
	data, err := files.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := template.New(path).Delims("[[", "]]").Option("missingkey=error").Funcs(template.FuncMap{"word": word}).Parse(string(data))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, struct {
		Options
		Day, Expires identity.Date
	}{o, identity.DateOf(o.Today), identity.DateOf(o.Today.AddDate(0, 0, validity))})
	return b.Bytes(), err
}

// word writes a text for YAML: in quotes where a reader could take it for a number, a date, a truth value or nothing.
func word(s string) string {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
	default:
		if plainWord.MatchString(s) {
			return s
		}
	}
	return `"` + s + `"`
}
