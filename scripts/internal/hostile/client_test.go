//go:build kit && linux

package hostile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"
)

const parallelMemory = 128 << 20 // the most that a client with fifty connections may need, in bytes

// TestClientTricks runs the client against each hostile server. With -v it shows all
// lines, and none does harm. With -o, FILE gets what would go to standard output.
func TestClientTricks(t *testing.T) {
	raw := filepath.Join(t.TempDir(), "raw")
	head := fmt.Sprintf("POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", largeRequest)
	must(t, os.WriteFile(raw, append([]byte(head), make([]byte, largeRequest)...), 0o600))
	for _, trick := range tricks {
		t.Run(trick.name, func(t *testing.T) {
			t.Parallel()
			trick.flags = strings.ReplaceAll(trick.flags, "{raw}", raw)
			trick.check(t, trick.run(t, trick.expected()))
			if strings.Contains(trick.name, "evil") || strings.Contains(trick.name, "interim") {
				trick.runVerbose(t)
			}
			if trick.least == 0 && trick.flags == "" { // the others would do the same to a file
				trick.runToFile(t)
			}
		})
	}
	t.Cleanup(func() { t.Logf("%d tricks", len(tricks)) })
}

// run runs the client against the server, and compares standard output with want.
func (k trick) run(t *testing.T, want io.Reader, flags ...string) *clientRun {
	t.Helper()
	s := serveTrick(t, k)
	defer s.stop()
	return runClient(t, want, slices.Concat(strings.Fields(k.flags), flags, []string{s.url})...)
}

func (k trick) runVerbose(t *testing.T) {
	t.Helper()
	r := k.run(t, k.expected(), "-v")
	checkSafe(t, r.stderr)
	if r.status != k.status || !strings.Contains(r.stderr, "\n> \"GET / HTTP/1.1\\r\\n\"\n") {
		t.Errorf("with -v: exit status %d, want %d; standard error %.700q", r.status, k.status, r.stderr)
	}
}

func (k trick) runToFile(t *testing.T) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "out")
	r := k.run(t, stream(), "-o", name)
	if r.out.n > 0 {
		t.Errorf("with -o: %d bytes on standard output", r.out.n)
	}
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) && k.then == "reset at once" {
		return // without a connection, the client does not change the file
	}
	must(t, err)
	defer file.Close()
	r.out = &follower{want: k.expected()}
	_, err = io.Copy(r.out, file)
	must(t, err)
	k.check(t, r)
}

// check compares the result of a run with what the trick wants.
func (k trick) check(t *testing.T, r *clientRun) {
	t.Helper()
	if r.status != k.status {
		t.Errorf("exit status %d, want %d", r.status, k.status)
	}
	checkWords(t, r.stderr, k.says)
	if k.says == nil && r.stderr != "" {
		t.Errorf("standard error: %q, want nothing", r.stderr)
	}
	missing := r.out.missing()
	switch {
	case r.out.wrong != "":
		t.Errorf("standard output: %s", r.out.wrong)
	case missing && !k.part:
		t.Errorf("standard output ends after %d bytes, but the client got more", r.out.n)
	case k.part && r.out.n == 0:
		t.Error("nothing on standard output")
	case missing && k.least == 0 && r.out.n > giveUp:
		t.Errorf("%d bytes on standard output: it should have given up before", r.out.n)
	}
	most := 5 * patience // only a client that hangs needs longer, also on a busy machine
	if k.least > 0 {
		most = k.least + soon
	}
	if r.took < k.least || r.took > most {
		t.Errorf("it took %v, want %v to %v", r.took, k.least, most)
	}
	if r.peak > k.memory() {
		t.Errorf("peak memory %d bytes, want at most %d", r.peak, k.memory())
	}
}

// checkWords wants one line of the client on standard error, with these words.
func checkWords(t *testing.T, stderr string, words []string) {
	t.Helper()
	checkSafe(t, stderr)
	if words == nil {
		return
	}
	line, more, whole := strings.Cut(stderr, "\n")
	if !whole || more != "" || !strings.HasPrefix(line, "stage3-client: ") || len(line) > 600 {
		t.Errorf("standard error is not one line of the client, but %.700q", stderr)
	}
	for _, word := range words {
		if !strings.Contains(line, word) {
			t.Errorf("no %q in %.700q", word, stderr)
		}
	}
}

// checkSafe makes sure that standard error has nothing that a terminal obeys: no
// control characters (C0 or C1), and none that change the direction of writing.
func checkSafe(t *testing.T, stderr string) {
	t.Helper()
	bad := func(r rune) bool { return r != '\n' && r != ' ' && !unicode.IsPrint(r) }
	if !utf8.ValidString(stderr) || strings.ContainsFunc(stderr, bad) {
		t.Errorf("a terminal obeys what is in standard error: %.700q", stderr)
	}
}

// TestClientParallelTricks: many connections at once end as one does. A line says how
// each of them ended.
func TestClientParallelTricks(t *testing.T) {
	t.Parallel()
	const n = 50
	for _, trick := range tricksOf("tricks-parallel") {
		t.Run(trick.name, func(t *testing.T) {
			s := serveTrick(t, trick)
			r := runClient(t, stream(), append(strings.Fields(trick.flags), "-p", strconv.Itoa(n), "-n", "3", "-max-time", "2s", s.url)...)
			s.stop()
			checkSafe(t, r.stderr)
			lines := strings.Split(strings.TrimSuffix(r.stderr, "\n"), "\n")
			if r.status != 1 || r.out.n > 0 || len(lines) != n+1 {
				t.Fatalf("exit status %d, %d bytes on standard output, %d lines on standard error:\n%.1000s", r.status, r.out.n, len(lines), r.stderr)
			}
			if want := fmt.Sprintf("stage3-client: %d of %d connections got no good answer", n, n); lines[n] != want {
				t.Errorf("last line %q, want %q", lines[n], want)
			}
			for _, line := range lines[:n] {
				for _, word := range append(trick.says, "connection ", "connected ") {
					if !strings.Contains(line, word) {
						t.Errorf("no %q in %q", word, line)
					}
				}
			}
			if s.connections.Load() != n || r.took > 5*patience || r.peak > parallelMemory {
				t.Errorf("%d connections, want %d; it took %v; peak memory %d bytes", s.connections.Load(), n, r.took, r.peak)
			}
		})
	}
}

// A cutResponse is a response that is cut. Its body is in brackets.
type cutResponse struct {
	name, response string
	length         string // its full length, in the words of standard error
	toClose        bool
}

// TestClientOffsets cuts three responses at every place, with a FIN and with a reset.
// The client must print all that came, and must notice that the response is cut.
func TestClientOffsets(t *testing.T) {
	runs := 0
	for _, c := range []cutResponse{
		{"Content-Length", okLine + "Content-Length: 36\r\n\r\n[" + page + "]", "of 36 bytes came", false},
		{"chunked", chunkedHead + "5;a=b\r\n[hello]\r\n01\r\n[!]\r\n0\r\nX: y\r\n\r\n", "bytes came, but not the end of the body", false},
		{"until close", okLine + "Connection: close\r\n\r\n[" + page + "]", "bytes came", true},
	} {
		end := len(brackets.Replace(c.response))
		for _, ending := range []string{"close", "reset"} {
			for _, flags := range []string{"", "-body"} {
				runs += end + 1
				t.Run(strings.TrimSpace(c.name+", "+ending+" "+flags), func(t *testing.T) {
					var all errgroup.Group
					all.SetLimit(2 * runtime.NumCPU())
					for n := range end + 1 {
						all.Go(func() error {
							k := c.at(n, ending)
							if k.flags = flags; flags == "" {
								k.prints = nil
							}
							if k.check(t, k.run(t, k.expected())); t.Failed() {
								return fmt.Errorf("at %d of %d bytes", n, end)
							}
							return nil
						})
					}
					if err := all.Wait(); err != nil {
						t.Error("one of the first to fail:", err)
					}
				})
			}
		}
	}
	t.Logf("%d places and ways to cut, wrong runs 0 unless said", runs)
}

var brackets = strings.NewReplacer("[", "", "]", "")

// at is a server that ends after n bytes of the response. The trick has what the client
// must print with -body.
func (c cutResponse) at(n int, ending string) trick {
	var sends, prints []byte
	inBody := false
	for _, b := range []byte(c.response) {
		switch {
		case b == '[' || b == ']':
			inBody = b == '['
		case len(sends) < n && inBody:
			prints = append(prints, b)
			fallthrough
		case len(sends) < n:
			sends = append(sends, b)
		}
	}
	k := trick{sends: []piece{{string(sends), 1}}, prints: []piece{{string(prints), 1}}, then: ending, status: 1, says: []string{"ended early"}}
	how := map[string]string{"close": "the server closed", "reset": "RST"}[ending]
	whole := n == len(brackets.Replace(c.response))
	headEnd := strings.Index(c.response, "\r\n\r\n") + 4
	switch {
	case n == 0:
		k.says = []string{"no answer", map[string]string{"close": "FIN", "reset": "RST"}[ending]}
	case whole && !c.toClose && ending == "reset":
		k.status, k.says = 0, []string{"note: the response is complete", "RST"}
	case whole && !c.toClose, n >= headEnd && c.toClose && ending == "close":
		k.status, k.says = 0, nil
	case n < headEnd:
		k.says = append(k.says, "the end of the head did not come", how)
	default:
		k.says = append(k.says, fmt.Sprint(len(prints), " ", c.length), how)
	}
	return k
}
