//go:build kit && linux

package hostile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	largeSize = 4<<20 + 8 // bytes of a file that is sent in pieces, of which the last is short: more than all buffers on its way hold
	readFirst = 100 << 10 // and how many are read before it changes

	// Linux takes twice that, so the server cannot be far ahead of the client. Much less
	// makes it slow, not safer: a packet within one machine has up to 64 KiB.
	slowBuffer = 128 << 10
)

// pattern is a text that does not repeat itself. Every eight octets say where they
// are, and in which text.
func pattern(which byte, size int) []byte {
	b := make([]byte, size)
	for i := 0; i+8 <= size; i += 8 {
		binary.BigEndian.PutUint64(b[i:], uint64(which)<<56|uint64(i))
	}
	return b
}

// TestFilesLarge changes a large file while a slow client is reading it. The server
// must never send more than it announced. If the file has become shorter, it sends
// fewer bytes and ends the connection, without an answer to the next request.
func TestFilesLarge(t *testing.T) {
	both(t, func(t *testing.T, stage int) {
		for _, flag := range []string{"", "-keep-alive"} {
			faults := list("faults")
			for _, f := range faults {
				t.Run(f.Name+" "+flag, func(t *testing.T) {
					changeLarge(t, stage, flag, f.Keys[0].Value, strings.HasPrefix(f.Want, "cut"), strings.HasSuffix(f.Want, "mixed"))
				})
			}
			t.Logf("%s: %d faults", flag, len(faults))
		}
	})
}

// changeLarge changes the file by a command, while it is sent. testdata/faults.txt says what
// is cut and mixed.
func changeLarge(t *testing.T, stage int, flag, command string, isCut, mixed bool) {
	root := filepath.Join(t.TempDir(), "root")
	plant(t, root, "small.txt", "small")
	old, other := pattern(1, largeSize), pattern(2, largeSize)
	plant(t, root, "dir/large.bin", string(old))
	plant(t, root, "other.bin", string(other))
	s := start(t, stage, root, "-log off "+flag)
	conn, err := dial(s.Addr, slowBuffer)
	must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, get("/dir/large.bin").String()+get("/small.txt").String())
	must(t, err)
	must(t, conn.CloseWrite()) // so that the server does not wait for more
	got := make([]byte, readFirst)
	_, err = io.ReadFull(conn, got)
	must(t, err)
	cmd := exec.Command("sh", "-e", "-c", command)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	rest, err := io.ReadAll(conn)
	must(t, err)
	all, err := replies(append(got, rest...), func(int) string { return "GET" })
	if len(all) == 0 || all[0].Status != 200 || all[0].length != largeSize {
		t.Fatalf("%d answers, %v", len(all), err)
	}
	body := all[0].content
	if cut := len(body) < largeSize; cut != isCut || cut != (err == io.ErrUnexpectedEOF) {
		t.Errorf("%d bytes came, %d were announced; want fewer: %v; %v", len(body), largeSize, isCut, err)
	}
	may := [][]byte{old}
	if mixed {
		may = append(may, other)
	}
	if isCut {
		// The kernel sends from the file's own memory (sendfile). When it clears that memory,
		// it also changes bytes that are on their way. But it adds no bytes.
		may = append(may, make([]byte, largeSize))
	}
	for at := range body {
		if !slices.ContainsFunc(may, func(text []byte) bool { return body[at] == text[at] }) {
			t.Fatalf("at %d of %d bytes it is %q, want %q", at, len(body), body[at:min(at+16, len(body))], old[at:min(at+16, len(old))])
		}
	}
	// The second request gets its answer only if the first answer was whole and the
	// connection persists.
	if want := flag != "" && !isCut; want != (len(all) == 2) || want && string(all[1].content) != "small" {
		t.Errorf("%d answers came", len(all))
	}
	conn.Close()
	if err := s.wants(1, "/small.txt", 200, "small"); err != nil {
		t.Errorf("and then: %v", err)
	}
}

// A history is a small file that is replaced all the time. In state number n, it has
// a text with this number, or it is missing.
type history struct {
	name, pending string // where it is, and where the next one is written
	done, begun   atomic.Int64
}

// missing says that there is no file in the state n.
func missing(n int64) bool { return n%7 == 3 }

// state is the text of a state. It has up to 32 KiB, the most that the servers read
// as a whole. Every second text is as long as the one before it.
func state(n int64) []byte {
	line := fmt.Sprintf("state %d\n", n)
	size := max(len(line), rand.New(rand.NewPCG(seed, uint64(n/2))).IntN(32<<10+1))
	return []byte(strings.Repeat(line, size/len(line)+1)[:size])
}

// next makes the next state.
func (h *history) next() error {
	n := h.begun.Add(1)
	var err error
	if missing(n) {
		err = os.Remove(h.name)
	} else if err = os.WriteFile(h.pending, state(n), 0o644); err == nil {
		err = os.Rename(h.pending, h.name)
	}
	h.done.Store(n)
	return err
}

// check checks that a reply fits one of the states from low to high.
func (h *history) check(r reply, low, high int64) error {
	if r.Status == 404 {
		for n := low; n <= high; n++ {
			if missing(n) {
				return nil
			}
		}
		return fmt.Errorf("a 404, but it was there in all states from %d to %d", low, high)
	}
	var n int64
	if _, err := fmt.Sscanf(string(r.content[:min(len(r.content), 24)]), "state %d\n", &n); r.Status != 200 || err != nil {
		return fmt.Errorf("%d, %v: %.40q", r.Status, err, r.content)
	}
	if n < low || n > high || !bytes.Equal(r.content, state(n)) {
		return fmt.Errorf("%d bytes of the text of state %d, which was between %d and %d", len(r.content), n, low, high)
	}
	return nil
}

// changing changes something until the clients are done. Each of the four clients asks
// at least so often, and until enough says so.
func changing(t *testing.T, change func() error, rounds int, enough func() bool, ask func() error) {
	t.Helper()
	var over atomic.Bool
	changed := make(chan error, 1)
	go func() {
		var err error
		for err == nil && !over.Load() {
			err = change()
		}
		changed <- err
	}()
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for i := 0; i < rounds || !enough(); i++ {
				if err := ask(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	clients.Wait()
	over.Store(true)
	must(t, <-changed)
}

// TestFilesSmall asks for a small file that is replaced, removed and made again all the
// time. Each answer must be a whole text that the file had during the request, and not a
// 404 while the file was there. (That no older text comes from a memory,
// stage1-single/fast tests.)
func TestFilesSmall(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, stage int) {
		root := t.TempDir()
		h := &history{name: filepath.Join(root, "a.txt"), pending: filepath.Join(root, "next.txt")}
		must(t, h.next())
		s := start(t, stage, root, "-log off -keep-alive")
		var asked, absent atomic.Int64
		changing(t, h.next, 500, func() bool { return h.done.Load() >= 15 }, func() error {
			low := h.done.Load()
			all, err := s.ask(4, slices.Repeat([]query{get("/a.txt")}, 4)...)
			for _, r := range all {
				asked.Add(1)
				if r.Status == 404 {
					absent.Add(1)
				}
				err = errors.Join(err, h.check(r, low, h.begun.Load()))
			}
			return err
		})
		if absent.Load() == 0 || absent.Load() == asked.Load() {
			t.Errorf("%d answers of %d are a 404: too few for a test", absent.Load(), asked.Load())
		}
		t.Logf("%d requests during %d states, %d times 404", asked.Load(), h.done.Load(), absent.Load())
	})
}

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
