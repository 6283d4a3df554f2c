//go:build kit && linux

package hostile

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// A tree is a folder "root" with secrets in and around it.
type tree struct {
	above, root string
	outside     []string // the secrets around it, from above on
	hidden      []string // the secrets in it, from root on
}

func newTree(t *testing.T) *tree {
	t.Helper()
	above := t.TempDir()
	tr := &tree{above: above, root: filepath.Join(above, "root"),
		outside: []string{"secret.txt", ".secret", "root-sibling/secret.txt", "root-sibling/index.html", "root.bak", "rootsecret", "outside/secret.txt",
			"outside/index.html", "outside/file.txt", "outside/d/file.txt"},
		hidden: []string{".env", ".git/config", ".git/index.html", ".hidden/index.html", "d/.htpasswd", "d/.well-known/secret.txt", "...", "..secret", "..d/secret.txt", "d/e/.a/.b/secret.txt"}}
	plantAll(t, above, secret, tr.outside...)
	plantAll(t, tr.root, secret, tr.hidden...)
	plantAll(t, tr.root, public, "index.html", "file.txt", "d/index.html", "d/file.txt", "d/e/file.txt", "a..b", ".shown")
	for _, l := range links {
		symlink(t, strings.Replace(l.to, "ABOVE", filepath.ToSlash(above), 1), tr.root, l.name)
	}
	return tr
}

// public is the text of a file that everybody may read.
func public(name string) string { return "PUBLIC " + strings.ToUpper(name) }

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

// TestEscapeLinks asks for each link.
func TestEscapeLinks(t *testing.T) {
	tr := newTree(t)
	both(t, func(t *testing.T, stage int) {
		s := start(t, stage, tr.root, "-log off")
		for _, l := range links {
			if err := s.wants(1, l.target, l.status, l.text); err != nil {
				t.Errorf("%s -> %s: %v", l.name, l.to, err)
			}
		}
		t.Logf("%d links, wrong answers: 0 unless said", len(links))
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
	for i, n := range hardNames {
		plant(t, dir, n.name, fmt.Sprint("file ", i))
	}
	both(t, func(t *testing.T, stage int) {
		s := start(t, stage, dir, "-log off")
		for i, n := range hardNames {
			text := fmt.Sprint("file ", i)
			for _, target := range []string{escapeAll(n.name), escapeFew(n.name)} {
				if err := s.wants(1, target, n.status, text); err != nil {
					t.Errorf("%q: %v", n.name, err)
				}
				all, _, err := s.ask(1, query{"HEAD", target, "localhost"})
				if err != nil || all[0].Status != n.status || n.status == 200 && all[0].length != len(text) {
					t.Errorf("HEAD of %q: %v, %v", n.name, all, err)
				}
			}
		}
		t.Logf("%d names, 4 requests for each, wrong answers: 0 unless said", len(hardNames))
	})
}

// TestEscapeHardDirectories: a redirect to a folder with line ends in its name is one
// answer, and its Location works.
func TestEscapeHardDirectories(t *testing.T) {
	dir := t.TempDir()
	names := []string{"a\r\n\r\nHTTP/1.1 200 OK", "a\nSet-Cookie: x=y", "q?x", "p%2e", "#"}
	for _, name := range names {
		plant(t, dir, name+"/index.html", "in")
	}
	both(t, func(t *testing.T, stage int) {
		s := start(t, stage, dir, "-log off")
		for _, name := range names {
			target := escapeAll(name)
			all, _, err := s.ask(1, get(target))
			if err != nil || all[0].Status != 301 || all[0].location != target+"/" {
				t.Errorf("%q: want a 301 to %q, got %v, %v", name, target+"/", all, err)
			}
			if err := s.wants(1, target+"/", 200, "in"); err != nil {
				t.Errorf("%q: %v", name, err)
			}
		}
		t.Logf("%d folders, %d requests, wrong answers: 0 unless said", len(names), 2*len(names))
	})
}

// escapeAll escapes every octet of a name except its slashes.
func escapeAll(name string) string {
	if len(name) > 2<<10 { // no request line is that long
		return escapeFew(name)
	}
	return escape(name, "%%%02x", func(octet byte) bool { return octet != '/' })
}

// escapeFew escapes only what must be escaped.
func escapeFew(name string) string {
	return escape(name, "%%%02X", func(octet byte) bool {
		return octet <= ' ' || octet >= 0x7f || octet == '%' || octet == '?' || octet == '#'
	})
}

func escape(name, as string, must func(byte) bool) string {
	var b strings.Builder
	b.WriteByte('/')
	for _, octet := range []byte(name) {
		if must(octet) {
			fmt.Fprintf(&b, as, octet)
		} else {
			b.WriteByte(octet)
		}
	}
	return b.String()
}
