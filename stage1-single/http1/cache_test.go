package http1

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// remembering is a site whose files have settled as far as their times say.
func remembering(t testing.TB, files map[string]string) (dir string, site *Site) {
	t.Helper()
	dir = t.TempDir()
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
	return dir, site
}

// learn asks for a target until its answer is remembered.
func learn(t testing.TB, site *Site, target string) {
	t.Helper()
	deadline := time.Now().Add(2 * settledCoarse)
	for !site.remembers(target) {
		if time.Now().After(deadline) {
			t.Fatalf("%s is not remembered", target)
		}
		if _, err := site.get([]byte(target), new(Response)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond) // it has to settle
	}
}

func (s *Site) remembers(target string) bool {
	s.memory.mu.RLock()
	defer s.memory.mu.RUnlock()
	f := s.memory.files[target]
	return f != nil && f.settled
}

// TestNeverStale changes a remembered file in many ways: the next answer is what
// is there then.
func TestNeverStale(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(dir string) error
		status int
		body   string
	}{
		{"nothing", func(string) error { return nil }, 200, "one"},
		{"other bytes, as many", func(dir string) error { return os.WriteFile(filepath.Join(dir, "a.txt"), []byte("two"), 0o644) }, 200, "two"},
		{"longer", func(dir string) error { return os.WriteFile(filepath.Join(dir, "a.txt"), []byte("three"), 0o644) }, 200, "three"},
		{"empty", func(dir string) error { return os.Truncate(filepath.Join(dir, "a.txt"), 0) }, 200, ""},
		{"another file in its place", func(dir string) error { return os.Rename(filepath.Join(dir, "b.txt"), filepath.Join(dir, "a.txt")) }, 200, "two"},
		{"removed", func(dir string) error { return os.Remove(filepath.Join(dir, "a.txt")) }, 404, ""},
		{"a directory in its place", func(dir string) error {
			if err := os.Remove(filepath.Join(dir, "a.txt")); err != nil {
				return err
			}
			return os.Mkdir(filepath.Join(dir, "a.txt"), 0o755)
		}, 301, ""},
		{"a link out of the root in its place", func(dir string) error {
			secret := filepath.Join(filepath.Dir(dir), filepath.Base(dir)+"-secret")
			if err := os.WriteFile(secret, []byte("two"), 0o644); err != nil {
				return err
			}
			return linkInstead(secret, filepath.Join(dir, "a.txt"))
		}, 404, ""},
		{"a link to another file in its place", func(dir string) error { return linkInstead("b.txt", filepath.Join(dir, "a.txt")) }, 200, "two"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir, site := remembering(t, map[string]string{"a.txt": "one", "b.txt": "two"})
			learn(t, site, "/a.txt")
			if err := test.change(dir); err != nil {
				t.Skip(err) // links, on Windows
			}
			resp, err := site.get([]byte("/a.txt"), new(Response))
			if err != nil {
				t.Fatal(err)
			}
			if resp.Status != test.status || resp.Status == 200 && string(resp.Body) != test.body {
				t.Errorf("%d %q, want %d %q", resp.Status, resp.Body, test.status, test.body)
			}
		})
	}
}

func linkInstead(to, name string) error {
	if err := os.Remove(name); err != nil {
		return err
	}
	return os.Symlink(to, name)
}

// TestStaleTimes: a change that sets the file's time back is seen, too, where
// the system has a time that nobody can set.
func TestStaleTimes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no time of the last change of any kind")
	}
	t.Parallel()
	dir, site := remembering(t, map[string]string{"a.txt": "one"})
	name := filepath.Join(dir, "a.txt")
	old := time.Now().Add(-time.Hour).Truncate(time.Second) // as from a file system that has no fractions
	if err := os.Chtimes(name, old, old); err != nil {
		t.Fatal(err)
	}
	learn(t, site, "/a.txt")
	if err := os.WriteFile(name, []byte("two"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, old, old); err != nil {
		t.Fatal(err)
	}
	if resp, err := site.get([]byte("/a.txt"), new(Response)); err != nil || string(resp.Body) != "two" {
		t.Errorf("%v, %q; want two", err, resp.Body)
	}
}

// TestNeverStaleInARow writes a file again and again, and asks right behind
// each change: clocks are too coarse to tell them apart by their times.
func TestNeverStaleInARow(t *testing.T) {
	t.Parallel()
	dir, site := remembering(t, map[string]string{"a.txt": "000"})
	for begun := time.Now(); time.Since(begun) < 3*settled; {
		for n := range 100 {
			text := fmt.Sprintf("%03d", n)
			if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				resp, err := site.get([]byte("/a.txt"), new(Response))
				if err != nil || string(resp.Body) != text {
					t.Fatalf("%v, %q; want %q", err, resp.Body, text)
				}
			}
		}
	}
}

// TestSettles: a file is remembered only if it was asked for again after it had
// looked the same for long enough, however long that answer took.
func TestSettles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		modified time.Time
		wait     time.Duration
	}{
		{"a time with a fraction", time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), settled},
		{"whole seconds", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), settledCoarse},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir, site := remembering(t, map[string]string{"a.txt": "one"})
			name := filepath.Join(dir, "a.txt")
			if err := os.Chtimes(name, test.modified, test.modified); err != nil {
				t.Fatal(err)
			}
			resp, err := site.get([]byte("/a.txt"), new(Response))
			if err != nil {
				t.Fatal(err)
			}
			first := site.memory.files["/a.txt"].since
			for _, again := range []struct {
				asked, read time.Duration // after the first answer
				settled     bool
			}{
				{test.wait - 1, test.wait + time.Hour, false},
				{test.wait, test.wait, true},
			} {
				f := remembered{name: "a.txt", resp: *resp, since: first.Add(again.read)}
				site.memory.add("/a.txt", first.Add(again.asked), f)
				if got := site.memory.files["/a.txt"]; got.settled != again.settled || !got.since.Equal(first) {
					t.Errorf("asked for after %v, read after %v: settled %v, since %v", again.asked, again.read, got.settled, got.since.Sub(first))
				}
			}
			if err := os.WriteFile(name, []byte("four"), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := site.get([]byte("/a.txt"), new(Response)); err != nil || site.remembers("/a.txt") {
				t.Errorf("%v: a file that has just changed is remembered", err)
			}
		})
	}
}

// TestForgetRequest: while a client takes its answer, or thinks of another
// request, little is held of what it has asked.
func TestForgetRequest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		head, fields int // room for so many
		kept         bool
	}{
		{"a usual head", 700, 12, true},
		{"a long head", maxHead, 12, false},
		{"many fields", 700, 500, false},
	} {
		c := &conn{req: Request{head: make([]byte, 0, test.head), Fields: make([]Field, 0, test.fields)}}
		c.forgetRequest()
		if kept := cap(c.req.head) > 0 && cap(c.req.Fields) > 0; kept != test.kept {
			t.Errorf("%s: kept %v", test.name, kept)
		}
	}
}

// TestMemory: what is remembered is bounded, small, and each connection's own
// to change.
func TestMemory(t *testing.T) {
	t.Parallel()
	_, site := remembering(t, map[string]string{"a.txt": strings.Repeat("a", smallFile), "large.bin": strings.Repeat("b", smallFile+1), "dir/index.html": "c"})
	learn(t, site, "/a.txt")
	var resp Response
	if _, err := site.get([]byte("/a.txt"), &resp); err != nil || len(resp.Body) != smallFile {
		t.Fatalf("%v, %d bytes", err, len(resp.Body))
	}
	resp.Connection, resp.ContentLength = "", 7
	if again, err := site.get([]byte("/a.txt"), new(Response)); err != nil || again.Connection != "close" || again.ContentLength != smallFile {
		t.Errorf("%v: a change to one answer is seen in another: %+v", err, again)
	}
	learn(t, site, "/dir/")
	learn(t, site, "/a.txt?x")
	if _, err := site.get([]byte("/a.txt?x#"), &resp); err == nil {
		t.Error("a fragment in the query is no error any more")
	}
	for _, target := range []string{"/large.bin", "/nothing", "/dir"} {
		for range 2 {
			resp, err := site.get([]byte(target), new(Response))
			if err != nil {
				t.Fatal(err)
			}
			if resp.File != nil {
				resp.File.Close()
			}
		}
		if site.memory.files[target] != nil {
			t.Errorf("%s is in the memory", target)
		}
	}
	for i := range 2 * maxRemembered / smallFile {
		f := remembered{name: "a.txt", resp: resp, settled: true}
		f.resp.Body = make([]byte, smallFile)
		site.memory.add(fmt.Sprintf("/a.txt?%d", i), time.Now(), f)
	}
	size := 0
	for target, f := range site.memory.files {
		size += f.size(target)
	}
	if size != site.memory.size || size > maxRemembered || size < maxRemembered/2 {
		t.Errorf("%d bytes are remembered, counted as %d, bound %d", size, site.memory.size, maxRemembered)
	}
}

// serveOne has a server serve one connection, and returns the other end.
func serveOne(t testing.TB, s *Server) net.Conn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	over := make(chan bool)
	go func() {
		defer close(over)
		if conn, err := ln.Accept(); err == nil {
			s.ServeConn(context.Background(), conn)
		}
	}()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); <-over })
	return client
}
