//go:build kit

package hostile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
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

const (
	largeSize = 4<<20 + 8 // bytes of a file that is sent in pieces, of which the last is short: more than all buffers on its way hold
	readFirst = 100 << 10 // and how many are read before it changes

	// Linux takes twice that. Much less makes it slow, not safer: a packet within
	// one machine has up to 64 KiB.
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

// A fault is a change to a large file while it is sent.
type fault struct {
	name   string
	change func(name string) error
	cut    bool // fewer bytes can be sent than announced
	mixed  bool // bytes of the new text may come, each at its place
}

var faults = []fault{
	{"nothing", func(string) error { return nil }, false, false},
	{"truncated to less than was sent", func(name string) error { return os.Truncate(name, 1000) }, true, false},
	{"truncated to nothing", func(name string) error { return os.Truncate(name, 0) }, true, false},
	{"truncated by a byte", func(name string) error { return os.Truncate(name, largeSize-1) }, true, false},
	{"truncated to a half and a bit", func(name string) error { return os.Truncate(name, largeSize/2+100) }, true, false},
	{"truncated, and written as it will be", func(name string) error { return os.WriteFile(name, pattern(2, largeSize/2), 0o644) }, true, true},
	{"twice as long", func(name string) error { return appendTo(name, pattern(2, largeSize)) }, false, false},
	{"a byte longer", func(name string) error { return appendTo(name, []byte("x")) }, false, false},
	{"written over in place", func(name string) error { return overwrite(name, pattern(2, largeSize)) }, false, true},
	{"replaced", func(name string) error {
		if err := os.WriteFile(name+".new", pattern(2, 2*largeSize), 0o644); err != nil {
			return err
		}
		return os.Rename(name+".new", name)
	}, false, false},
	{"replaced by a folder", func(name string) error { return errors.Join(os.Remove(name), os.Mkdir(name, 0o755)) }, false, false},
	{"renamed", func(name string) error { return os.Rename(name, name+".old") }, false, false},
	{"removed", os.Remove, false, false},
	{"its folder removed", func(name string) error { return os.RemoveAll(filepath.Dir(name)) }, false, false},
	{"its folder moved away", func(name string) error {
		dir := filepath.Dir(name)
		return os.Rename(dir, filepath.Join(filepath.Dir(filepath.Dir(dir)), "away"))
	}, false, false},
	{"nobody may read it any more", func(name string) error { return os.Chmod(name, 0) }, false, false},
}

func appendTo(name string, b []byte) error { return writeTo(name, os.O_APPEND, b) }

func overwrite(name string, b []byte) error { return writeTo(name, 0, b) }

func writeTo(name string, flag int, b []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|flag, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// TestFilesLarge changes a large file while a slow client is reading it. The server
// must never send more than it announced. If the file has become shorter, it sends
// fewer bytes and ends the connection, without an answer to the next request.
func TestFilesLarge(t *testing.T) {
	both(t, func(t *testing.T, stage int) {
		for _, flags := range [][]string{{"-log", "off"}, {"-log", "off", "-keep-alive"}} {
			counts := map[string]int{}
			for _, f := range faults {
				t.Run(f.name+" "+strings.Join(flags[2:], " "), func(t *testing.T) { tryFault(t, stage, flags, f, counts) })
			}
			t.Logf("%v: %v, wrong answers 0 unless said", flags[2:], counts)
		}
	})
}

func tryFault(t *testing.T, stage int, flags []string, f fault, counts map[string]int) {
	above := t.TempDir()
	root := filepath.Join(above, "root")
	plant(t, root, "small.txt", "small")
	old := pattern(1, largeSize)
	plant(t, root, "dir/large.bin", string(old))
	s := start(t, stage, root, flags...)
	conn := dialSlow(t, s.Addr)
	if _, err := io.WriteString(conn, get("/dir/large.bin").String()+get("/small.txt").String()); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil { // so that the server does not wait for more
		t.Fatal(err)
	}
	in := bufio.NewReaderSize(conn, 4<<10)
	r, err := readReplyHead(in)
	if err != nil || r.status != 200 || r.length != largeSize {
		t.Fatalf("%q, %v", r.head, err)
	}
	body := make([]byte, readFirst)
	if _, err := io.ReadFull(in, body); err != nil {
		t.Fatal(err)
	}
	if err := f.change(filepath.Join(root, "dir", "large.bin")); err != nil {
		if runtime.GOOS == "windows" {
			t.Skipf("Windows does not do that to an open file: %v", err)
		}
		t.Fatal(err)
	}
	rest, err := io.ReadAll(io.LimitReader(in, r.length-readFirst))
	body = append(body, rest...)
	if err != nil {
		t.Errorf("after %d bytes: %v", len(body), err)
	}
	if cut := len(body) < largeSize; cut != f.cut {
		t.Errorf("%d bytes came, %d were announced; want fewer: %v", len(body), largeSize, f.cut)
	}
	may := [][]byte{old}
	if f.mixed {
		may = append(may, pattern(2, largeSize))
	}
	if f.cut {
		may = append(may, make([]byte, largeSize))
	}
	if at := foreign(body, may); at >= 0 {
		t.Errorf("at %d of %d bytes it is %q, want %q", at, len(body), body[at:min(at+16, len(body))], old[at:min(at+16, len(old))])
	}
	// The second request gets its answer only if the first answer was whole and the
	// connection persists.
	if keepAlive := len(flags) > 2; keepAlive && !f.cut {
		if r, err := readReply(in, "GET"); err != nil || string(r.body) != "small" {
			t.Errorf("the next answer is %q %q, %v", r.head, r.body, err)
		}
	}
	if more, err := io.ReadAll(in); err != nil || len(more) > 0 {
		t.Errorf("behind it comes %.100q, %v", more, err)
	}
	conn.Close()
	_, err = exchange(s.Addr, 1, []query{get("/small.txt")}, func(_ query, r reply) error {
		if string(r.body) != "small" {
			return fmt.Errorf("%d %q", r.status, r.body)
		}
		return nil
	})
	if err != nil {
		t.Errorf("and then: %v", err)
	}
	counts["faults"]++
	if len(body) < largeSize {
		counts["cut"]++
	} else {
		counts["whole"]++
	}
}

// dialSlow connects a client whose system takes at most slowBuffer bytes ahead. So
// the server cannot be far ahead of the client.
func dialSlow(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	tcp := conn.(*net.TCPConn)
	if err := errors.Join(tcp.SetReadBuffer(slowBuffer), tcp.SetDeadline(time.Now().Add(patience))); err != nil {
		t.Fatal(err)
	}
	return tcp
}

// foreign finds the first octets of a body that none of the texts has at this place.
// If a file was cut, one of the texts is zeros: the kernel sends from the file's own
// memory (sendfile). When it clears that memory, it also changes bytes that are on
// their way. But it adds no bytes: the end still comes too early.
func foreign(body []byte, texts [][]byte) int {
	for i := range body {
		if !slices.ContainsFunc(texts, func(text []byte) bool { return body[i] == text[i] }) {
			return i
		}
	}
	return -1
}

// A history is a small file that is replaced all the time. In state number n, it has
// a text with this number, or it is missing.
type history struct {
	name        string // where it is
	done, begun atomic.Int64
	every       time.Duration // how long a state lasts at least, beside the time that the change takes
	pending     string        // where the next one is written
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
	if r.status == 404 {
		for n := low; n <= high; n++ {
			if missing(n) {
				return nil
			}
		}
		return fmt.Errorf("a 404, but it was there in all states from %d to %d", low, high)
	}
	var n int64
	if _, err := fmt.Sscanf(string(r.body[:min(len(r.body), 24)]), "state %d\n", &n); r.status != 200 || err != nil {
		return fmt.Errorf("%d, %v: %.40q", r.status, err, r.body)
	}
	if n < low || n > high {
		return fmt.Errorf("the text of state %d, which was between %d and %d", n, low, high)
	}
	if !bytes.Equal(r.body, state(n)) {
		return fmt.Errorf("%d bytes that are not the text of state %d", len(r.body), n)
	}
	return nil
}

// TestFilesSmall asks for small files that are replaced, removed and made again all
// the time. Each answer must be a whole text that the file had during the request. It
// must not be an older text from a memory, and not a 404 while the file was there.
func TestFilesSmall(t *testing.T) {
	for _, test := range []struct {
		name   string
		every  time.Duration
		rounds int // of each client, at least: more until some states are over
	}{
		{"as fast as can be", 0, 1000},
		{"slowly enough to be remembered", 150 * time.Millisecond, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			both(t, func(t *testing.T, stage int) {
				root := t.TempDir()
				h := &history{name: filepath.Join(root, "a.txt"), pending: filepath.Join(root, "next.txt"), every: test.every}
				if err := h.next(); err != nil {
					t.Fatal(err)
				}
				s := start(t, stage, root, "-log", "off", "-keep-alive")
				var over atomic.Bool
				rewritten := make(chan error, 1)
				go func() { rewritten <- h.rewrite(&over) }()
				var wg sync.WaitGroup
				var asked, absent atomic.Int64
				for range 4 {
					wg.Go(func() {
						for i := 0; i < test.rounds || h.done.Load() < 15; i++ {
							low := h.done.Load()
							_, err := exchange(s.Addr, 4, many(get("/a.txt"), 4), func(_ query, r reply) error {
								asked.Add(1)
								if r.status == 404 {
									absent.Add(1)
								}
								return h.check(r, low, h.begun.Load())
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
				if err := <-rewritten; err != nil && runtime.GOOS != "windows" {
					t.Error(err)
				}
				if absent.Load() == 0 || absent.Load() == asked.Load() {
					t.Errorf("%d answers of %d are a 404: too few for a test", absent.Load(), asked.Load())
				}
				t.Logf("%d requests during %d states, %d times 404, wrong answers 0 unless said", asked.Load(), h.done.Load(), absent.Load())
			})
		})
	}
}

// rewrite makes one state after another until it is over.
func (h *history) rewrite(over *atomic.Bool) error {
	for !over.Load() {
		if h.every > 0 {
			time.Sleep(h.every) // how long it looks the same: a stimulus
		}
		if err := h.next(); err != nil {
			return err
		}
	}
	return nil
}

// TestFilesInPlace asks for a file that grows from nothing to more than the servers
// read as a whole, is cut, and is overwritten, always in its place. An answer may mix
// two states, but it never has more bytes than announced. It may have fewer bytes only
// if the file is sent in pieces, and then the connection ends.
func TestFilesInPlace(t *testing.T) {
	both(t, func(t *testing.T, stage int) {
		for _, flags := range [][]string{{"-log", "off"}, {"-log", "off", "-keep-alive"}} {
			root := t.TempDir()
			plant(t, root, "a.txt", "")
			s := start(t, stage, root, flags...)
			var over atomic.Bool
			rewritten := make(chan error, 1)
			changes := 0
			go func() {
				rewritten <- func() error {
					f, err := os.OpenFile(filepath.Join(root, "a.txt"), os.O_RDWR, 0)
					if err != nil {
						return err
					}
					defer f.Close()
					r := rand.New(rand.NewPCG(seed, 3))
					piece := bytes.Repeat([]byte("x"), 20<<10)
					for ; !over.Load(); changes++ {
						size := int64(r.IntN(100 << 10))
						if r.IntN(2) == 0 {
							err = f.Truncate(size)
						} else {
							_, err = f.WriteAt(piece[:r.IntN(len(piece))], size)
						}
						if err != nil {
							return err
						}
					}
					return nil
				}()
			}()
			var mu sync.Mutex
			counts := map[string]int{}
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					for range 600 {
						what, err := askChanging(s.Addr)
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						counts[what]++
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			over.Store(true)
			if err := <-rewritten; err != nil {
				t.Error(err)
			}
			if counts["read whole"] == 0 || counts["in pieces"] == 0 {
				t.Errorf("not all kinds of answers came: %v", counts)
			}
			t.Logf("%v: 2400 connections during %d changes: %v, wrong answers 0 unless said", flags[2:], changes, counts)
		}
	})
}

// askChanging asks twice on one connection for a file whose size changes. It says
// what the first answer was: small and whole, in pieces, or cut.
func askChanging(addr string) (what string, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, get("/a.txt").String()+get("/nothing").String()); err != nil {
		return "", err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return "", err
	}
	in := bufio.NewReader(conn)
	r, err := readReply(in, "GET")
	if r.status != 200 {
		return "", fmt.Errorf("%q, %v", r.head, err)
	}
	what = "in pieces"
	if r.length <= 32<<10 {
		what = "read whole"
	}
	if err != nil {
		if err != io.ErrUnexpectedEOF || what == "read whole" {
			return "", fmt.Errorf("%d bytes of %d: %w", len(r.body), r.length, err)
		}
		what = "cut"
	}
	if i := bytes.IndexFunc(r.body, func(r rune) bool { return r != 'x' && r != 0 }); i >= 0 {
		return "", fmt.Errorf("%q is in the body", r.body[i:])
	}
	if what != "cut" && !r.closes { // the next answer begins right behind it
		r, err = readReply(in, "GET")
		if err != nil || r.status != 404 {
			return "", fmt.Errorf("%q after the whole body, %v", r.head, err)
		}
	}
	if more, err := io.ReadAll(in); err != nil || len(more) > 0 {
		return "", fmt.Errorf("behind it comes %.100q, %v", more, err)
	}
	return what, nil
}

// TestFilesAppear: a name stands for what it is now, and not for what it was before.
func TestFilesAppear(t *testing.T) {
	const rounds = 100
	both(t, func(t *testing.T, stage int) {
		root := t.TempDir()
		s := start(t, stage, root, "-log", "off", "-keep-alive")
		name := filepath.Join(root, "a.txt")
		requests := 0
		want := func(target string, status int, text string) {
			_, err := exchange(s.Addr, 2, many(get(target), 2), func(_ query, r reply) error {
				requests++
				if r.status != status || status == 200 && string(r.body) != text {
					return fmt.Errorf("%d %.40q, want %d %.40q", r.status, r.body, status, text)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		do := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		for i := range rounds {
			text := fmt.Sprint("text ", i)
			want("/a.txt", 404, "")
			do(os.WriteFile(name, []byte(text), 0o644))
			want("/a.txt", 200, text)
			do(appendTo(name, pattern(1, 40<<10))) // too large to be read as a whole
			want("/a.txt", 200, text+string(pattern(1, 40<<10)))
			do(os.Truncate(name, int64(len(text))))
			want("/a.txt", 200, text)
			do(os.Remove(name))
			want("/a.txt", 404, "")
			do(os.Mkdir(name, 0o755))
			want("/a.txt", 301, "")
			want("/a.txt/", 404, "")
			do(os.WriteFile(filepath.Join(name, "index.html"), []byte(text), 0o644))
			want("/a.txt/", 200, text)
			do(os.RemoveAll(name))
		}
		t.Logf("%d requests, %d changes, wrong answers 0", requests, 7*rounds)
	})
}
