package fast

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"weblab.example/stage1-single/http1"
)

const smallFile = 32 << 10 // the largest that is remembered

// remembering is a memory of a site with these files.
func remembering(t *testing.T, files map[string]string) (dir string, m *memory) {
	t.Helper()
	t.Parallel()
	dir, err := os.MkdirTemp("", "weblab-test-") // t.TempDir would fail on Windows, because the site keeps it open
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, name, text)
	}
	site, err := http1.OpenSite(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir, Remember(site).(*memory)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// learn asks for a target until its answer is remembered.
func (m *memory) learn(t *testing.T, target string) {
	t.Helper()
	for begun := time.Now(); m.files[target] == nil || !m.files[target].settled; {
		if time.Since(begun) > 3*settledCoarse {
			t.Fatalf("%s is not remembered", target)
		}
		m.Get(target)
		time.Sleep(time.Millisecond) // it has to settle
	}
}

// TestNeverStale changes a remembered file in many ways: the next answer is what
// is there then.
func TestNeverStale(t *testing.T) {
	write := func(text string) func(a, b string) error {
		return func(a, _ string) error { return os.WriteFile(a, []byte(text), 0o644) }
	}
	for _, test := range []struct {
		name   string
		change func(a, b string) error // a file that was asked for, and another
		status int
		body   string
	}{
		{"nothing", func(a, b string) error { return nil }, 200, "one"},
		{"other bytes, as many", write("two"), 200, "two"},
		{"longer", write("three"), 200, "three"},
		{"empty", write(""), 200, ""},
		{"another file in its place", func(a, b string) error { return os.Rename(b, a) }, 200, "two"},
		{"removed", func(a, b string) error { return os.Remove(a) }, 404, ""},
		{"a directory in its place", func(a, b string) error { os.Remove(a); return os.Mkdir(a, 0o755) }, 301, ""},
		{"a link out of the root in its place", func(a, b string) error { os.Remove(a); return os.Symlink(os.Args[0], a) }, 404, ""},
		{"a link to another file in its place", func(a, b string) error { os.Remove(a); return os.Symlink("b.txt", a) }, 200, "two"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, m := remembering(t, map[string]string{"a.txt": "one", "b.txt": "two"})
			m.learn(t, "/a.txt")
			if err := test.change(filepath.Join(dir, "a.txt"), filepath.Join(dir, "b.txt")); err != nil {
				t.Skip(err) // links, on Windows
			}
			if resp := m.Get("/a.txt"); resp.Status != test.status || resp.Status == 200 && string(resp.Body) != test.body {
				t.Errorf("%d %q, want %d %q", resp.Status, resp.Body, test.status, test.body)
			}
		})
	}
}

// TestStaleTimes: a change that sets the file's time back is seen, too, where
// the system has a time that nobody can set.
func TestStaleTimes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no time of the last change of any kind")
	}
	dir, m := remembering(t, map[string]string{"a.txt": "one"})
	name, old := filepath.Join(dir, "a.txt"), time.Now().Add(-time.Hour)
	setBack := func() {
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
	}
	setBack()
	m.learn(t, "/a.txt")
	write(t, name, "two")
	setBack()
	if resp := m.Get("/a.txt"); string(resp.Body) != "two" {
		t.Errorf("%q; want two", resp.Body)
	}
}

// TestNeverStaleInARow writes a file again and again, and asks right behind
// each change: clocks are too coarse to tell them apart by their times.
func TestNeverStaleInARow(t *testing.T) {
	dir, m := remembering(t, map[string]string{"a.txt": "000"})
	begun := time.Now()
	for n := 0; time.Since(begun) < 3*settled; n = (n + 1) % 1000 {
		text := fmt.Sprintf("%03d", n)
		write(t, filepath.Join(dir, "a.txt"), text)
		for range 2 {
			if resp := m.Get("/a.txt"); string(resp.Body) != text {
				t.Fatalf("%q; want %q", resp.Body, text)
			}
		}
	}
}

// TestSettles: a file is remembered only if it was asked for again after it had
// looked the same for long enough, however long that answer took.
func TestSettles(t *testing.T) {
	for wait, modified := range map[time.Duration]time.Time{
		settled:       time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
		settledCoarse: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), // as from a file system that has no fractions
	} {
		t.Run(wait.String(), func(t *testing.T) {
			dir, m := remembering(t, map[string]string{"a.txt": "one"})
			name := filepath.Join(dir, "a.txt")
			if err := os.Chtimes(name, modified, modified); err != nil {
				t.Fatal(err)
			}
			asked := time.Now()
			resp := m.Get("/a.txt")
			first := m.files["/a.txt"].since
			if read := time.Since(asked); first.Before(asked) || first.Sub(asked) > read {
				t.Errorf("it has looked the same since %v after it was asked for", first.Sub(asked))
			}
			for _, again := range []struct {
				asked, read time.Duration // after the first answer
				settled     bool
			}{{wait - 1, wait + time.Hour, false}, {wait, wait, true}} {
				m.add("/a.txt", first.Add(again.asked), remembered{name: "a.txt", resp: *resp, since: first.Add(again.read)})
				got := m.files["/a.txt"]
				if got.settled != again.settled || !got.since.Equal(first) || (got.resp.Body != nil) != again.settled {
					t.Errorf("asked for after %v, read after %v: settled %v, since %v, %q", again.asked, again.read, got.settled, got.since.Sub(first), got.resp.Body)
				}
			}
			write(t, name, "four")
			m.add("/a.txt", first.Add(2*wait), remembered{name: "a.txt", resp: *m.site.Get("/a.txt"), since: first.Add(2 * wait)})
			if m.files["/a.txt"].settled {
				t.Error("a file that has just changed is remembered")
			}
		})
	}
}

// TestMemory: what is remembered is bounded, small, and each connection's own
// to change.
func TestMemory(t *testing.T) {
	_, m := remembering(t, map[string]string{"a.txt": strings.Repeat("a", smallFile), "large.bin": strings.Repeat("b", smallFile+1), "dir/index.html": "c"})
	for _, target := range []string{"/large.bin", "/nothing", "/dir"} {
		if resp := m.Get(target); m.files[target] != nil {
			t.Errorf("%s is in the memory", target)
		} else {
			resp.File.Close()
		}
	}
	for _, target := range []string{"/dir/", "/a.txt?x", "/a.txt"} {
		m.learn(t, target)
		entry := m.files[target]
		if m.Get(target); m.files[target] != entry {
			t.Errorf("%s is remembered, and was read again", target)
		}
	}
	head := "GET /a.txt?y HTTP/1.1"
	m.Get(head[4:12])
	for target, f := range m.files {
		if unsafe.StringData(target) == unsafe.StringData(head[4:]) || unsafe.StringData(f.name) == unsafe.StringData(head[5:]) {
			t.Error("a whole head is kept for a target in it, or for the name that it has")
		}
	}
	resp, entry := m.Get("/a.txt"), m.files["/a.txt"]
	resp.Connection, resp.ContentLength, resp.HeadOnly = "", 7, true
	if again := m.Get("/a.txt"); again.Connection != "close" || again.ContentLength != smallFile || again.HeadOnly || len(again.Body) != smallFile {
		t.Errorf("a change to one answer is seen in another: %+v", again)
	}
	const most = 16 << 20 // bytes, as SECURITY.md promises
	for i := range 2 * most / smallFile {
		f := remembered{name: "a.txt", resp: entry.resp, since: entry.since}
		for range 2 { // once to see it, once to see that it has settled
			m.add(fmt.Sprintf("/a.txt?%d", i), time.Now().Add(time.Hour), f)
		}
	}
	size, bodies := 0, 0
	for target, f := range m.files {
		size += f.size(target)
		bodies += len(f.resp.Body)
	}
	if size != m.size || size > most || bodies < most/2 {
		t.Errorf("%d bytes are remembered, %d of them of files, counted as %d, bound %d", size, bodies, m.size, most)
	}
}
