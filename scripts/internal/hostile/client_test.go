//go:build kit && linux

package hostile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"weblab.example/scripts/internal/launch"
)

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

// checkSafe makes sure that a text has nothing that a terminal obeys: no control
// characters (C0 or C1), and none that change the direction of writing.
func checkSafe(t *testing.T, text string) {
	t.Helper()
	at := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) })
	if at >= 0 || !utf8.ValidString(text) {
		t.Errorf("a terminal obeys what is here: ...%.700q", text[max(0, at-60):])
	}
}

// A clientRun is the result of one run of the client.
type clientRun struct {
	status int
	out    *follower
	stderr string
	took   time.Duration
	peak   int64 // of memory, in bytes; 0 if it is not known
}

// runClient runs the client, which should print want.
func runClient(t *testing.T, want io.Reader, args ...string) *clientRun {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	cmd := launch.Command(ctx, programs[3], args...)
	r := &clientRun{out: &follower{want: want}}
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = r.out, &stderr
	var err error
	if r.peak, r.took, err = cmd.Measure(); err != nil {
		t.Error(err)
		return r
	}
	r.status, r.stderr = cmd.ExitStatus(), stderr.String()
	return r
}

// A follower compares what is written to it with a stream, which may have no end.
type follower struct {
	want  io.Reader
	n     int64
	wrong string // what was found first, "" if nothing
}

func (f *follower) Write(p []byte) (int, error) {
	want := make([]byte, len(p))
	k, _ := io.ReadFull(f.want, want) // it may be shorter, and then it differs
	if !bytes.Equal(p, want[:k]) && f.wrong == "" {
		f.wrong = fmt.Sprintf("after %d bytes came %.200q, want %.200q", f.n, p, want[:k])
	}
	f.n += int64(len(p))
	return len(p), nil
}

// missing reports whether more should have been written.
func (f *follower) missing() bool {
	n, _ := io.CopyN(io.Discard, f.want, 1)
	return n > 0
}
