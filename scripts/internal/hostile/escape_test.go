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
		symlink(t, strings.Replace(l.to, "{above}", filepath.ToSlash(above), 1), tr.root, l.name)
	}
	return tr
}

// public is the text of a file that everybody may read.
func public(name string) string { return "PUBLIC " + strings.ToUpper(name) }

// A link is a symbolic link below root, and the answer to a GET of a target that goes
// through it. {above} stands for the folder above the root.
type link struct {
	name, to string
	target   string
	status   int
	text     string // of a 200
}

var links = func() (all []link) {
	for _, e := range list("links") {
		l := link{name: e.Keys[0].Name, to: strings.TrimPrefix(e.Keys[0].Value, "-> "), target: e.Name}
		status, file, _ := strings.Cut(e.Want, " ")
		if l.status = number(status); file != "" {
			l.text = public(file)
		}
		all = append(all, l)
	}
	return all
}()

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

// hardNames are the names of testdata/names.txt, by the status of an answer.
var hardNames = pools("names")

// TestEscapeHardNames: such a file is served where the contract serves it.
func TestEscapeHardNames(t *testing.T) {
	dir := t.TempDir()
	statuses := map[string]int{} // by name
	for _, status := range []string{"200", "400", "404"} {
		for _, name := range hardNames[status] {
			plant(t, dir, name, "file "+name)
			statuses[name] = number(status)
		}
	}
	both(t, func(t *testing.T, stage int) {
		s := start(t, stage, dir, "-log off")
		for name, status := range statuses {
			text := "file " + name
			for _, target := range []string{escapeAll(name), escapeFew(name)} {
				if err := s.wants(1, target, status, text); err != nil {
					t.Errorf("%q: %v", name, err)
				}
				all, _, err := s.ask(1, query{"HEAD", target, "localhost"})
				if err != nil || all[0].Status != status || status == 200 && all[0].length != len(text) {
					t.Errorf("HEAD of %q: %v, %v", name, all, err)
				}
			}
		}
		t.Logf("%d names, 4 requests for each, wrong answers: 0 unless said", len(statuses))
	})
}

// TestEscapeHardDirectories: a redirect to a folder with line ends in its name is one
// answer, and its Location works.
func TestEscapeHardDirectories(t *testing.T) {
	dir := t.TempDir()
	names := hardNames["301"]
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
