//go:build kit

package hostile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A swapping is a folder "root" in which names change their meaning. Files outside of
// it have other bytes, but the same sizes and times.
type swapping struct {
	*secrets
	above, root string
}

func newSwapping(t *testing.T) *swapping {
	t.Helper()
	above := t.TempDir()
	s := &swapping{newSecrets(), above, filepath.Join(above, "root")}
	for _, name := range []string{"x.txt", "file.txt", "outside/x.txt", "outside/file.txt", "outside/index.html", "outside/d/file.txt"} {
		plant(t, above, name, s.text(name))
	}
	for _, name := range []string{"x.txt", "file.txt", "dir/file.txt", "dir/index.html", "dir/d/file.txt", "a/b/file.txt", "a/b/c/file.txt", "folder/index.html"} {
		plant(t, s.root, name, everybodys)
	}
	return s
}

// everybodys is the text of all public files. It is as long as a secret.
var everybodys = strings.Repeat("PUBLIC..", 16)

func (s *swapping) in(name string) string { return filepath.Join(s.root, filepath.FromSlash(name)) }

// needLinks skips a test on a system that does not let it make links.
func (s *swapping) needLinks(t *testing.T) {
	t.Helper()
	for name, to := range map[string]string{"a/b/link": "../../x.txt", "a/b/c/link": "../../../x.txt"} {
		if err := os.Symlink(filepath.FromSlash(to), s.in(name)); err != nil {
			if runtime.GOOS != "windows" {
				t.Fatal(err)
			}
			t.Skipf("Windows makes links only for who may: %v", err)
		}
	}
}

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
		{"a file, a FIFO", func() error { return s.put("fifo.txt", mkfifo) }, func() error { return s.put("fifo.txt", s.file) },
			[]string{"/fifo.txt"}, []int{200, 404}},
		{"a file, a folder", func() error { return errors.Join(os.Remove(s.in("kind")), os.Rename(s.in("folder"), s.in("kind"))) },
			func() error { return errors.Join(os.Rename(s.in("kind"), s.in("folder")), s.put("kind", s.file)) },
			[]string{"/kind"}, []int{200, 301, 404}},
	}
}

// TestSwap asks for names while they are swapped: only what is public comes.
func TestSwap(t *testing.T) {
	both(t, func(t *testing.T, stage int) {
		s := newSwapping(t)
		s.needLinks(t)
		for _, name := range []string{"swap.txt", "fifo.txt", "kind"} {
			if err := s.put(name, s.file); err != nil {
				t.Fatal(err)
			}
		}
		server := start(t, stage, s.root, "-keep-alive", "-log", "off")
		for _, c := range s.changes() {
			t.Run(c.name, func(t *testing.T) { s.swapAndAsk(t, server, c) })
		}
	})
}

func (s *swapping) swapAndAsk(t *testing.T, server *server, c change) {
	const clients, rounds, batch = 4, 200, 16
	var over atomic.Bool
	var turns, failed int
	swapped := make(chan bool)
	go func() {
		defer close(swapped)
		for ; !over.Load(); turns++ {
			if err := errors.Join(c.there(), c.back()); err != nil {
				failed++
				if runtime.GOOS != "windows" { // on Windows, a file cannot be renamed while it is open
					t.Error(err)
					return
				}
			}
		}
	}()
	var mu sync.Mutex
	statuses := map[int]int{}
	allSeen := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return !slices.ContainsFunc(c.statuses, func(status int) bool { return statuses[status] == 0 })
	}
	deadline := time.Now().Add(patience)
	var asked atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			var asks []query
			for i := range batch {
				asks = append(asks, get(c.targets[i%len(c.targets)]))
			}
			for round := 0; round < rounds || !allSeen() && time.Now().Before(deadline); round++ {
				_, err := exchange(server.Addr, batch, asks, func(a query, r reply) error {
					asked.Add(1)
					mu.Lock()
					statuses[r.status]++
					mu.Unlock()
					if name := s.secrets.in(append(r.head, r.body...)); name != "" {
						return fmt.Errorf("%s comes out", name)
					}
					if r.status == 200 && string(r.body) != everybodys {
						return fmt.Errorf("what is %q?", r.body)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	over.Store(true)
	<-swapped
	seen := 0
	for _, status := range c.statuses {
		seen += statuses[status]
		if statuses[status] == 0 {
			t.Errorf("no answer is a %d: the test proves nothing", status)
		}
	}
	if n := int(asked.Load()); seen != n || n < clients*rounds*batch {
		t.Errorf("of %d answers %d have a status of %v", n, seen, c.statuses)
	}
	t.Logf("%d requests during %d swaps (%d failed), by status %v", asked.Load(), 2*turns, failed, statuses)
}

// TestSwapRemembered: a file and a link that leads out have the same name, one after
// the other, and the same size and time. The server must not send the text that it
// remembers of one for the other.
func TestSwapRemembered(t *testing.T) {
	both(t, func(t *testing.T, stage int) {
		s := newSwapping(t)
		s.needLinks(t)
		when := time.Now().Add(-time.Hour).Truncate(time.Second).Add(time.Millisecond) // with a fraction of a second, the server remembers it sooner
		for _, name := range []string{s.in("file.txt"), filepath.Join(s.above, "file.txt")} {
			if err := os.Chtimes(name, when, when); err != nil {
				t.Fatal(err)
			}
		}
		server := start(t, stage, s.root, "-keep-alive", "-log", "off")
		const swaps, batch = 10, 16
		requests := 0
		want := func(status int, asks []query) {
			_, err := exchange(server.Addr, batch, asks, func(a query, r reply) error {
				requests++
				if name := s.secrets.in(append(r.head, r.body...)); name != "" {
					return fmt.Errorf("%s comes out", name)
				}
				if r.status != status || status == 200 && string(r.body) != everybodys {
					return fmt.Errorf("%d %q, want %d", r.status, r.body, status)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for range swaps {
			if err := s.put("swap.txt", s.file); err != nil {
				t.Fatal(err)
			}
			// Ask for so long that the server remembers it in the end.
			for begun := time.Now(); time.Since(begun) < 200*time.Millisecond; {
				want(200, many(get("/swap.txt"), batch))
			}
			if err := s.put("swap.txt", s.linkOut); err != nil {
				t.Fatal(err)
			}
			want(404, many(get("/swap.txt"), batch))
		}
		t.Logf("%d requests, %d swaps, wrong answers: 0", requests, 2*swaps)
	})
}

// many repeats a query several times.
func many(a query, times int) (asks []query) {
	for range times {
		asks = append(asks, a)
	}
	return asks
}

// TestSwapRoot: the root is the folder that the server opened, even if another folder
// gets its name later.
func TestSwapRoot(t *testing.T) {
	both(t, func(t *testing.T, stage int) {
		s := newSwapping(t)
		s.needLinks(t)
		server := start(t, stage, s.root, "-keep-alive", "-log", "off")
		moved := filepath.Join(s.above, "moved")
		if err := os.Rename(s.root, moved); err != nil {
			t.Skipf("an open folder cannot be moved here: %v", err)
		}
		asked := []string{"/file.txt", "/x.txt", "/dir/file.txt", "/dir/d/file.txt", "/a/b/link"}
		requests := 0
		for _, instead := range []func() error{
			func() error { return nil },
			func() error { return os.Symlink("outside", s.root) },
			func() error {
				return errors.Join(os.Remove(s.root), os.Rename(filepath.Join(s.above, "outside"), s.root))
			},
		} {
			if err := instead(); err != nil {
				t.Fatal(err)
			}
			for _, target := range asked {
				requests++
				_, err := exchange(server.Addr, 1, []query{get(target)}, func(_ query, r reply) error {
					if r.status != 200 || string(r.body) != everybodys {
						return fmt.Errorf("%d %q", r.status, r.body)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		}
		t.Logf("%d requests, wrong answers: 0 unless said", requests)
	})
}
