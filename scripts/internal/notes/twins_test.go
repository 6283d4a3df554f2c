//go:build kit

package notes

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// TestTwins: each page of lab-notes is there in English and in Chinese, both
// say the same where a machine can tell, and no link leads nowhere.
func TestTwins(t *testing.T) {
	pages := readPages(t)
	byName := map[string]*Page{}
	for _, p := range pages {
		byName[p.Name] = p
	}
	for _, p := range pages {
		t.Run(p.label(), func(t *testing.T) {
			p.checkLinks(t, byName)
			p.checkDetails(t)
			if !strings.HasPrefix(p.Name, "lab-notes/") {
				return // the README of the kit, which has no twin
			}
			p.checkBeginning(t)
			twin := byName[p.twin()]
			switch {
			case twin == nil:
				t.Errorf("its twin %s is not there", p.twin())
			case !p.chinese():
				p.compareTwin(t, twin)
			}
		})
	}
}

// twin is the name of the page in the other language.
func (p *Page) twin() string {
	if name, ok := strings.CutSuffix(p.Name, twinEnd); ok {
		return name + ".md"
	}
	return strings.TrimSuffix(p.Name, ".md") + twinEnd
}

// checkBeginning: a title, the link to the twin, and in an English page what it
// is good for.
func (p *Page) checkBeginning(t *testing.T) {
	t.Helper()
	language := "简体中文"
	if p.chinese() {
		language = "English"
	}
	var paragraphs []string
	for _, text := range strings.Split(p.Prose, "\n\n") {
		if text = strings.TrimSpace(text); text != "" {
			paragraphs = append(paragraphs, text)
		}
	}
	link := fmt.Sprintf("[%s](%s)", language, path.Base(p.twin()))
	if len(paragraphs) < 3 || !strings.HasPrefix(paragraphs[0], "# ") || paragraphs[1] != link {
		t.Errorf("it does not begin with a title and below it %s", link)
		return
	}
	if p.chinese() || p.Name == "lab-notes/README.md" {
		return
	}
	if !strings.HasPrefix(paragraphs[2], "After this page you") {
		t.Errorf("below the link to its twin it does not begin with %q, but with\n%s", "After this page you", paragraphs[2])
	}
}

// compareTwin compares the blocks of a page and its Chinese twin, and the steps
// that both speak of.
func (p *Page) compareTwin(t *testing.T, twin *Page) {
	t.Helper()
	if diff := cmp.Diff(p.visible(), twin.visible()); diff != "" {
		t.Errorf("blocks (- this page, + %s):\n%s", twin.Name, diff)
	}
	if diff := cmp.Diff(p.steps(), twin.steps()); diff != "" {
		t.Errorf("steps (- this page, + %s):\n%s", twin.Name, diff)
	}
}

// visible are the blocks that a reader sees, their comments left out: those
// are translated.
func (p *Page) visible() (blocks []string) {
	for _, b := range p.Blocks {
		text := b.Text
		if b.Kind != Output && b.Kind != OutputServer {
			text = b.WithoutComments()
		}
		if !b.Hidden {
			blocks = append(blocks, b.Info+"\n"+text)
		}
	}
	return blocks
}

var (
	link    = regexp.MustCompile(`!?\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)`) // a picture may be within
	htmlRef = regexp.MustCompile(`(?:src|href)="([^"]*)"`)
	code    = regexp.MustCompile("`[^`]*`")
	aStep   = regexp.MustCompile(`\b[123S]\.[1-9]\b`)
	version = regexp.MustCompile(`HTTP/\d\.\d`)
)

// steps are the ids of the steps that the prose names, sorted.
func (p *Page) steps() []string {
	text := version.ReplaceAllString(link.ReplaceAllString(p.Prose, ""), "")
	ids := map[string]bool{}
	for _, id := range aStep.FindAllString(text, -1) {
		ids[id] = true
	}
	return slices.Sorted(maps.Keys(ids))
}

// checkLinks: what a page links to, or shows, in the workspace is there.
func (p *Page) checkLinks(t *testing.T, pages map[string]*Page) {
	t.Helper()
	for _, to := range p.links() {
		if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
			continue
		}
		file, fragment, hasFragment := strings.Cut(to, "#")
		name := p.Name
		if file != "" {
			name = path.Join(path.Dir(p.Name), file)
		}
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(name))); err != nil {
			t.Errorf("link to %s: there is no %s", to, name)
			continue
		}
		target := pages[name]
		if hasFragment && target != nil && !slices.Contains(target.anchors(), fragment) {
			t.Errorf("link to %s: no heading of %s has this name, but\n%s", to, name, strings.Join(target.anchors(), "\n"))
		}
		if target != nil && target.chinese() != p.chinese() && name != p.twin() && pages[target.twin()] != nil && path.Dir(p.Name) == "lab-notes" {
			t.Errorf("link to %s: that page is there in this page's language, too", to)
		}
	}
}

// links are the addresses of a page's links and pictures.
func (p *Page) links() (links []string) {
	prose := code.ReplaceAllString(p.Prose, "x") // a link's text may be code
	for text := prose; text != ""; {
		var inner strings.Builder
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			links = append(links, m[2])
			inner.WriteString(m[1] + "\n")
		}
		text = inner.String()
	}
	for _, m := range htmlRef.FindAllStringSubmatch(prose, -1) {
		links = append(links, m[1])
	}
	return links
}

// anchors are the fragments that lead to a page's headings, named as GitHub
// does: in lower case, without punctuation, "-" for a space; the second of the
// same name gets -1.
func (p *Page) anchors() (names []string) {
	seen := map[string]int{}
	for line := range strings.Lines(p.Prose) {
		heading := strings.TrimLeft(line, "#")
		if n := len(line) - len(heading); n < 1 || n > 6 || !strings.HasPrefix(heading, " ") {
			continue
		}
		heading = link.ReplaceAllString(strings.TrimSpace(heading), "$1")
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r):
				return unicode.ToLower(r)
			}
			return -1
		}, heading)
		if n := seen[name]; n > 0 {
			names = append(names, fmt.Sprintf("%s-%d", name, n))
		} else {
			names = append(names, name)
		}
		seen[name]++
	}
	return names
}

var detailsTag = regexp.MustCompile(`</?(?:details|summary)\b[^>]*>`)

// checkDetails: an answer that is folded away has a summary to click on, and
// ends.
func (p *Page) checkDetails(t *testing.T) {
	t.Helper()
	var tags []string
	for _, tag := range detailsTag.FindAllString(code.ReplaceAllString(p.Prose, ""), -1) {
		name, _, _ := strings.Cut(strings.Trim(tag, "<>"), " ") // without attributes, such as open
		tags = append(tags, name)
	}
	one := []string{"details", "summary", "/summary", "/details"}
	for i := 0; i < len(tags); i += len(one) {
		if end := min(i+len(one), len(tags)); !slices.Equal(tags[i:end], one) {
			t.Errorf("the details number %d of the page have the tags %q, want %q", i/len(one)+1, tags[i:end], one)
			return
		}
	}
}

func TestTwinParts(t *testing.T) {
	p := &Page{Name: "lab-notes/a.md", Text: strings.Join([]string{
		"# A, `b` & C",
		"[简体中文](a.zh-CN.md), step 1.2 of HTTP/1.1, [2.1](b.md#x), `[no](link.md)`",
		"[![picture](img/a.svg)](big.html) <img src=\"c.png\">",
		"```sh", "echo 3.1 '[x](y.md)' # 3.2", "```",
		"## 二、套接字 1.3",
		"## Go-to", "## Again", "## Again",
	}, "\n")}
	var err error
	if p.Blocks, p.Prose, err = Parse(p.Text); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		want, got []string
	}{
		{"links", []string{"a.zh-CN.md", "b.md#x", "big.html", "img/a.svg", "c.png"}, p.links()},
		{"anchors", []string{"a-b--c", "二套接字-13", "go-to", "again", "again-1"}, p.anchors()},
		{"steps", []string{"1.2", "1.3"}, p.steps()},
		{"visible", []string{"sh\necho 3.1 '[x](y.md)'\n"}, p.visible()},
		{"twin", []string{"lab-notes/a.zh-CN.md"}, []string{p.twin()}},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
