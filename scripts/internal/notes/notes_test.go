//go:build kit

package notes

import (
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
	if err != nil {
		t.Fatal(err)
	}
	var pages []*Page
	for _, name := range append(names, filepath.Join(root, "README.md"), filepath.Join(root, "README"+twinEnd)) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			t.Fatal(err)
		}
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

func TestParse(t *testing.T) {
	page := strings.Join([]string{
		"# Title",
		"```sh", "a # why", "# only a comment", "b \\", "  c", "", "```",
		"",
		"```powershell", "a.exe", "```",
		"<!-- sh: hidden -->",
		"```output", "…", "```",
		"```sh exit=2", "d", "```",
		"  ```sh not-run: a browser", "  open", "  ```",
		"```go", "```sh", "```",
		"````", "```sh", "in a longer fence", "```", "````",
		"```sh server", "e", "```",
		"```output server", "```",
		"after", "## 1.3 Read", "```sh", "f", "```", "",
	}, "\n")
	want := []Block{
		{Kind: Run, Line: 2, Info: "sh", Text: "a # why\n# only a comment\nb \\\n  c\n\n"},
		{Kind: PowerShell, Line: 10, Info: "powershell", Text: "a.exe\n"},
		{Kind: Run, Line: 13, Info: "sh", Text: "hidden\n", Hidden: true},
		{Kind: Output, Line: 14, Info: "output", Text: "…\n"},
		{Kind: Run, Line: 17, Info: "sh exit=2", Text: "d\n", Exit: 2},
		{Kind: NotRun, Line: 20, Info: "sh not-run: a browser", Text: "open\n"},
		{Kind: Server, Line: 31, Info: "sh server", Text: "e\n"},
		{Kind: OutputServer, Line: 34, Info: "output server"},
		{Kind: Run, Line: 38, Info: "sh", Text: "f\n", Step: "1.3"},
	}
	got, prose, err := Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("# Title after ## 1.3 Read", strings.Join(strings.Fields(prose), " ")); diff != "" {
		t.Errorf("prose (-want +got):\n%s", diff)
	}
	if n, lines := strings.Count(prose, "\n"), strings.Count(page, "\n"); n != lines {
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
