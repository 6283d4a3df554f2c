//go:build kit && linux

package hostile

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// spellings are the words of testdata/targets.txt, by the name of their list.
var spellings = pools("targets")

// A speller makes targets that try to get at secrets.
type speller struct {
	*tree
	rand *rand.Rand
	wild bool // also use spellings that make the whole target illegal, so that the server looks for no file
}

func (s speller) pick(from []string) string {
	for {
		if part := from[s.rand.IntN(len(from))]; s.wild || legal(part) {
			return part
		}
	}
}

// spell picks a word of testdata/targets.txt.
func (s speller) spell(list string) string { return s.pick(spellings[list]) }

// legal reports whether the contract allows this part of a target.
func legal(part string) bool {
	decoded, err := url.PathUnescape(part)
	return err == nil && utf8.ValidString(decoded) && strings.Count(decoded, "/") == strings.Count(part, "/") && !strings.Contains(decoded, "\x00") &&
		!strings.ContainsFunc(part, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' })
}

// ask makes a request. Most of its tricks are in its target. If the target has a
// control octet, the method is GET: a server that refuses the line need not find out
// whether the method is HEAD.
func (s speller) ask() query {
	s.wild = s.rand.IntN(2) == 0
	a := query{"GET", s.target(), "localhost"}
	if s.wild {
		a.host = s.spell("hosts")
	}
	if s.rand.IntN(5) == 0 && !strings.ContainsFunc(a.target, unicode.IsControl) {
		a.method = "HEAD"
	}
	return a
}

func (s speller) target() string {
	switch s.rand.IntN(7) {
	case 0, 1: // down some folders, up more, and to a secret
		return s.join(append(s.climb(), s.segments(s.pick(s.outside))...))
	case 2: // out, and back in to what is hidden
		return s.join(append(append(s.climb(), "root"), s.segments(s.pick(s.hidden))...))
	case 3: // to what is hidden, or through a link, with detours
		path := s.pick(s.hidden)
		if s.rand.IntN(2) == 0 {
			path = links[s.rand.IntN(len(links))].target + s.spell("behind-links")
		}
		var segments []string
		for _, segment := range s.segments(path) {
			for s.rand.IntN(3) == 0 {
				segments = append(segments, s.spell("detours"))
				if last := segments[len(segments)-1]; last == "d" || last == "x" {
					segments = append(segments, s.spell("dotdots"))
				}
			}
			segments = append(segments, segment)
		}
		return s.join(segments)
	case 4: // the whole path of a secret in the system
		return s.join(s.segments(filepath.ToSlash(s.above) + "/" + s.pick(s.outside)))
	case 5: // a walk inside, so that there is something to be had
		segments := []string{s.spell("inside")}
		for range s.rand.IntN(4) {
			segments = append(segments, s.spell("walk"))
		}
		return s.join(segments)
	}
	var segments []string
	for range 1 + s.rand.IntN(12) {
		segments = append(segments, s.pick([]string{s.spell("dotdots"), s.spell("odds"), s.pick(s.segments(s.pick(s.outside)))}))
	}
	return s.join(segments)
}

// climb is a way out of the root: up to three folders down, then one more up, and
// sometimes even more.
func (s speller) climb() (segments []string) {
	down := s.rand.IntN(4)
	for range down {
		segments = append(segments, s.spell("folders-down"))
	}
	up, way := down+1, s.spell("dotdots")
	if s.rand.IntN(4) == 0 {
		up = s.rand.IntN(12)
	}
	for range up {
		if s.rand.IntN(4) == 0 { // not all in the same spelling
			way = s.spell("dotdots")
		}
		segments = append(segments, way)
	}
	return segments
}

func (s speller) segments(path string) []string {
	return strings.Split(strings.Trim(path, "/"), "/")
}

// join joins the segments, with one kind of separator or with a new one each time,
// and adds something before and after them.
func (s speller) join(segments []string) string {
	separator, mixed := s.spell("separators"), s.rand.IntN(3) == 0
	var b strings.Builder
	b.WriteString(s.spell("fronts"))
	b.WriteString("/")
	for i, segment := range segments {
		if i > 0 {
			if mixed {
				separator = s.spell("separators")
			}
			b.WriteString(separator)
		}
		b.WriteString(s.escapeSome(segment))
	}
	b.WriteString(s.spell("ends"))
	return strings.Map(func(r rune) rune { // these two would end the request line
		if r == '\r' || r == '\n' {
			return -1
		}
		return r
	}, b.String())
}

// escapeSome sometimes escapes a letter or a dot that needs no escape.
func (s speller) escapeSome(segment string) string {
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
	s := speller{tr, rand.New(rand.NewPCG(seed, 1)), true}
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
		for _, test := range []struct {
			flag  string
			batch int
		}{{"-keep-alive=false", 1}, {"-keep-alive", 32}} {
			t.Run(test.flag, func(t *testing.T) {
				server := start(t, stage, tr.root, "-log off "+test.flag)
				all, conns, err := server.ask(test.batch, asks...)
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
				t.Logf("%d requests on %d connections, by status %v, with a secret 0", many, conns, statuses)
				for _, status := range []int{200, 301, 400, 404} {
					if statuses[status] < 10 {
						t.Errorf("only %d answers are a %d: too few for a test", statuses[status], status)
					}
				}
			})
		}
	})
}
