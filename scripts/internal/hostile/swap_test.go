//go:build kit && linux

package hostile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A swapping is a folder "root" in which names change their meaning. Files outside of
// it have other bytes, but the same sizes and times.
type swapping struct{ above, root string }

// everybodys is the text of all public files. It is as long as a secret.
var everybodys = strings.Repeat("PUBLIC..", 16)

// swap runs a test on each server of such a folder.
func swap(t *testing.T, f func(t *testing.T, s *swapping, server *server)) {
	both(t, func(t *testing.T, stage int) {
		above := t.TempDir()
		s := &swapping{above, filepath.Join(above, "root")}
		plantAll(t, above, secret, "x.txt", "file.txt", "outside/x.txt", "outside/file.txt", "outside/index.html", "outside/d/file.txt")
		plantAll(t, s.root, func(string) string { return everybodys }, "x.txt", "file.txt", "dir/file.txt", "dir/index.html", "dir/d/file.txt", "a/b/file.txt", "a/b/c/file.txt", "folder/index.html")
		symlink(t, "../../x.txt", s.root, "a/b/link")
		symlink(t, "../../../x.txt", s.root, "a/b/c/link")
		f(t, s, start(t, stage, s.root, "-keep-alive -log off"))
	})
}

func (s *swapping) in(name string) string { return filepath.Join(s.root, filepath.FromSlash(name)) }

// put makes something under another name, and then moves it to its place in one step.
// So there is always something at this place.
func (s *swapping) put(name string, make func(name string) error) error {
	new := s.in("new." + name)
	if err := make(new); err != nil {
		return err
	}
	return os.Rename(new, s.in(name))
}

func (s *swapping) file(name string) error { return os.Link(s.in("file.txt"), name) }

// fifo makes a file that waits, when it is opened, for somebody who writes.
func (s *swapping) fifo(name string) error { return syscall.Mkfifo(name, 0o644) }

func (s *swapping) linkOut(name string) error {
	return os.Symlink(filepath.Join("..", "file.txt"), name)
}

// A change goes on all the time, there and back again.
type change struct {
	name        string
	there, back func() error
	targets     []string
	statuses    []int // the statuses that a GET may get, and sometimes gets
}

func (s *swapping) changes() []change {
	dir, outside, b, away := s.in("dir"), filepath.Join("..", "outside"), s.in("a/b"), filepath.Join(s.above, "outside", "b")
	return []change{
		{"a file, a link out", func() error { return s.put("swap.txt", s.linkOut) }, func() error { return s.put("swap.txt", s.file) },
			[]string{"/swap.txt"}, []int{200, 404}},
		{"a folder, a link out", func() error { return errors.Join(os.Rename(dir, dir+".away"), os.Symlink(outside, dir)) },
			func() error { return errors.Join(os.Remove(dir), os.Rename(dir+".away", dir)) },
			[]string{"/dir/file.txt", "/dir/d/file.txt", "/dir/"}, []int{200, 404}},
		{"a folder that goes out of the root and comes back", func() error { return os.Rename(b, away) }, func() error { return os.Rename(away, b) },
			[]string{"/a/b/link", "/a/b/c/link", "/a/b/file.txt", "/a/b/c/file.txt"}, []int{200, 404}},
		{"a file, a FIFO", func() error { return s.put("fifo.txt", s.fifo) }, func() error { return s.put("fifo.txt", s.file) },
			[]string{"/fifo.txt"}, []int{200, 404}},
		{"a file, a folder", func() error { return errors.Join(os.Remove(s.in("kind")), os.Rename(s.in("folder"), s.in("kind"))) },
			func() error { return errors.Join(os.Rename(s.in("kind"), s.in("folder")), s.put("kind", s.file)) },
			[]string{"/kind"}, []int{200, 301, 404}},
	}
}

// TestSwap asks for names while they are swapped: only what is public comes.
func TestSwap(t *testing.T) {
	swap(t, func(t *testing.T, s *swapping, server *server) {
		for _, name := range []string{"swap.txt", "fifo.txt", "kind"} {
			must(t, s.put(name, s.file))
		}
		for _, c := range s.changes() {
			t.Run(c.name, func(t *testing.T) { c.swapAndAsk(t, server) })
		}
	})
}

func (c change) swapAndAsk(t *testing.T, server *server) {
	const rounds, batch = 100, 16
	var turns, asked int
	var mu sync.Mutex // guards asked and statuses
	statuses := map[int]int{}
	deadline := time.Now().Add(patience)
	enough := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return !slices.ContainsFunc(c.statuses, func(status int) bool { return statuses[status] == 0 }) || time.Now().After(deadline)
	}
	var asks []query
	for i := range batch {
		asks = append(asks, get(c.targets[i%len(c.targets)]))
	}
	thereAndBack := func() error {
		turns++
		return errors.Join(c.there(), c.back())
	}
	changing(t, thereAndBack, rounds, enough, func() error {
		all, err := server.ask(batch, asks...)
		mu.Lock()
		defer mu.Unlock()
		for _, r := range all {
			asked++
			statuses[r.Status]++
			if r.Status == 200 && string(r.content) != everybodys {
				return fmt.Errorf("what is %q?", r.content)
			}
		}
		return err
	})
	seen := 0
	for _, status := range c.statuses {
		seen += statuses[status]
		if statuses[status] == 0 {
			t.Errorf("no answer is a %d: the test proves nothing", status)
		}
	}
	if seen != asked || asked < 4*rounds*batch {
		t.Errorf("of %d answers %d have a status of %v", asked, seen, c.statuses)
	}
	t.Logf("%d requests during %d swaps, by status %v", asked, 2*turns, statuses)
}

// TestSwapRemembered: a file and a link that leads out have the same name, one after
// the other, and the same size and time. The server must not send the text that it
// remembers of one for the other.
func TestSwapRemembered(t *testing.T) {
	t.Parallel()
	swap(t, func(t *testing.T, s *swapping, server *server) {
		when := time.Now().Add(-time.Hour).Truncate(time.Second).Add(time.Millisecond) // with a fraction of a second, the server remembers it sooner
		must(t, errors.Join(os.Chtimes(s.in("file.txt"), when, when), os.Chtimes(filepath.Join(s.above, "file.txt"), when, when)))
		const swaps, batch = 10, 16
		for range swaps {
			must(t, s.put("swap.txt", s.file))
			// Ask for so long that the server remembers it in the end.
			for begun := time.Now(); time.Since(begun) < 200*time.Millisecond; {
				must(t, server.wants(batch, "/swap.txt", 200, everybodys))
			}
			must(t, s.put("swap.txt", s.linkOut))
			must(t, server.wants(batch, "/swap.txt", 404, ""))
		}
		t.Logf("%d swaps, wrong answers: 0", 2*swaps)
	})
}

// TestSwapRoot: the root is the folder that the server opened, even if another folder
// gets its name later.
func TestSwapRoot(t *testing.T) {
	swap(t, func(t *testing.T, s *swapping, server *server) {
		must(t, os.Rename(s.root, filepath.Join(s.above, "moved")))
		for _, instead := range []func() error{
			func() error { return nil },
			func() error { return os.Symlink("outside", s.root) },
			func() error {
				return errors.Join(os.Remove(s.root), os.Rename(filepath.Join(s.above, "outside"), s.root))
			},
		} {
			must(t, instead())
			for _, target := range []string{"/file.txt", "/x.txt", "/dir/file.txt", "/dir/d/file.txt", "/a/b/link"} {
				if err := server.wants(1, target, 200, everybodys); err != nil {
					t.Error(err)
				}
			}
		}
		t.Log("15 requests, wrong answers: 0 unless said")
	})
}
