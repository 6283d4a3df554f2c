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

// A change goes on all the time, there and back again.
type change struct {
	name        string
	there, back []string // what is done
	targets     []string
	statuses    []int // the statuses that a GET may get, and sometimes gets
}

// changes are what happens to names in the root. A FIFO waits, when it is opened, for
// somebody who writes. To rename what is new puts it in the place of what is there, so
// that there is always something.
var changes = []change{
	{"a file, a link out", []string{"symlink ../file.txt new", "rename new swap.txt"}, []string{"link file.txt new", "rename new swap.txt"},
		[]string{"/swap.txt"}, []int{200, 404}},
	{"a folder, a link out", []string{"rename dir dir.away", "symlink ../outside dir"}, []string{"remove dir", "rename dir.away dir"},
		[]string{"/dir/file.txt", "/dir/d/file.txt", "/dir/"}, []int{200, 404}},
	{"a folder that goes out of the root and comes back", []string{"rename a/b ../outside/b"}, []string{"rename ../outside/b a/b"},
		[]string{"/a/b/link", "/a/b/c/link", "/a/b/file.txt", "/a/b/c/file.txt"}, []int{200, 404}},
	{"a file, a FIFO", []string{"fifo new", "rename new swap.txt"}, []string{"link file.txt new", "rename new swap.txt"},
		[]string{"/swap.txt"}, []int{200, 404}},
	{"a file, a folder", []string{"remove swap.txt", "rename folder swap.txt"}, []string{"rename swap.txt folder", "link file.txt swap.txt"},
		[]string{"/swap.txt"}, []int{200, 301, 404}},
}

// do does something to names in the root, such as "rename OLD NEW".
func (s *swapping) do(all ...string) error {
	for _, what := range all {
		words := strings.Fields(what)
		name := s.in(words[len(words)-1])
		var err error
		switch words[0] {
		case "rename":
			err = os.Rename(s.in(words[1]), name)
		case "link":
			err = os.Link(s.in(words[1]), name)
		case "symlink":
			err = os.Symlink(words[1], name)
		case "fifo":
			err = syscall.Mkfifo(name, 0o644)
		case "remove":
			err = os.Remove(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// TestSwap asks for names while they are swapped: only what is public comes.
func TestSwap(t *testing.T) {
	swap(t, func(t *testing.T, s *swapping, server *server) {
		must(t, s.do("link file.txt swap.txt"))
		for _, c := range changes {
			t.Run(c.name, func(t *testing.T) { c.swapAndAsk(t, s, server) })
		}
	})
}

func (c change) swapAndAsk(t *testing.T, s *swapping, server *server) {
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
		return errors.Join(s.do(c.there...), s.do(c.back...))
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
			must(t, s.do("link file.txt new", "rename new swap.txt"))
			// Ask for so long that the server remembers it in the end.
			for begun := time.Now(); time.Since(begun) < 200*time.Millisecond; {
				must(t, server.wants(batch, "/swap.txt", 200, everybodys))
			}
			must(t, s.do("symlink ../file.txt new", "rename new swap.txt"))
			must(t, server.wants(batch, "/swap.txt", 404, ""))
		}
	})
}

// TestSwapRoot: the root is the folder that the server opened, even if another folder
// gets its name later.
func TestSwapRoot(t *testing.T) {
	swap(t, func(t *testing.T, s *swapping, server *server) {
		for _, instead := range []string{"rename ../root ../moved", "symlink outside ../root", "remove ../root", "rename ../outside ../root"} {
			must(t, s.do(instead))
			for _, target := range []string{"/file.txt", "/x.txt", "/dir/file.txt", "/dir/d/file.txt", "/a/b/link"} {
				if err := server.wants(1, target, 200, everybodys); err != nil {
					t.Errorf("%s: %v", instead, err)
				}
			}
		}
	})
}
