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

	"github.com/google/go-cmp/cmp"
)

// TestTwins: each page is there in English and in Chinese, both say the same where a
// machine can tell, and no link leads nowhere.
func TestTwins(t *testing.T) {
	pages := readPages(t)
	byName := map[string]*Page{}
	for _, p := range pages {
		byName[p.Name] = p
	}
	for _, p := range pages {
		t.Run(p.label(), func(t *testing.T) {
			p.checkLinks(t, byName)
			// An answer that is folded away has a summary to click on, and ends.
			if tags := strings.Join(detailsTag.FindAllString(code.ReplaceAllString(p.Prose, ""), -1), ""); !folded.MatchString(tags) {
				t.Errorf("its details have the tags %s", tags)
			}
			p.checkBeginning(t)
			twin := byName[p.twin()]
			switch {
			case twin == nil:
				t.Errorf("its twin %s is not there", p.twin())
			case !p.chinese():
				if diff := cmp.Diff(p.visible(), twin.visible()); diff != "" {
					t.Errorf("blocks (- this page, + %s):\n%s", twin.Name, diff)
				}
				if diff := cmp.Diff(p.steps(), twin.steps()); diff != "" {
					t.Errorf("steps (- this page, + %s):\n%s", twin.Name, diff)
				}
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
	language, good := "简体中文", "After this page you"
	if p.chinese() {
		language, good = "English", ""
	}
	if path.Base(p.Name) == "README.md" || path.Dir(p.Name) == stepPages {
		good = ""
	}
	begins := regexp.MustCompile(`^# .+\n+(.*)\n+(.*)`).FindStringSubmatch(p.Prose)
	if want := fmt.Sprintf("[%s](%s)", language, path.Base(p.twin())); begins == nil || begins[1] != want || !strings.HasPrefix(begins[2], good) {
		t.Errorf("it does not begin with a title, below it %s, and then %q", want, good)
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
	target  = regexp.MustCompile(`(?:\]\(|(?:src|href)=")([^()\s"]+)[)"]`)
	code    = regexp.MustCompile("`[^`]*`")
	aStep   = regexp.MustCompile(`\b[123S]\.[1-9]\b`)
	version = regexp.MustCompile(`HTTP/\d\.\d`)

	heading  = regexp.MustCompile(`(?m)^#{1,6} +(.*?) *$`)
	noAnchor = regexp.MustCompile(`[^\p{L}\p{M}\p{N} _-]`)

	detailsTag = regexp.MustCompile(`</?(?:details|summary)\b[^>]*>`)
	folded     = regexp.MustCompile(`^(<details[^>]*><summary></summary></details>)*$`)
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
		if target != nil && target.chinese() != p.chinese() && name != p.twin() && pages[target.twin()] != nil {
			t.Errorf("link to %s: that page is there in this page's language, too", to)
		}
	}
}

// links are the addresses of a page's links and pictures.
func (p *Page) links() (links []string) {
	for _, m := range target.FindAllStringSubmatch(code.ReplaceAllString(p.Prose, "x"), -1) {
		links = append(links, m[1])
	}
	return links
}

// anchors are the fragments that lead to a page's headings, named as GitHub
// does: in lower case, without punctuation, "-" for a space; the second of the
// same name gets -1.
func (p *Page) anchors() (names []string) {
	seen := map[string]int{}
	for _, m := range heading.FindAllStringSubmatch(p.Prose, -1) {
		name := noAnchor.ReplaceAllString(link.ReplaceAllString(m[1], "$1"), "")
		name = strings.ReplaceAll(strings.ToLower(name), " ", "-")
		seen[name]++
		if n := seen[name]; n > 1 {
			name = fmt.Sprintf("%s-%d", name, n-1)
		}
		names = append(names, name)
	}
	return names
}
