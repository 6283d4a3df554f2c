package http1

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"weblab.example/stage1-single/strict"
)

// newSite is a site with these files, and its directory.
func newSite(t *testing.T, files map[string]string) (*Site, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "root")
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	site, err := OpenSite(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { site.root.Close() })
	return site, dir
}

// openFiles counts them where that can be done, on Linux.
func openFiles() int {
	if runtime.GOOS != "linux" {
		return 0 // in wine, /proc counts its files, too
	}
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

func TestGet(t *testing.T) {
	small, large := strings.Repeat("s", 32<<10), strings.Repeat("l", 32<<10+1)
	site, dir := newSite(t, map[string]string{
		"a.html": "A", "dir/index.html": "I", "dir/b c.txt": "B", "太.txt": "T", "a+b": "P", "100%": "%", ".hidden": "H", "dir/.hidden/a": "H", "empty": "",
		"d/index.html/x": "X", "small.bin": small, "large.bin": large, "../outside": "O",
	})
	if err := os.Symlink("../outside", filepath.Join(dir, "out")); err == nil { // where links are allowed
		if resp := site.Get("/out"); resp.Status != 404 || resp.Why == "" {
			t.Errorf("a link out of the root: %d, %q", resp.Status, resp.Why)
		}
	}
	open := openFiles()
	for _, c := range []struct {
		target string
		status int
		want   string // the body, or Location, or a part of what the log gets
	}{
		{"/a.html", 200, "A"}, {"/a.html?x=/../..", 200, "A"}, {"//dir/..//a.html", 200, "A"}, {"/%61.html", 200, "A"}, {"http://h/a.html", 200, "A"}, {"HTTP://h:1/dir/?http://x/", 200, "I"}, {"/dir/%2e%2e/a.html", 200, "A"},
		{"/dir/", 200, "I"}, {"/dir/index.html", 200, "I"}, {"/dir/.", 200, "I"}, {"/dir/b%20c.txt", 200, "B"}, {"/%E5%a4%AA.txt", 200, "T"}, {"/a+b", 200, "P"}, {"/%61+b", 200, "P"}, {"/100%25", 200, "%"}, {"/100%", 200, "%"},
		{"/empty", 200, ""}, {"/small.bin", 200, small}, {"/large.bin", 200, large},
		{"/dir", 301, "/dir/"}, {"/dir?a=//b", 301, "/dir/?a=//b"}, {"/%64ir", 301, "/%64ir/"}, {"/d/index.html", 301, "/d/index.html/"},
		{"//dir", 301, "/dir/"}, {"//evil.example/../dir", 301, "/evil.example/../dir/"}, {"/.//evil.example/../dir", 301, "/.//evil.example/../dir/"},
		{`/\evil.example/../dir`, 301, "/%5Cevil.example/../dir/"}, {`//\evil.example/../dir`, 301, "/%5Cevil.example/../dir/"}, {`/\/evil.example/../../dir`, 301, "/%5C/evil.example/../../dir/"},
		{"/%5cevil.example/../dir", 301, "/%5cevil.example/../dir/"}, {`/dir?\evil`, 301, "/dir/?%5Cevil"}, {`http://h/\evil.example/../dir`, 301, "/%5Cevil.example/../dir/"}, {"http://h//evil.example/../dir", 301, "/evil.example/../dir/"},
		{"/nothing.html", 404, "nothing.html"}, {"/", 404, "index.html"}, {"http://h", 404, "index.html"}, {"http://h?a.html", 404, "index.html"}, {"///", 404, "index.html"}, {"/d/", 404, "index.html"}, {"/a.html/", 404, "a.html/index.html"}, {"/A%2525", 404, "A%25"},
		{"/..", 404, "out of the root"}, {"/%2e%2e/outside", 404, "out of the root"}, {"/.hidden", 404, "not shown"}, {"/dir/.hidden/a", 404, "not shown"}, {"/%2ehidden", 404, "not shown"}, {"/dir%5cindex.html", 404, "not shown"},
	} {
		resp := site.Get(c.target)
		var sent strings.Builder
		n, err := resp.WriteTo(&sent)
		_, got, _ := strings.Cut(sent.String(), "\r\n\r\n")
		isLarge := got == large
		if err != nil || resp.ContentLength != n || n != int64(len(got)) || resp.Connection != "close" || (resp.File.Close() == nil) != isLarge {
			t.Errorf("%s: %.200q, %v; %d bytes of body", c.target, sent.String(), err, n)
		}
		if remember, why := c.status == 200 && !isLarge, c.status != 200; (resp.Info != nil) != remember || (resp.Why != "") != why {
			t.Errorf("%s: it may be remembered: %v; the log gets %q", c.target, resp.Info != nil, resp.Why)
		}
		switch c.status {
		case 301:
			got = resp.Location
		case 404:
			got = resp.Why
		}
		if resp.Status != c.status || got != c.want && (c.status != 404 || !strings.Contains(got, c.want)) {
			t.Errorf("%s: %d %.200q, want %d %.200q", c.target, resp.Status, got, c.status, c.want)
		}
	}
	if now := openFiles(); now != open {
		t.Errorf("%d files are open, %d before", now, open)
	}
	if _, err := OpenSite(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "open site: ") {
		t.Errorf("a root that is not there: %v", err)
	}
}

// TestFIFO: a FIFO that nobody writes to holds up nobody, and is no file.
func TestFIFO(t *testing.T) {
	site, dir := newSite(t, map[string]string{"a": ""})
	if err := exec.Command("mkfifo", filepath.Join(dir, "fifo")).Run(); err != nil {
		t.Skip(err) // Windows
	}
	answered := make(chan *Response, 1)
	go func() { answered <- site.Get("/fifo") }()
	select {
	case resp := <-answered:
		if resp.Status != 404 || !strings.Contains(resp.Why, "not a regular file") {
			t.Errorf("%d, %q", resp.Status, resp.Why)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it waits for somebody to write")
	}
}

// TestNoFile has what cannot be made to happen everywhere.
func TestNoFile(t *testing.T) {
	for err, want := range map[error]int{
		&fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}: 403, fmt.Errorf("open: %w", fs.ErrPermission): 403, errors.New("a disk error"): 404,
		&fs.PathError{Op: "openat", Path: "x", Err: syscall.EMFILE}: 503, &fs.PathError{Op: "openat", Path: "x", Err: syscall.ENFILE}: 503,
	} {
		if got := noFile(err); got.Status != want || got.Why != err.Error() {
			t.Errorf("%v is %d, want %d; the log gets %q", err, got.Status, want, got.Why)
		}
	}
}

func TestContentType(t *testing.T) {
	for want, names := range map[string]string{
		"text/html; charset=utf-8": "a.html .html a.HTML a.htm", "text/css; charset=utf-8": "a.css", "text/csv; charset=utf-8": "a.csv", "text/plain; charset=utf-8": "a.txt a.b.TXT",
		"text/markdown; charset=utf-8": "README.md", "text/javascript; charset=utf-8": "a.js a.mjs", "application/json": "a.json", "image/svg+xml": "a.svg", "image/png": "a.PnG",
		"image/jpeg": "a.jpg a.jpeg", "image/gif": "a.gif", "image/webp": "a.webp", "image/avif": "a.avif", "image/x-icon": "favicon.ico", "application/pdf": "a.pdf", "application/wasm": "a.wasm",
		"application/xml": "a.xml", "video/mp4": "a.mp4", "video/webm": "a.webm", "audio/mpeg": "a.mp3", "font/woff2": "a.woff2", "application/octet-stream": "html a.html/b a.bin a. a.html.gz",
	} {
		for name := range strings.FieldsSeq(names) {
			if got := contentType(name); got != want {
				t.Errorf("%s is %s, want %s", name, got, want)
			}
		}
	}
}

// FuzzParseTarget: whatever is asked for, the name is below the root, nothing
// in it is hidden, and a redirect stays on this host.
func FuzzParseTarget(f *testing.F) {
	for _, seed := range []string{"/", "/a/../b%20c?d", "//h/..%5c", "/%2e%2e/%252e", "http://h/a", "/..;/x", "/%e4%bd%a0", "/./.%2e/a", `/\h/../a`} {
		f.Add(seed)
	}
	site := &Site{}
	f.Fuzz(func(t *testing.T, target string) {
		req := Request{Method: "GET", Target: target}
		if strict.RequestLine("GET "+target+" HTTP/1.0") != nil || req.check() != nil {
			return
		}
		name, err := site.Name(target)
		if err != nil {
			return
		}
		below := strings.TrimSuffix(name, "/")
		if !fs.ValidPath(below) {
			t.Errorf("%q is the name %q", target, name)
		}
		for segment := range strings.SplitSeq(below, "/") {
			if below != "." && strings.HasPrefix(segment, ".") || strings.ContainsAny(segment, "\\\x00") {
				t.Errorf("%q has a segment %q", target, segment)
			}
		}
		if below != name {
			return // it is not redirected
		}
		path, query := strict.Unambiguous(target)
		if location := site.directory(name, path, query).Location; !strings.HasPrefix(location, "/") || strings.HasPrefix(location, "//") || strings.ContainsAny(location, "\\\r\n") {
			t.Errorf("%q leads to %q", target, location)
		}
	})
}

// TestGrows: of a file that grows while it is read, no more is taken into memory than
// it had.
func TestGrows(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.txt")
	site, err := OpenSite(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer site.root.Close()
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				os.WriteFile(name, []byte("small"), 0o644) // what fails shows as a 404
				os.WriteFile(name, make([]byte, 4*smallFile), 0o644)
			}
		}
	}()
	for range 3000 {
		resp := site.Get("/a.txt")
		resp.File.Close() // if there is one
		if len(resp.Body) > smallFile {
			t.Errorf("a body of %d bytes is in memory", len(resp.Body))
			break
		}
	}
	close(stop)
	<-stopped
}
