//go:build kit

package notes

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// root is that of the workspace.
var root = filepath.Join("..", "..", "..")

// A Page is a file that people read.
type Page struct {
	Name   string // from the workspace's root, with slashes
	Text   string
	Blocks []Block
	Prose  string // without code blocks
}

// readPages reads the READMEs of the kit and all pages of lab-notes, in both languages.
func readPages(t *testing.T) []*Page {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, "lab-notes", "*.md"))
	must(t, err)
	steps, err := filepath.Glob(filepath.Join(root, "lab-notes", "steps", "*.md"))
	must(t, err)
	var pages []*Page
	for _, name := range append(append(names, steps...), filepath.Join(root, "README.md"), filepath.Join(root, "README"+twinEnd)) {
		text, err := os.ReadFile(name)
		must(t, err)
		rel, err := filepath.Rel(root, name)
		must(t, err)
		p := &Page{Name: filepath.ToSlash(rel), Text: string(text)}
		if p.Blocks, p.Prose, err = Parse(p.Text); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		pages = append(pages, p)
	}
	return pages
}

const twinEnd = ".zh-CN.md"

// label is what a page's subtest is called.
func (p *Page) label() string {
	if name, ok := strings.CutPrefix(p.Name, "lab-notes/"); ok {
		return name
	}
	return "kit's " + p.Name // lab-notes has a README of its own
}

func (p *Page) chinese() bool { return strings.HasSuffix(p.Name, twinEnd) }

// must fails the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestParse: all that is read from testdata/page.md is in testdata/page.txt.
func TestParse(t *testing.T) {
	texts := map[string]string{}
	for _, name := range []string{"page.md", "page.txt"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		must(t, err)
		texts[name] = strings.ReplaceAll(string(text), "\r\n", "\n") // Git may have written those on Windows
	}
	p := &Page{Name: "lab-notes/a.md", Text: texts["page.md"]}
	var err error
	p.Blocks, p.Prose, err = Parse(p.Text)
	must(t, err)
	var got strings.Builder
	for _, b := range p.Blocks {
		fmt.Fprintf(&got, "line %d, kind %q, info %q, exit %d, hidden %t, step %q: %q\n", b.Line, b.Kind, b.Info, b.Exit, b.Hidden, b.Step, b.Text)
	}
	fmt.Fprintf(&got, "links %q\nanchors %q\nsteps %q\nvisible %q\ntwin %q\n", p.links(), p.anchors(), p.steps(), p.visible(), p.twin())
	fmt.Fprintf(&got, "prose %q\n", strings.Join(strings.Fields(p.Prose), " "))
	if diff := cmp.Diff(texts["page.txt"], got.String()); diff != "" {
		t.Errorf("page.md (-want +got):\n%s", diff)
	}
	if n, lines := strings.Count(p.Prose, "\n"), strings.Count(p.Text, "\n"); n != lines {
		t.Errorf("the prose has %d lines, the page %d", n, lines)
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ name, page, want string }{
		{"unknown word", "```sh sever\na\n```\n", "line 1"},
		{"no reason", "```sh not-run:\na\n```\n", "line 1"},
		{"no number", "```sh exit=one\na\n```\n", "line 1"},
		{"another shell", "text\n```console\na\n```\n", "line 2"},
		{"not closed", "```go\na\n", "never closed"},
		{"output of nothing", "```output\na\n```\n", "no sh block"},
		{"output behind prose", "```sh\na\n```\nIt prints\n```output\na\n```\n", "no sh block"},
		{"two outputs", "```sh\na\n```\n```output\na\n```\n```output\na\n```\n", "line 7"},
	} {
		if _, _, err := Parse(tt.page); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		name, want, got string
		ok              bool
	}{
		{"equal", "a\nb\n", "a\nb\n", true},
		{"different", "a\nb\n", "a\nc\n", false},
		{"nothing", "", "", true},
		{"not nothing", "", "a\n", false},
		{"more", "a\n", "a\nb\n", false},
		{"more before", "b\n", "a\nb\n", false},
		{"less", "a\nb\n", "a\n", false},
		{"line end missing", "a\n", "a", true},
		{"CR and spaces at the end", "a\n\n", "a \t\r\n\r\n", true},
		{"spaces at the beginning", "a\n", " a\n", false},
		{"empty line", "a\n\n", "a\n", false},
		{"within a line", "a …c\n", "a bb c\n", true},
		{"within a line, nothing", "a…c\n", "ac\n", true},
		{"not beyond a line", "a…c\n", "a\nc\n", false},
		{"two", "…: …\n", "a: b\n", true},
		{"lines", "a\n…\nb\n", "a\nx\n\ny\nb\n", true},
		{"no lines", "a\n…\nb\n", "a\nb\n", true},
		{"lines at the end", "a\n…\n", "a\nb", true},
		{"lines, but the last is another", "…\nb\n", "a\nc\n", false},
		{"no pattern", "a.c [x]\n", "abc x\n", false},
		{"no pattern, the same", "a.c (x*\n", "a.c (x*\n", true},
	} {
		if ok := Matches(tt.want, tt.got); ok != tt.ok {
			t.Errorf("%s: Matches(%q, %q) is %t", tt.name, tt.want, tt.got, ok)
		}
	}
}
