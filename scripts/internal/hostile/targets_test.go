//go:build kit && linux

package hostile

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// A tree is a folder "root" with secrets in and around it.
type tree struct {
	above, root string
	outside     []string // the secrets around it, from above on
	hidden      []string // the secrets in it, from root on
}

func newTree(t *testing.T) *tree {
	t.Helper()
	above, files := t.TempDir(), pools("files")
	tr := &tree{above, filepath.Join(above, "root"), files["outside"], files["hidden"]}
	plantAll(t, above, secret, tr.outside...)
	plantAll(t, tr.root, secret, tr.hidden...)
	plantAll(t, tr.root, public, files["public"]...)
	for _, l := range links {
		to := strings.TrimPrefix(l.Keys[0].Value, "-> ")
		symlink(t, strings.Replace(to, "{above}", filepath.ToSlash(above), 1), tr.root, l.Keys[0].Name)
	}
	return tr
}

// public is the text of a file that everybody may read.
func public(name string) string { return "PUBLIC " + strings.ToUpper(name) }

var links = list("links") // symbolic links below root: each has a target that goes through it

// TestEscapeLinks asks for each link.
func TestEscapeLinks(t *testing.T) {
	tr := newTree(t)
	both(t, func(t *testing.T, stage int) {
		s := start(t, stage, tr.root, "-log off")
		for _, l := range links {
			status, file, _ := strings.Cut(l.Want, " ")
			if err := s.wants(1, l.Name, number(status), public(file)); err != nil {
				t.Errorf("%s %s: %v", l.Keys[0].Name, l.Keys[0].Value, err)
			}
		}
		t.Logf("%d links", len(links))
	})
}

// TestEscapeNames asks for files and folders whose names are hard to type, or to escape. A
// redirect to a folder with line ends in its name is one answer, and its Location works.
func TestEscapeNames(t *testing.T) {
	dir, names := t.TempDir(), pools("names") // by status
	for _, name := range slices.Concat(names["200"], names["400"], names["404"]) {
		plant(t, dir, name, "file "+name)
	}
	for i, name := range names["301"] { // the same name may be one of a file
		names["301"][i] = "in/" + name
		plant(t, dir, "in/"+name+"/index.html", "in")
	}
	both(t, func(t *testing.T, stage int) {
		s, tried := start(t, stage, dir, "-log off"), 0
		for status, names := range names {
			for _, name := range names {
				tried++
				for _, target := range []string{escape(name, true), escape(name, false)} {
					if err := s.checkName(number(status), target, "file "+name); err != nil {
						t.Errorf("%q: %v", name, err)
					}
				}
			}
		}
		t.Logf("%d names of files, %d of folders", tried-len(names["301"]), len(names["301"]))
	})
}

// checkName asks for the target of a hard name, by GET and by HEAD.
func (s *server) checkName(status int, target, text string) error {
	if status == 301 {
		all, err := s.ask(1, get(target))
		if err == nil && (all[0].Status != 301 || all[0].location != target+"/") {
			err = fmt.Errorf("want a 301 to %q, got %v", target+"/", all)
		}
		return errors.Join(err, s.wants(1, target+"/", 200, "in"))
	}
	all, err := s.ask(1, query{"HEAD", target, "localhost"})
	if err == nil && (all[0].Status != status || status == 200 && all[0].length != len(text)) {
		err = fmt.Errorf("HEAD: %v", all)
	}
	return errors.Join(err, s.wants(1, target, status, text))
}

// escape escapes every octet of a name except its slashes, or only what must be escaped.
func escape(name string, every bool) string {
	digits := "%%%02X"
	if every = every && len(name) <= 2<<10; every { // no request line is longer than 8 KiB
		digits = "%%%02x"
	}
	target := []byte("/")
	for _, octet := range []byte(name) {
		if must := octet <= ' ' || octet >= 0x7f || strings.IndexByte("%?#", octet) >= 0; must || every && octet != '/' {
			target = fmt.Appendf(target, digits, octet)
		} else {
			target = append(target, octet)
		}
	}
	return string(target)
}

// A speller makes targets that try to get at secrets. They are put together from lists of
// words: testdata/targets.txt says how.
type speller struct {
	lists  map[string]words
	rand   *rand.Rand
	wild   bool              // also use spellings that make the whole target illegal, so that the server looks for no file
	before map[string]string // the dot-dot and the separator that this target had last
}

func newSpeller(tr *tree) *speller {
	lists := pools("targets")
	lists["outside"], lists["hidden"], lists["above"] = tr.outside, tr.hidden, words{filepath.ToSlash(tr.above)}
	for _, l := range links {
		lists["links"] = append(lists["links"], l.Name)
	}
	for _, name := range []string{"outside", "hidden", "above", "links", "behind-links"} {
		lists[name] = slices.Clone(lists[name])
		for i, path := range lists[name] { // of a whole path, every separator has its spelling
			if name != "behind-links" {
				path = strings.Trim(path, "/")
			}
			lists[name][i] = strings.ReplaceAll(path, "/", "<joint>")
		}
	}
	return &speller{lists: lists, rand: rand.New(rand.NewPCG(seed, 1))}
}

// ask makes a request. Most of its tricks are in its target. If the target has a
// control octet, the method is GET: a server that refuses the line need not find out
// whether the method is HEAD.
func (s *speller) ask() query {
	s.wild, s.before = s.rand.IntN(2) == 0, map[string]string{}
	target := strings.NewReplacer("\r", "", "\n", "").Replace(s.spell("targets")) // these two would end the request line
	a := query{"GET", target, "localhost"}
	if s.wild {
		a.host = s.spell("hosts")
	}
	if s.rand.IntN(5) == 0 && !strings.ContainsFunc(a.target, unicode.IsControl) {
		a.method = "HEAD"
	}
	return a
}

var (
	partOfWord = regexp.MustCompile(`<[a-z-]+>|[^<]+`)
	asTheyAre  = []string{"targets", "fronts", "separators", "ends", "hosts"} // in these lists nothing more is escaped
)

// spell makes a word of a list. A <NAME> in it becomes one of the list NAME.
func (s *speller) spell(list string) string {
	word, known := s.before[list]
	for known = known && s.rand.IntN(4) > 0; !known; known = s.wild || legal(word) {
		word = s.lists[list][s.rand.IntN(len(s.lists[list]))]
	}
	if list == "dotdots" || list == "separators" {
		s.before[list] = word
	}
	return partOfWord.ReplaceAllStringFunc(word, func(part string) string {
		switch {
		case part[0] == '<':
			return s.spell(part[1 : len(part)-1])
		case slices.Contains(asTheyAre, list):
			return part
		}
		return s.escapeSome(part)
	})
}

// legal reports whether the contract allows this part of a target.
func legal(part string) bool {
	decoded, err := url.PathUnescape(part)
	return err == nil && utf8.ValidString(decoded) && strings.Count(decoded, "/") == strings.Count(part, "/") && !strings.Contains(decoded, "\x00") &&
		!strings.ContainsFunc(part, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' })
}

// escapeSome sometimes escapes a letter or a dot that needs no escape.
func (s *speller) escapeSome(segment string) string {
	if len(segment) == 0 || s.rand.IntN(4) > 0 {
		return segment
	}
	i := s.rand.IntN(len(segment))
	if segment[i] == '%' || i > 0 && segment[i-1] == '%' || i > 1 && segment[i-2] == '%' {
		return segment
	}
	return segment[:i] + fmt.Sprintf("%%%02X", segment[i]) + segment[i+1:]
}

// reached says whether a careless server would send a secret for a target. Such a
// server decodes the target, perhaps twice or leniently, and appends it to the name
// of its folder. This shows that the spellings are dangerous.
func (tr *tree) reached(target string) bool {
	if i := strings.Index(target, "://"); i > 0 {
		target = target[i+3:]
		target = target[max(0, strings.IndexByte(target, '/')):]
	}
	lenient := strings.NewReplacer("\xc0\xae", ".", "\xe0\x80\xae", ".", "\xf0\x80\x80\xae", ".", "\xc0\xaf", "/", "\xe0\x80\xaf", "/", "．", ".", "／", "/", "\u2025", "..", "\u2024", ".",
		`\`, "/", ";x=1", "", ";", "", "::$DATA", "", "\x00", "", "\u200b", "")
	target, _, _ = strings.Cut(target, "?")
	target, _, _ = strings.Cut(target, "#")
	for range 3 {
		for _, path := range []string{target, lenient.Replace(target), strings.TrimRight(lenient.Replace(target), ". \n\t/")} {
			for _, name := range []string{tr.root + "/" + path, filepath.Join(tr.root, path), path} {
				if text, err := os.ReadFile(name); err == nil && strings.Contains(string(text), secretMark) {
					return true
				}
			}
		}
		once, err := url.PathUnescape(target)
		if err != nil {
			break
		}
		target = once
	}
	return false
}

// TestEscapeSpellings asks each server for some thousand generated targets.
func TestEscapeSpellings(t *testing.T) {
	const many = 12000
	tr := newTree(t)
	s := newSpeller(tr)
	asks := make([]query, many)
	distinct := map[string]bool{}
	for i := range asks {
		asks[i] = s.ask()
		distinct[asks[i].String()] = true
	}
	dangerous := 0
	for spelling := range distinct {
		if tr.reached(strings.Fields(spelling)[1]) {
			dangerous++
		}
	}
	t.Logf("seed %d: %d requests, %d of them distinct, %d reach a secret in a careless server", seed, many, len(distinct), dangerous)
	if len(distinct) < 10000 || dangerous < 1500 {
		t.Errorf("these spellings are not dangerous")
	}
	both(t, func(t *testing.T, stage int) {
		for flag, batch := range map[string]int{"-keep-alive=false": 1, "-keep-alive": 32} {
			t.Run(flag, func(t *testing.T) {
				all, err := start(t, stage, tr.root, "-log off "+flag).ask(batch, asks...)
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				statuses := map[int]int{}
				for i, r := range all {
					statuses[r.Status]++
					if r.Status == 200 && asks[i].method == "GET" && !strings.HasPrefix(string(r.content), "PUBLIC ") {
						t.Errorf("the answer to %q: which file is %q?", asks[i], r.content)
					}
				}
				t.Logf("%d requests, by status %v, with a secret 0", many, statuses)
				for _, status := range []int{200, 301, 400, 404} {
					if statuses[status] < 10 {
						t.Errorf("only %d answers are a %d: too few for a test", statuses[status], status)
					}
				}
			})
		}
	})
}
