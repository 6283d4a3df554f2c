//go:build kit

package hostile

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// seed makes the secrets and the spellings. A failure shows it.
const seed = 20260807

// secrets knows all secrets, by every eight octets in a row. No answer may have them.
type secrets struct {
	rand    *rand.Rand
	windows map[[8]byte]string // to the file's name
}

func newSecrets() *secrets {
	return &secrets{rand.New(rand.NewPCG(seed, 0)), map[[8]byte]string{}}
}

// text makes the secret of a file: 32 random letters, repeated four times.
func (s *secrets) text(name string) string {
	letters := make([]byte, 32)
	for i := range letters {
		letters[i] = 'a' + byte(s.rand.IntN(26))
	}
	text := strings.Repeat(string(letters), 4)
	for i := range letters {
		s.windows[[8]byte([]byte(text[i:i+8]))] = name
	}
	return text
}

// in finds the file whose secret, or a part of it, is in some bytes.
func (s *secrets) in(b []byte) string {
	for i := 0; i+8 <= len(b); i++ {
		if name := s.windows[[8]byte(b[i:i+8])]; name != "" {
			return name
		}
	}
	return ""
}

// A tree is a folder "root" with secrets in and around it.
type tree struct {
	*secrets
	above, root string
	outside     []string // the secrets around it, from above on
	hidden      []string // the secrets in it, from root on
	links       bool     // whether the system lets us make links
}

// newTree makes a tree. plantLinks adds the links.
func newTree(t *testing.T) *tree {
	t.Helper()
	above, err := filepath.EvalSymlinks(t.TempDir()) // macOS has /var behind a link
	if err != nil {
		t.Fatal(err)
	}
	tr := &tree{secrets: newSecrets(), above: above, root: filepath.Join(above, "root"),
		outside: []string{"secret.txt", ".secret", "root-sibling/secret.txt", "root-sibling/index.html", "root.bak", "rootsecret", "outside/secret.txt",
			"outside/index.html", "outside/file.txt", "outside/d/file.txt"},
		hidden: []string{".env", ".git/config", ".git/index.html", ".hidden/index.html", "d/.htpasswd", "d/.well-known/secret.txt", "...", "..secret", "..d/secret.txt", "d/e/.a/.b/secret.txt"}}
	for _, name := range tr.outside {
		plant(t, above, name, tr.text(name))
	}
	for _, name := range tr.hidden {
		plant(t, tr.root, name, tr.text(name))
	}
	for _, name := range []string{"index.html", "file.txt", "d/index.html", "d/file.txt", "d/e/file.txt", "a..b"} {
		plant(t, tr.root, name, public(name))
	}
	tr.plantLinks(t)
	return tr
}

// public is the text of a file that everybody may read.
func public(name string) string { return "PUBLIC " + strings.ToUpper(name) }

func plant(t *testing.T, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A link is a symbolic link below root, and the answer to a GET of a target that goes
// through it. ABOVE stands for the folder above the root.
type link struct {
	name, to string
	target   string
	status   int
	text     string // of a 200
}

// These links lead out, in, in a circle, and nowhere. The server follows a link that
// stays inside, even to a hidden file: somebody made the link for this, and its own
// name is not hidden. It refuses a link that goes out and comes back in, and an
// absolute link. (A hard link is the file itself: nobody can tell them apart.)
var links = []link{
	{"rel-out", "../secret.txt", "/rel-out", 404, ""},
	{"abs-out", "ABOVE/secret.txt", "/abs-out", 404, ""},
	{"to-link", "rel-out", "/to-link", 404, ""},
	{"to-to-link", "d/../to-link", "/to-to-link", 404, ""},
	{"d/deep-out", "../../outside/secret.txt", "/d/deep-out", 404, ""},
	{"d/e/through", "../../dir-out/secret.txt", "/d/e/through", 404, ""},
	{"dir-out", "../outside", "/dir-out/secret.txt", 404, ""},
	{"dir-abs", "ABOVE/outside", "/dir-abs/", 404, ""},
	{"to-dir-out", "dir-out", "/to-dir-out/d/file.txt", 404, ""},
	{"dir-out-again", "../outside/", "/dir-out-again", 404, ""},
	{"sibling", "../root-sibling", "/sibling/", 404, ""},
	{"d/up", "../..", "/d/up/secret.txt", 404, ""},
	{"d/up-and-back", "../../root/d", "/d/up-and-back/file.txt", 404, ""},
	{"abs-in", "ABOVE/root/d/file.txt", "/abs-in", 404, ""},
	{"parent", "..", "/parent/root/file.txt", 404, ""},
	{"dirs/index.html", "../../secret.txt", "/dirs/", 404, ""},
	{"system", "/etc/passwd", "/system", 404, ""},
	{"system-dir", "/etc", "/system-dir/passwd", 404, ""},
	{"slash", "/", "/slash/etc/passwd", 404, ""},
	{"process", "/proc/self/environ", "/process", 404, ""},
	{"loop", "loop", "/loop", 404, ""},
	{"loop-a", "loop-b", "/loop-a", 404, ""},
	{"loop-b", "loop-a", "/loop-b/x", 404, ""},
	{"dangling", "nothing", "/dangling", 404, ""},
	{"dangling-out", "../nothing", "/dangling-out", 404, ""},
	{".link", "file.txt", "/.link", 404, ""},
	{"in", "d/e/file.txt", "/in", 200, public("d/e/file.txt")},
	{"d/e/in-up", "../../file.txt", "/d/e/in-up", 200, public("file.txt")},
	{"in-in", "in", "/in-in", 200, public("d/e/file.txt")},
	{"dir-in", "d", "/dir-in/", 200, public("d/index.html")},
	{"dir-in-too", "dir-in/e", "/dir-in-too/file.txt", 200, public("d/e/file.txt")},
	{"dir-in-last", "d", "/dir-in-last", 301, ""},
	{"shown", ".shown", "/shown", 200, public(".shown")},
}

func (tr *tree) plantLinks(t *testing.T) {
	t.Helper()
	plant(t, tr.root, ".shown", public(".shown"))
	for _, l := range links {
		name := filepath.Join(tr.root, filepath.FromSlash(l.name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		to := filepath.FromSlash(strings.Replace(l.to, "ABOVE", filepath.ToSlash(tr.above), 1))
		if err := os.Symlink(to, name); err != nil {
			if runtime.GOOS != "windows" {
				t.Fatal(err)
			}
			t.Logf("cannot make symbolic links here: %v", err)
			return
		}
	}
	tr.links = true
}

// TestEscapeLinks asks for each link.
func TestEscapeLinks(t *testing.T) {
	tr := newTree(t)
	if !tr.links {
		t.Skip("Windows makes links only for who may")
	}
	both(t, func(t *testing.T, stage int) {
		s := start(t, stage, tr.root, "-log", "off")
		for _, l := range links {
			_, err := exchange(s.Addr, 1, []query{get(l.target)}, func(_ query, r reply) error {
				if name := tr.in(append(r.head, r.body...)); name != "" {
					return fmt.Errorf("the answer has the secret of %s", name)
				}
				if r.status != l.status || l.status == 200 && string(r.body) != l.text {
					return fmt.Errorf("%d %q, want %d %q", r.status, r.body, l.status, l.text)
				}
				return nil
			})
			if err != nil {
				t.Errorf("%s -> %s: %v", l.name, l.to, err)
			}
		}
		t.Logf("%d links, wrong answers: 0 unless said", len(links))
	})
}

// both runs a test on stage 1 and on stage 2.
func both(t *testing.T, f func(t *testing.T, stage int)) {
	for stage := 1; stage <= 2; stage++ {
		t.Run(fmt.Sprintf("stage %d", stage), func(t *testing.T) { f(t, stage) })
	}
}

// Right and wrong spellings of the parts of a path. Each wrong one fooled some
// server: it was taken for a dot-dot, a separator, or the end of a name.
var (
	dotdots = []string{"..", "..", "..", "%2e%2e", "%2E%2e", ".%2e", "%2e.", "%252e%252e", "%25252e.", "%c0%ae%c0%ae", "%C0%AE.", "%e0%80%ae%e0%80%ae", "%f0%80%80%ae.",
		"%uff0e%uff0e", "%ef%bc%8e%ef%bc%8e", "%e2%80%a5", "%e2%80%a4%e2%80%a4", "..;", "..;x=1", "%2e%2e;", "..%00", "..%0a", "..%0d", "..%09", "..%20", ".. ", "...", "....", ".%00.",
		"..%01", "..::$DATA", "..%3a%3a$INDEX_ALLOCATION", "%%32%65.", "..%", "%2e%2", "..?", "..#", "\xc0\xae\xc0\xae", "．．", "..%ff", "..%2e", "x/../..", "./..", "..%7f", "%2e%2e%e2%80%8b"}
	separators = []string{"/", "/", "/", "/", "/", "//", "/./", "/.//", "/%2e/", "%2f", "%2F", "%252f", "%25252F", "\\", "%5c", "%5C", "%255c", "/;/", "%c0%af", "%e0%80%af", "%ef%bc%8f", "%u2215",
		"\\/", "%5c%5c", "/%5c", "/x/../", "%00/", "/\t/", "///"}
	ends = []string{"", "", "", "", "", "/", "//", "/.", "/..", ".", "..", "%20", "%20%20", " ", "%2e", "%00", "%00.html", "%00/", "%0a", "%09", "::$DATA", "%3a$DATA", ":x", "?", "?x", "?/../x", "??", "#", "#x",
		";", ";x", "~", ".bak", "%", "*", "\\", "%5c", "%2f", "/index.html", "%c3%28", "\x00", "\xff"}
	odds = []string{"", ".", "root", "outside", "CON", "NUL.txt", "aux", "C:", "c:%5c", "C%3a", "%5c%5chost%5cshare", "%5c%5c?%5c", "~", "~root", "ROOT~1", "GIT~1", "..", "file:", "http:", "*", "d", "dir-out",
		"rel-out", "%2e", "%00", " ", "index.html", "secret.txt", ".env", ".git", "%2egit", "etc", "proc", "self", "太", "%e5%a4%aa", "e%cc%81", "%f0%9f%98%80", "%ed%a0%80", "%fe%ff", "-", "$HOME", "%24%7Bx%7D"}
	fronts = []string{"", "", "", "", "", "", "", "", "http://localhost", "HTTP://x:99", "http://..", "http://", "http:/", "http://a@localhost", "https://localhost", "file://", "file://localhost", "//localhost", "/", "*",
		"localhost", ".", "..", "%2f", "\\", "http://localhost?", "http://%2e%2e", "http://[::1]:80"}
	hosts = []string{"localhost", "localhost", "localhost", "localhost", "localhost", "localhost", "localhost", "localhost", "127.0.0.1:1", "[::1]", "..", "...", "%2e%2e", "localhost/../..", "../secret.txt", "", "localhost:80/..", "/etc", "\\", "x%00", "root-sibling"}
)

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
		a.host = s.pick(hosts)
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
			path = links[s.rand.IntN(len(links))].target + s.pick([]string{"", "/secret.txt", "/../secret.txt", "/../../secret.txt", "/d/file.txt"})
		}
		var segments []string
		for _, segment := range s.segments(path) {
			for s.rand.IntN(3) == 0 {
				segments = append(segments, s.pick([]string{".", "", "d", "x"}))
				if last := segments[len(segments)-1]; last == "d" || last == "x" {
					segments = append(segments, s.pick(dotdots))
				}
			}
			segments = append(segments, segment)
		}
		return s.join(segments)
	case 4: // the whole path of a secret in the system
		return s.join(s.segments(filepath.ToSlash(s.above) + "/" + s.pick(s.outside)))
	case 5: // a walk inside, so that there is something to be had
		segments := []string{s.pick([]string{"d", "dir-in", ".", "x/..", "file.txt"})}
		for range s.rand.IntN(4) {
			segments = append(segments, s.pick([]string{"e", "..", ".", "", "file.txt", "d"}))
		}
		return s.join(segments)
	}
	var segments []string
	for range 1 + s.rand.IntN(12) {
		segments = append(segments, s.pick([]string{s.pick(dotdots), s.pick(odds), s.pick(s.segments(s.pick(s.outside)))}))
	}
	return s.join(segments)
}

// climb is a way out of the root: up to three folders down, then one more up, and
// sometimes even more.
func (s speller) climb() (segments []string) {
	down := s.rand.IntN(4)
	for range down {
		segments = append(segments, s.pick([]string{"d", "e", "x", "", ".", "dir-in", "dir-out", "a..b"}))
	}
	up, way := down+1, s.pick(dotdots)
	if s.rand.IntN(4) == 0 {
		up = s.rand.IntN(12)
	}
	for range up {
		if s.rand.IntN(4) == 0 { // not all in the same spelling
			way = s.pick(dotdots)
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
	separator, mixed := s.pick(separators), s.rand.IntN(3) == 0
	var b strings.Builder
	b.WriteString(s.pick(fronts))
	b.WriteString("/")
	for i, segment := range segments {
		if i > 0 {
			if mixed {
				separator = s.pick(separators)
			}
			b.WriteString(separator)
		}
		b.WriteString(s.escapeSome(segment))
	}
	b.WriteString(s.pick(ends))
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
				if text, err := os.ReadFile(name); err == nil && tr.in(text) != "" {
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
		if runtime.GOOS != "windows" && tr.reached(strings.Fields(spelling)[1]) { // Windows would open devices and ask other hosts
			dangerous++
		}
	}
	t.Logf("seed %d: %d requests, %d of them distinct, %d reach a secret in a careless server", seed, many, len(distinct), dangerous)
	if len(distinct) < 10000 || runtime.GOOS != "windows" && dangerous < 1500 {
		t.Errorf("these spellings are not dangerous")
	}
	both(t, func(t *testing.T, stage int) {
		for _, test := range []struct {
			name  string
			flags []string
			batch int
		}{{"one by one", nil, 1}, {"keep-alive", []string{"-keep-alive"}, 32}} {
			t.Run(test.name, func(t *testing.T) {
				server := start(t, stage, tr.root, append(test.flags, "-log", "off")...)
				statuses, found := map[int]int{}, 0
				conns, err := exchange(server.Addr, test.batch, asks, func(a query, r reply) error {
					statuses[r.status]++
					if name := tr.in(append(r.head, r.body...)); name != "" {
						found++
						t.Errorf("the answer to %q has the secret of %s: %q", a, name, r.head)
					}
					if r.status == 200 && a.method == "GET" && !strings.HasPrefix(string(r.body), "PUBLIC ") {
						return fmt.Errorf("which file is %q?", r.body)
					}
					if strings.HasPrefix(r.location, "//") || r.location != "" && r.location[0] != '/' {
						return fmt.Errorf("the redirect leads away, to %q", r.location)
					}
					return nil
				})
				if err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
				t.Logf("%d requests on %d connections, by status %v, with a secret %d", many, conns, statuses, found)
				for _, status := range []int{200, 301, 400, 404} {
					if statuses[status] < 10 {
						t.Errorf("only %d answers are a %d: too few for a test", statuses[status], status)
					}
				}
			})
		}
	})
}

// A name is hard to type. Each names a file. The test asks for it with every octet
// escaped, and with as few escapes as possible.
type hardName struct {
	name   string
	status int
}

var hardNames = []hardName{
	{"with space", 200}, {"  two  spaces  ", 200}, {" ", 200}, {"%", 200}, {"100%", 200}, {"%2e%2e", 200}, {"%252e", 200}, {"%41", 200}, {"%zz", 200}, {"a?b", 200}, {"?", 200}, {"#", 200}, {"a#b?c", 200},
	{`"`, 200}, {"'", 200}, {"`", 200}, {"<script>", 200}, {"a&b;c=d", 200}, {";", 200}, {"a+b", 200}, {"*", 200}, {"|", 200}, {"$(x)", 200}, {"-", 200}, {"--help", 200}, {"~", 200}, {"~root", 200}, {"a..b", 200}, {"a.", 200}, {"a..", 200},
	{"con", 200}, {"NUL.txt", 200}, {"C:", 200}, {"a:b", 200}, {"http:", 200}, {"desktop.ini", 200}, {"[::1]", 200}, {"^{}", 200}, {"A", 200}, {"index", 200},
	{"你好 世界", 200}, {"太.html", 200}, {"日本語", 200}, {"한국어", 200}, {"привет", 200}, {"عربى", 200}, {"e\u0301.nfd", 200}, {"\u00e9.nfc", 200}, {"😀", 200}, {"👩‍👩‍👧", 200}, {"\u202egnp.exe", 200}, {"\u200b", 200}, {"\ufeff", 200}, {"\ufffd", 200},
	{"new\nline", 200}, {"\r\nX: y", 200}, {"\t", 200}, {"\x01\x1b[31m\x7f", 200}, {"\u0085\u009b", 200},
	{strings.Repeat("x", 255), 200}, {strings.Repeat("太", 85), 200}, {strings.Repeat("long/", 600) + "way", 200},
	{"...", 404}, {"....", 404}, {"..a", 404}, {".a", 404}, {`back\slash`, 404}, {`\`, 404}, {"\xff\xfe", 400}, {"latin\xe9", 400}, {"\xed\xa0\x80", 400},
}

// TestEscapeHardNames: such a file is served where the contract serves it.
func TestEscapeHardNames(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var names []hardName
	for i, n := range hardNames {
		local := filepath.FromSlash(n.name)
		if runtime.GOOS == "windows" && (!filepath.IsLocal(local) || strings.ContainsAny(n.name, "<>:\"|?*\\\r\n\t\x01\x1b") || strings.TrimRight(n.name, " .") != n.name) {
			continue // there, these are not names, or other names
		}
		if runtime.GOOS == "darwin" && strings.HasSuffix(n.name, ".nfc") {
			t.Log("macOS takes NFC and NFD for the same name")
		}
		if i := strings.LastIndex(n.name, "/"); i >= 0 {
			if err := root.MkdirAll(filepath.FromSlash(n.name[:i]), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := root.WriteFile(local, []byte(fmt.Sprint("file ", i)), 0o644); err != nil {
			if runtime.GOOS == "linux" {
				t.Fatal(err)
			}
			t.Logf("cannot make %q here: %v", n.name, err)
			continue
		}
		names = append(names, n)
	}
	text := func(n hardName) string {
		b, err := root.ReadFile(filepath.FromSlash(n.name)) // if letter case or normal form do not count, a later file may have replaced it
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	both(t, func(t *testing.T, stage int) {
		s := start(t, stage, dir, "-log", "off")
		requests := 0
		for _, n := range names {
			for _, target := range []string{escapeAll(n.name), escapeFew(n.name)} {
				for _, method := range []string{"GET", "HEAD"} {
					requests++
					_, err := exchange(s.Addr, 1, []query{{method, target, "localhost"}}, func(_ query, r reply) error {
						switch {
						case r.status != n.status:
							return fmt.Errorf("%d, want %d", r.status, n.status)
						case n.status == 200 && r.length != int64(len(text(n))):
							return fmt.Errorf("%d bytes, want %d", r.length, len(text(n)))
						case n.status == 200 && method == "GET" && string(r.body) != text(n):
							return fmt.Errorf("%q, want %q", r.body, text(n))
						}
						return nil
					})
					if err != nil {
						t.Errorf("%q: %v", n.name, err)
					}
				}
			}
		}
		t.Logf("%d names of %d, %d requests, wrong answers: 0 unless said", len(names), len(hardNames), requests)
	})
}

// TestEscapeHardDirectories: a redirect to a folder with line ends in its name is one
// answer, and its Location works.
func TestEscapeHardDirectories(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such names")
	}
	dir := t.TempDir()
	names := []string{"a\r\n\r\nHTTP/1.1 200 OK", "a\nSet-Cookie: x=y", "q?x", "p%2e", "#"}
	for _, name := range names {
		plant(t, dir, name+"/index.html", "in")
	}
	both(t, func(t *testing.T, stage int) {
		s := start(t, stage, dir, "-log", "off")
		for _, name := range names {
			target := escapeAll(name)
			_, err := exchange(s.Addr, 1, []query{get(target), get(target + "/")}, func(a query, r reply) error {
				if a.target == target && (r.status != 301 || r.location != target+"/") {
					return fmt.Errorf("%d to %q, want 301 to %q", r.status, r.location, target+"/")
				}
				if a.target != target && (r.status != 200 || string(r.body) != "in") {
					return fmt.Errorf("%d %q", r.status, r.body)
				}
				return nil
			})
			if err != nil {
				t.Errorf("%q: %v", name, err)
			}
		}
		t.Logf("%d folders, %d requests, wrong answers: 0 unless said", len(names), 2*len(names))
	})
}

// escapeAll escapes every octet of a name except its slashes.
func escapeAll(name string) string {
	var b strings.Builder
	b.WriteByte('/')
	for _, octet := range []byte(name) {
		if octet == '/' {
			b.WriteByte(octet)
		} else {
			fmt.Fprintf(&b, "%%%02x", octet)
		}
	}
	if b.Len() > 7<<10 { // no request line is that long
		return escapeFew(name)
	}
	return b.String()
}

// escapeFew escapes only what must be escaped.
func escapeFew(name string) string {
	var b strings.Builder
	b.WriteByte('/')
	for _, octet := range []byte(name) {
		if octet <= ' ' || octet >= 0x7f || octet == '%' || octet == '?' || octet == '#' {
			fmt.Fprintf(&b, "%%%02X", octet)
		} else {
			b.WriteByte(octet)
		}
	}
	return b.String()
}
