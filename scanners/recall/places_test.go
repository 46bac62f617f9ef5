package recall_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/scanners"
)

// planted is what one place hides.
type planted struct{ name, id, value string }

// line is how most files hold it.
func (p planted) line() string { return fmt.Sprintf("%s=%s # of %s\n", p.name, p.value, p.id) }

// each applies an encoding to each of the three.
func (p planted) each(format string, encode func(string) string) string {
	var b strings.Builder
	for _, s := range []string{p.name, p.id, p.value} {
		fmt.Fprintf(&b, format, encode(s))
	}
	return b.String()
}

// place is one of the 34.
type place struct {
	name  string // as the table calls it
	where scanners.Where
	hide  func(r *repo, p planted)
}

// file hides a text in a file at the head.
func file(path string, text func(p planted) string) func(*repo, planted) {
	return func(r *repo, p planted) { r.commit("update "+path, map[string]string{path: text(p)}) }
}

func places() []place {
	return append(inHistory(), inEncodings()...)
}

// inHistory are the places that a reader of diffs of the current branch does not come by, and those where rules tell a
// scanner to look away.
func inHistory() []place {
	plain := planted.line
	return []place{
		{"a file at the head", scanners.InBlob, file("config.env", plain)},
		{"a deleted file", scanners.InBlob, func(r *repo, p planted) {
			r.commit("add", map[string]string{"deleted.env": p.line()})
			r.git("rm", "-q", "deleted.env")
			r.git("commit", "-q", "-m", "remove")
		}},
		{"an old branch", scanners.InBlob, func(r *repo, p planted) {
			r.git("checkout", "-q", "-b", "old", "first")
			r.commit("on the old branch", map[string]string{"old.env": p.line()})
			r.git("checkout", "-q", "main")
		}},
		{"a merge's own changes", scanners.InBlob, func(r *repo, p planted) {
			r.git("checkout", "-q", "-b", "side", "first")
			r.commit("aside", map[string]string{"aside.txt": "aside\n"})
			r.git("checkout", "-q", "main")
			r.git("merge", "-q", "--no-ff", "--no-commit", "side")
			r.write("evil.env", p.line())
			r.git("add", "evil.env")
			r.git("commit", "-q", "-m", "merge")
			r.git("rm", "-q", "evil.env")
			r.git("commit", "-q", "-m", "remove what the merge brought")
		}},
		{"a commit's message", scanners.InCommitMessage, func(r *repo, p planted) {
			r.git("commit", "-q", "--allow-empty", "-m", "rotate\n\n"+p.line())
		}},
		{"a commit's trailer", scanners.InCommitMessage, func(r *repo, p planted) {
			r.git("commit", "-q", "--allow-empty", "-m", fmt.Sprintf("deploy\n\nDeployed-With: %s %s\nToken: %s", p.name, p.id, p.value))
		}},
		{"a tag's message", scanners.InTagMessage, func(r *repo, p planted) { r.git("tag", "-a", "v1", "-m", p.line()) }},
		{"a note", scanners.InNote, func(r *repo, p planted) { r.git("notes", "add", "-m", p.line(), "first") }},
		{"a stash", scanners.InBlob, func(r *repo, p planted) {
			r.write("README.md", "stashed\n"+p.line())
			r.git("stash", "push", "-q")
		}},
		{"a pull request's ref", scanners.InBlob, func(r *repo, p planted) {
			r.git("update-ref", "refs/pull/1/head", r.orphan("pull.env", p.line()))
		}},
		{"an object that no ref leads to", scanners.InBlob, func(r *repo, p planted) { r.orphan("lost.env", p.line()) }},
		{"a renamed and edited file", scanners.InBlob, func(r *repo, p planted) {
			text := strings.Repeat("the same line as before, and again\n", 40)
			r.commit("add", map[string]string{"before.txt": text})
			r.git("mv", "before.txt", "after.txt")
			r.commit("rename", map[string]string{"after.txt": text + p.line()})
		}},
		{"a file with the attribute -diff", scanners.InBlob, func(r *repo, p planted) {
			r.commit("undiffed", map[string]string{".gitattributes": "*.undiffed -diff\n", "a.undiffed": p.line()})
		}},
		{"a binary file with NUL bytes", scanners.InBlob, file("a.bin", func(p planted) string {
			return "\x7fELF\x00\x00\x01" + p.name + "\x00" + p.id + "\x00\x00" + p.value + "\x00\xff\xfe"
		})},
		{"a lock file", scanners.InBlob, file("package-lock.json", func(p planted) string {
			return fmt.Sprintf("{%q: {\"resolved\": \"https://%s:%s@npm.example/x.tgz\", \"by\": \"${%s}\"}}\n", "x", p.id, p.value, p.name)
		})},
		{"a line with an allow comment", scanners.InBlob, file("allowed.py", func(p planted) string {
			return fmt.Sprintf("%s = %q  # gitleaks:allow trufflehog:ignore nosec\nID = %q  # pragma: allowlist secret\n", p.name, p.value, p.id)
		})},
		{"an .env file in a folder, with CRLF", scanners.InBlob, file("services/a/.env", func(p planted) string {
			return fmt.Sprintf("# %s\r\nexport %s=\"%s\"\r\n", p.id, p.name, p.value)
		})},
		{"a minified file of one long line", scanners.InBlob, file("app.min.js", func(p planted) string {
			noise := strings.Repeat("function(e,t){return e[t]||(e[t]=t+1)},", 20_000)
			return noise + fmt.Sprintf("{%s:%q,id:'%s'}", p.name, p.value, p.id) + noise
		})},
		{"a file's name", scanners.InPath, func(r *repo, p planted) {
			r.commit("backup", map[string]string{"backup/" + p.name + "-" + p.id + "-" + p.value + ".txt": "empty\n"})
		}},
		{"a ref's name", scanners.InRef, func(r *repo, p planted) {
			r.git("update-ref", "refs/heads/leak/"+p.name+"/"+p.id+"/"+p.value, "first")
		}},
	}
}

// inEncodings are files at the head that hold it in another form.
func inEncodings() []place {
	std := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	in := func(name, path string, text func(p planted) string) place {
		return place{name, scanners.InBlob, file(path, text)}
	}
	return []place{
		in("base64 (a Secret of Kubernetes)", "k8s/secret.yaml", func(p planted) string {
			return "apiVersion: v1\nkind: Secret\ndata:\n" + p.each("  key: %s\n", std)
		}),
		in("base64, wrapped at 76 columns", "wrapped.pem", func(p planted) string {
			return wrap(std("some text before it\n"+p.line()+strings.Repeat("and after it\n", 10)), 76)
		}),
		in("base64 for URLs, unpadded", "state.txt", func(p planted) string {
			return "https://app.example/cb?state=" + base64.RawURLEncoding.EncodeToString([]byte(`{"a":"`+p.line()+`?>"}`)) + "&x=1\n"
		}),
		in("hex", "dump.txt", func(p planted) string {
			return p.each("0x%s\n", func(s string) string { return hex.EncodeToString([]byte(s)) })
		}),
		in("percent-encoding", "query.txt", func(p planted) string {
			return p.each("https://app.example/?k=%s&x=1\n", func(s string) string { return some(s, "%%%02X") })
		}),
		in("JSON's \\/ and \\u escapes of some characters", "some.json", func(p planted) string {
			return p.each("{\"k\": \"%s\"}\n", func(s string) string { return some(strings.ReplaceAll(s, "/", `\/`), `\u%04x`) })
		}),
		in("\\u escapes of every character", "all.properties", func(p planted) string {
			return p.each("k=%s\n", func(s string) string {
				var b strings.Builder
				for _, c := range []byte(s) {
					fmt.Fprintf(&b, `\u%04X`, c)
				}
				return b.String()
			})
		}),
		in("UTF-16, little-endian, with a mark", "export.reg", func(p planted) string { return "\xff\xfe" + wide(p.line(), false) }),
		in("UTF-16, big-endian, without a mark", "strings.txt", func(p planted) string { return wide(p.line(), true) }),
		in("zip", "backup.zip", func(p planted) string { return zipped("config.env", p.line()) }),
		in("gzip", "config.env.gz", func(p planted) string { return gzipped(p.line()) }),
		in("a zip of a gzip of base64", "nested.zip", func(p planted) string { return zipped("a.gz", gzipped(std("x "+p.line()))) }),
		in("YAML, folded over lines", "folded.yaml", func(p planted) string {
			return p.each("- \"%s\"\n", func(s string) string { return s[:len(s)/2] + "\\\n    " + s[len(s)/2:] })
		}),
		in("strings that are joined by +", "joined.js", func(p planted) string {
			return p.each("k = \"%s\";\n", func(s string) string { return s[:len(s)/2] + "\" +\n  \"" + s[len(s)/2:] })
		}),
	}
}

// some encodes each underscore and slash, plus and equals sign, and the first character.
func some(s, format string) string {
	var b strings.Builder
	for i, c := range []byte(s) {
		if i == 0 || strings.IndexByte("_+=", c) >= 0 || c == '/' && format[0] == '%' {
			fmt.Fprintf(&b, format, c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

func wrap(s string, width int) string {
	var b bytes.Buffer
	for len(s) > width {
		b.WriteString(s[:width] + "\n")
		s = s[width:]
	}
	return b.String() + s + "\n"
}
