// Package benchfile keeps docs/benchmarks.md: each benchmark writes its own section, between two markers, and leaves the
// rest of the page as it is. It is for test binaries alone:
//
//	var writeBenchmarks = flag.Bool("write-benchmarks", false, "write the numbers into docs/benchmarks.md")
//
//	body := "## CODEOWNERS\n\n" + table + "\n\n" + benchfile.Machine() + ", " + date + ": `" + command + "`"
//	err := benchfile.Write("../docs/benchmarks.md", "owners", body)
package benchfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// head begins a page that Write makes.
const head = `# Benchmarks

Measured, not promised: each section is written by the benchmark that it names, with the machine, the day and the command.
Run a section's command with ` + "`-write-benchmarks`" + ` after it to measure anew; the numbers of another machine will be others.
`

var sectionName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// Write puts body, which is Markdown, between the lines "<!-- section -->" and "<!-- /section -->" of the file at path,
// in the place of what stands there. A section that is new goes to the end, and a file that is missing is made.
// A name is of lower-case letters, digits and "-". A marker that is missing its other, or stands twice, is an error, and
// the file is left alone. The file is replaced in one step, but two processes must not write at once (go test -p 1).
func Write(path, section, body string) error {
	if !sectionName.MatchString(section) {
		return fmt.Errorf("write a section of %s: %q is not a name of lower-case letters, digits and -", path, section)
	}
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		old, err = []byte(head), nil
	}
	if err != nil {
		return fmt.Errorf("write section %s: %w", section, err)
	}
	page, err := replace(string(old), section, body)
	if err != nil {
		return fmt.Errorf("write section %s of %s: %w", section, path, err)
	}
	if err := overwrite(path, page); err != nil {
		return fmt.Errorf("write section %s: %w", section, err)
	}
	return nil
}

// replace returns the page with the section's body in place.
func replace(page, section, body string) (string, error) {
	opening, closing := "<!-- "+section+" -->\n", "<!-- /"+section+" -->\n"
	if strings.Contains(body, "<!-- ") {
		return "", errors.New("the body holds a marker")
	}
	if page != "" && !strings.HasSuffix(page, "\n") {
		page += "\n"
	}
	block := opening + strings.TrimSpace(body) + "\n" + closing
	from, to := strings.Count(page, opening), strings.Count(page, closing)
	switch {
	case from == 0 && to == 0:
		return page + "\n" + block, nil
	case from != 1 || to != 1:
		return "", fmt.Errorf("there are %d lines %q and %d lines %q: leave one of each, or none",
			from, strings.TrimSpace(opening), to, strings.TrimSpace(closing))
	}
	before, rest, _ := strings.Cut(page, opening)
	_, after, ok := strings.Cut(rest, closing)
	if !ok {
		return "", fmt.Errorf("the line %q stands before its %q", strings.TrimSpace(closing), strings.TrimSpace(opening))
	}
	return before + block + after, nil
}

// overwrite writes beside the file and renames, so that a crash leaves the old page or the new one.
func overwrite(path, page string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(page)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Machine describes where this runs: "AMD EPYC, 2 cores, linux/amd64, go1.26.0". The model is "unknown CPU" where the
// system has no /proc/cpuinfo that names one.
func Machine() string {
	model := "unknown CPU"
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		model = modelName(f)
		_ = f.Close()
	}
	return fmt.Sprintf("%s, %d cores, %s/%s, %s", model, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// modelName finds the first "model name" of a /proc/cpuinfo.
func modelName(r io.Reader) string {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if value = strings.Join(strings.Fields(value), " "); ok && strings.TrimSpace(key) == "model name" && value != "" {
			return value
		}
	}
	return "unknown CPU"
}
