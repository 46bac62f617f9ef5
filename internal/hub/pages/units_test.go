package pages

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keyreeve/keyreeve/internal/hub/githost"
)

func signature(who string) githost.Signature {
	return githost.Signature{Name: who, Email: who + "@example.com", When: at(28)}
}

func TestMarkdown(t *testing.T) {
	for source, want := range map[string]string{
		"a\nb":                            "<p>a<br>\nb</p>\n",
		"<script>alert(1)</script>":       "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n",
		"x <b onclick=a>y</b>":            "<p>x &lt;b onclick=a&gt;y&lt;/b&gt;</p>\n",
		"a <!-- b --> c":                  "<p>a  c</p>\n",
		"<!-- all\n\nof it -->":           "",
		"<!-- open\nx":                    "",
		"<sub>s</sub><br/>":               "<p><sub>s</sub><br/></p>\n",
		"<sub class=x>s</sub>":            "<p>&lt;sub class=x&gt;s</sub></p>\n",
		"[a](javascript:alert(1))":        "<p><a href=\"\">a</a></p>\n",
		"[a](data:text/html,x)":           "<p><a href=\"\">a</a></p>\n",
		"![a](https://x.example/p.png)":   "<p><a class=\"image\" href=\"https://x.example/p.png\">🖼 a</a></p>\n",
		"![a](javascript:x)":              "<p><a class=\"image\" href=\"\">🖼 a</a></p>\n",
		"@olivia, see #2.":                "<p><a href=\"/olivia\">@olivia</a>, see <a href=\"/acme/identities/issues/2\">#2</a>.</p>\n",
		"(@acme/delivery)":                "<p>(<a href=\"/orgs/acme/teams/delivery\">@acme/delivery</a>)</p>\n",
		"acme/app#12 x#3 a@b.example":     "<p><a href=\"/acme/app/issues/12\">acme/app#12</a> x#3 <a href=\"mailto:a@b.example\">a@b.example</a></p>\n",
		"`@a #1` [#1](https://x.example)": "<p><code>@a #1</code> <a href=\"https://x.example\">#1</a></p>\n",
		"**#1**":                          "<p><strong><a href=\"/acme/identities/issues/1\">#1</a></strong></p>\n",
		"@a\n@b":                          "<p><a href=\"/a\">@a</a><br>\n<a href=\"/b\">@b</a></p>\n",
	} {
		if got := string(renderMarkdown(source, "acme/identities", true)); got != want {
			t.Errorf("%q:\ngot  %q\nwant %q", source, got, want)
		}
	}
	if got := string(renderMarkdown("a\nb #1", "", false)); got != "<p>a\nb #1</p>\n" {
		t.Errorf("a document: %q", got)
	}
}

func FuzzMarkdown(f *testing.F) {
	f.Add(hostile)
	f.Add(status)
	f.Add("<!--><script>x</script>")
	f.Add("@a#1@b")
	f.Fuzz(func(t *testing.T, source string) {
		out := strings.ToLower(string(renderMarkdown(source, "acme/identities", true)))
		for _, bad := range []string{"<script", "<img", "<iframe", "<style", "<svg", "<!--", "href=\"javascript:"} {
			if strings.Contains(out, bad) {
				t.Errorf("%q gives %q", source, out)
			}
		}
	})
}

func TestPatchLines(t *testing.T) {
	got := patchLines("@@ -1,2 +1,2 @@ head\n a\n-b\n\\ No newline at end of file\n+c\n@@ -9 +9,0 @@\n-x")
	want := []diffLine{
		{Kind: "hunk", Text: "@@ -1,2 +1,2 @@ head"},
		{Kind: "same", Old: 1, New: 1, Text: "a"},
		{Kind: "del", Old: 2, Text: "b"},
		{Kind: "note", Text: "No newline at end of file"},
		{Kind: "add", New: 2, Text: "c"},
		{Kind: "hunk", Text: "@@ -9 +9,0 @@"},
		{Kind: "del", Old: 9, Text: "x"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	long := patchLines("@@ -0,0 +1,2000 @@\n" + strings.Repeat("+x\n", 2000))
	if len(long) != maxDiffLines+1 || long[maxDiffLines].Kind != "note" {
		t.Errorf("%d lines of a long patch", len(long))
	}
}

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "now", 59 * time.Second: "now", time.Minute: "1 minute ago", 90 * time.Minute: "1 hour ago", 47 * time.Hour: "1 day ago",
		-time.Hour: "now", 45 * 24 * time.Hour: "on Jan 16, 2026",
	} {
		if got := ago(start, start.Add(-d)); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
