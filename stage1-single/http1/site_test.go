package http1

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestStatusOf(t *testing.T) {
	dir := t.TempDir()
	site, err := OpenSite(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, escapes := site.root.Stat("../x")
	_, missing := site.root.Stat("x")
	for _, c := range []struct {
		name string
		err  error
		want int
	}{
		{"no permission", &fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, 403},
		{"wrapped", fmt.Errorf("open: %w", fs.ErrPermission), 403},
		{"missing", missing, 404},
		{"leads out of the root", escapes, 404},
		{"too many open files", &fs.PathError{Op: "openat", Path: "x", Err: syscall.EMFILE}, 503},
		{"too many open files of all programs", &fs.PathError{Op: "openat", Path: "x", Err: syscall.ENFILE}, 503},
		{"anything else", errors.New("a disk error"), 404},
	} {
		if got := statusOf(c.err); c.err == nil || got != c.want {
			t.Errorf("%s: %v is %d, want %d", c.name, c.err, got, c.want)
		}
	}
}

func TestParseTarget(t *testing.T) {
	for _, c := range []struct {
		method, target string
		name           string // of the file; "400" for an error
		dir            bool
	}{
		{"GET", "/", ".", true}, {"GET", "/a", "a", false}, {"GET", "/a/", "a", true}, {"GET", "/a/b", "a/b", false},
		{"GET", "/a%20b?c/../d", "a b", false}, {"GET", "//a///b", "a/b", false}, {"GET", "/a/./../b/.", "b", true},
		{"GET", "/..", "", false}, {"GET", "/a/../..", "", false}, {"GET", "/%2e%2e/a", "", false}, {"GET", "/.a", "", false},
		{"GET", "/a\\b", "", false}, {"GET", "/%5c", "", false}, {"GET", "/...", "", false}, {"GET", "/a//../b", "a/b", false}, {"GET", "/.a/../b", "b", false}, {"GET", "/a\\b/../c", "c", false}, {"GET", "//..", ".", true}, {"GET", "//../..", "", false},
		{"GET", "http://h/a", "a", false}, {"GET", "HTTP://h", ".", true}, {"GET", "http://h?x", ".", true},
		{"GET", "http://", "400", false}, {"GET", "http:///a", "400", false}, {"GET", "http:/a", "400", false}, {"GET", "a", "400", false},
		{"GET", "*", "400", false}, {"OPTIONS", "*", "", false}, {"OPTIONS", "h:1", "400", false}, {"GET", "h:1", "400", false},
		{"CONNECT", "h:1", "", false}, {"CONNECT", "h", "400", false}, {"CONNECT", "h:", "400", false}, {"CONNECT", "[::1]:1", "", false}, {"CONNECT", "[]%20:1", "400", false},
		{"GET", "/%", "400", false}, {"GET", "/%0", "400", false}, {"GET", "/%zz", "400", false}, {"GET", "/%00", "400", false},
		{"GET", "/a%2Fb", "400", false}, {"GET", "/a%2fb", "400", false}, {"GET", "/%ff", "400", false}, {"GET", "/#", "400", false}, {"GET", "/\xff", "400", false},
	} {
		got, err := ParseTarget([]byte(c.method), []byte(c.target))
		if err != nil {
			got.Name = "400"
			var status *StatusError
			if !errors.As(err, &status) || status.Status != 400 {
				t.Errorf("%s %s: %v is no 400", c.method, c.target, err)
			}
		}
		if got.Name != c.name || got.Dir != c.dir {
			t.Errorf("%s %s: %q %v, want %q %v", c.method, c.target, got.Name, got.Dir, c.name, c.dir)
		}
	}
}

func TestGetDoesNotOpenDirectoriesOrLinksOut(t *testing.T) {
	above := t.TempDir()
	dir := filepath.Join(above, "root")
	for _, d := range []string{"d", "d/index.html"} { // an index.html that is a directory
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	site, err := OpenSite(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		target string
		want   int
	}{{"/d", 301}, {"/d/", 404}, {"/d/index.html", 301}, {"/", 404}, {"/none", 404}} {
		target, err := ParseTarget([]byte("GET"), []byte(c.target))
		if err != nil {
			t.Fatal(err)
		}
		if resp := site.Get(target); resp.Status != c.want {
			t.Errorf("%s: %d, want %d", c.target, resp.Status, c.want)
		}
	}
}

// TestRedirect: Location is the path as it came, and leads to no other host.
func TestRedirect(t *testing.T) {
	for _, c := range []struct{ target, location string }{
		{"/dir", "/dir/"},
		{"/dir?a=//b", "/dir/?a=//b"},
		{"/%64ir", "/%64ir/"},
		{"//dir", "/dir/"},
		{"//evil.example/../dir", "/evil.example/../dir/"},
		{"/.//evil.example/../dir", "/.//evil.example/../dir/"},
		{`/\evil.example/../dir`, "/%5Cevil.example/../dir/"},
		{`//\evil.example/../dir`, "/%5Cevil.example/../dir/"},
		{`/\/evil.example/../../dir`, "/%5C/evil.example/../../dir/"},
		{`/\\evil.example/../dir`, "/%5C%5Cevil.example/../dir/"},
		{"/%5cevil.example/../dir", "/%5cevil.example/../dir/"},
		{`/dir?\evil`, "/dir/?%5Cevil"},
		{`http://h/\evil.example/../dir`, "/%5Cevil.example/../dir/"},
		{"http://h//evil.example/../dir", "/evil.example/../dir/"},
	} {
		target, err := ParseTarget([]byte("GET"), []byte(c.target))
		if err != nil || target.Name != "dir" || target.Dir {
			t.Errorf("%s: %+v, %v is not the directory without its slash", c.target, target, err)
		}
		if got := redirect(target).Location; got != c.location {
			t.Errorf("%s leads to %s, want %s", c.target, got, c.location)
		}
	}
}

// FuzzParseTarget: whatever is asked for, the name is below the root, nothing
// in it is hidden, and a redirect stays on this host.
func FuzzParseTarget(f *testing.F) {
	for _, seed := range []string{"/", "/a/../b%20c?d", "//h/..%5c", "/%2e%2e/%252e", "http://h/a", "/..;/x", "/%e4%bd%a0", "/./.%2e/a", `/\h/../a`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		if target == "" || strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return // the request line does not let these through
		}
		got, err := ParseTarget([]byte("GET"), []byte(target))
		if err != nil || got.Name == "" {
			return
		}
		if !fs.ValidPath(got.Name) {
			t.Errorf("%q is the name %q", target, got.Name)
		}
		for segment := range strings.SplitSeq(got.Name, "/") {
			if segment != "." && strings.HasPrefix(segment, ".") || strings.ContainsAny(segment, "\\\x00") {
				t.Errorf("%q has a segment %q", target, segment)
			}
		}
		if got.Dir {
			return // it is not redirected
		}
		if location := redirect(got).Location; !strings.HasPrefix(location, "/") || strings.HasPrefix(location, "//") || strings.ContainsAny(location, "\\\r\n") {
			t.Errorf("%q leads to %q", target, location)
		}
	})
}

// TestOnlyRegularFiles: what has taken a file's place after the look is refused.
func TestOnlyRegularFiles(t *testing.T) {
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := fileResponse(dir); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a directory: %+v, %v", resp, err)
	}
	if err := dir.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("it was left open: closing says %v", err)
	}
}
