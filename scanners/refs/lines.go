package refs

import (
	"bytes"
	"iter"
	"strings"
)

// textLines goes through the lines of a file, with their numbers, without line ends.
func (f *file) textLines() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		number := 0
		for line := range bytes.Lines(f.content) {
			number++
			if !yield(number, strings.TrimRight(string(line), "\r\n")) {
				return
			}
		}
	}
}

// dotenv reads NAME=value lines, and what their values take from other variables: ${OTHER}.
func (f *file) dotenv() {
	for number, line := range f.textLines() {
		rest := strings.TrimLeft(line, " \t\ufeff")
		if strings.HasPrefix(rest, "#") {
			continue
		}
		if after, ok := strings.CutPrefix(rest, "export "); ok {
			rest = strings.TrimLeft(after, " \t")
		}
		name, _, assigned := strings.Cut(rest, "=")
		name = strings.TrimRight(name, " \t")
		from := 0
		if assigned && isName(name) {
			f.add(Reference{Name: name, Kind: Environment, Line: number, Column: len(line) - len(rest) + 1})
			from = len(line) - len(rest) + len(name)
		}
		for _, use := range interpolations(line[from:]) {
			f.add(Reference{Name: use.name, Kind: Environment, Line: number, Column: from + use.at + 1})
		}
	}
}

// interpolation is one use of an environment variable: written is "$NAME" or "${NAME".
type interpolation struct {
	name, written string
	at            int // of the name, in bytes
}

// interpolations finds $NAME and ${NAME}, not $$NAME.
func interpolations(s string) []interpolation {
	var out []interpolation
	for i := 0; i < len(s); i++ {
		if s[i] != '$' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '$' {
			i++
			continue
		}
		at := i + 1
		if at < len(s) && s[at] == '{' {
			at++
		}
		end := at
		for end < len(s) && isNameByte(s[end]) {
			end++
		}
		if name := s[at:end]; isName(name) {
			out = append(out, interpolation{name: name, written: s[i:end], at: at})
			i = end - 1
		}
	}
	return out
}

// isName reports whether s can be the name of an environment variable, or of a secret of GitHub.
func isName(s string) bool {
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	for i := range len(s) {
		if !isNameByte(s[i]) {
			return false
		}
	}
	return true
}

func isNameByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// terraform reads the three ways in which Terraform's files name a variable, and the names under which its GitHub
// provider stores secrets. It goes by lines rather than by HCL's grammar: what stands in a heredoc counts too.
func (f *file) terraform() {
	values := strings.HasSuffix(f.path, ".tfvars")
	for number, line := range f.textLines() {
		trimmed := strings.TrimLeft(line, " \t")
		if strings.HasPrefix(trimmed, "#") || strings.HasPrefix(trimmed, "//") {
			continue
		}
		key, value, assigned := strings.Cut(trimmed, "=")
		key = strings.TrimRight(key, " \t")
		column := len(line) - len(trimmed) + 1
		switch quoted := strings.Trim(strings.TrimSpace(value), `"`); {
		case values && assigned && isName(key):
			f.add(Reference{Name: key, Kind: Terraform, Line: number, Column: column})
		case assigned && key == "secret_name" && isName(quoted):
			f.add(Reference{Name: quoted, Kind: Secret, Line: number, Column: strings.Index(line, quoted) + 1, Context: key})
		case assigned && key == "variable_name" && isName(quoted):
			f.add(Reference{Name: quoted, Kind: Variable, Line: number, Column: strings.Index(line, quoted) + 1, Context: key})
		}
		f.variableBlock(line, trimmed, number)
		f.varUses(line, number)
	}
}

// variableBlock reads `variable "name" {`.
func (f *file) variableBlock(line, trimmed string, number int) {
	after, ok := strings.CutPrefix(trimmed, "variable")
	if !ok || after == "" || isNameByte(after[0]) {
		return
	}
	name, _, _ := strings.Cut(strings.TrimLeft(after, " \t\""), `"`)
	name, _, _ = strings.Cut(name, " ")
	if isName(name) {
		at := len(line) - len(after)
		f.add(Reference{Name: name, Kind: Terraform, Line: number, Column: at + strings.Index(after, name) + 1, Context: "variable"})
	}
}

// varUses reads var.name.
func (f *file) varUses(line string, number int) {
	for from := 0; ; {
		at := strings.Index(line[from:], "var.")
		if at < 0 {
			return
		}
		at += from
		end := at + len("var.")
		begin := end
		for end < len(line) && isNameByte(line[end]) {
			end++
		}
		if (at == 0 || !isNameByte(line[at-1]) && line[at-1] != '.') && isName(line[begin:end]) {
			f.add(Reference{Name: line[begin:end], Kind: Terraform, Line: number, Column: begin + 1, Context: "var"})
		}
		from = end
	}
}
