//go:build kit

package hostile

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"
)

const (
	clientMemory   = 24 << 20  // the most that a client may need, in bytes
	parallelMemory = 128 << 20 // with fifty connections
	gigabyte       = 1 << 30   // stands for a stream that never ends
	giveUp         = 1 << 20   // how much of such a stream a client may print
)

// A trick is what a hostile server does to the client, and how the client must
// react.
type trick struct {
	name  string
	flags string // of the client, separated by spaces; {raw} is a large request in a file

	sends func() io.Reader // what the server sends, anew for each connection
	drips string           // what follows a byte at a time,
	every time.Duration    // with so much between two
	then  string           // "close" (also ""), "open", "reset"; or before it has read the request: "close at once", "reset at once", "never reads"

	status int
	says   []string         // on standard error, in one line; none: nothing at all
	prints func() io.Reader // nil: what was sent
	part   bool             // a part of that is enough, because the client gives up

	least, most time.Duration // how long it takes; most 0: patience
	memory      int64         // 0: clientMemory
}

// stream makes a stream of these strings, one after the other.
func stream(parts ...string) func() io.Reader {
	return func() io.Reader { return strings.NewReader(strings.Join(parts, "")) }
}

// floodOf makes a stream of a beginning, and then a piece many times.
func floodOf(begin, piece string, times int64, end ...string) func() io.Reader {
	return func() io.Reader {
		return io.MultiReader(strings.NewReader(begin), io.LimitReader(&repeated{piece: piece}, times*int64(len(piece))), stream(end...)())
	}
}

// repeated repeats a piece for ever.
type repeated struct {
	piece string
	at    int
}

func (e *repeated) Read(p []byte) (n int, err error) {
	if e.at == 0 && len(e.piece) < 1<<10 {
		e.piece = strings.Repeat(e.piece, 1<<10) // many small copies would be slow
	}
	for n < len(p) {
		k := copy(p[n:], e.piece[e.at:])
		n, e.at = n+k, (e.at+k)%len(e.piece)
	}
	return n, nil
}

const (
	okLine      = "HTTP/1.1 200 OK\r\n"
	chunkedHead = okLine + "Transfer-Encoding: chunked\r\n\r\n"
	rawFlags    = "-raw {raw} -timeout 500ms"
	quickFlags  = "-timeout 500ms"
	evilText    = "\x1b[2J\x1b]0;owned\x07\x9b31m\u009b31m\u0085\x7f\u202e\x00\x08\rgone" // as a terminal reads it: erase, name the window, colours, backwards
	turning     = "\x9b31m\u009b31m\u0085\u202egone"                                      // the part of it that is no control octet, and may be in a line
	bombSize    = 10_000_000
	tooLong     = "is too long for this client"
	noTrouble   = "" // standard error is empty
)

// mostFields is a head with mostLines fields, the most that fit into the client's
// 256 KiB with the status line. Each line counts 32 bytes more than its own.
var mostFields = floodOf(okLine, "a:\n", mostLines, "\n")

const mostLines int64 = (256<<10 - int64(len(okLine)) - 32 - 1) / (3 + 32)

// bombBytes are ten million zero bytes as few.
var bombBytes = func() string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(make([]byte, bombSize)); err != nil {
		panic(err)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.String()
}()

// mistake is a response whose last line is wrong. The client must print all of it,
// and standard error must have these words.
func mistake(name, response string, says ...string) trick {
	return trick{name: name, sends: stream(response), then: "open", status: 1, says: says}
}

// badField is a response with an invalid field line. The client notices the mistake
// only when the next byte has come, because the next line may belong to this one.
func badField(name, line string, says ...string) trick {
	return trick{name: name, sends: stream(okLine, line, "\n\n"), then: "open", status: 1, says: append(says, "in the response"), part: true}
}

// neverEnding is a flood that never ends. The client must give up.
func neverEnding(name, begin, piece string, says ...string) trick {
	return trick{name: name, sends: floodOf(begin, piece, gigabyte/int64(len(piece))), status: 1, says: says, part: true}
}

// dripping is a stream in which each byte comes soon, but the stream never ends.
func dripping(name, begin, piece string, says ...string) trick {
	return trick{name: name, flags: quickFlags, sends: stream(begin), drips: strings.Repeat(piece, 1000), every: 50 * time.Millisecond,
		status: 1, says: says, part: true, least: 400 * time.Millisecond, most: 3 * time.Second}
}

var tricks = slices.Concat([]trick{
	// A head, a line, a section without an end.
	neverEnding("a status line without end", "", "a", "the head", tooLong),
	neverEnding("a status line that begins well and has no end", "HTTP/1.1 200 ", "a", "the head", tooLong),
	neverEnding("a field line without end", okLine+"X: ", "a", "the head", tooLong),
	neverEnding("a field line without end and without a colon", okLine, "a", "the head", tooLong),
	neverEnding("a folded line without end", okLine+"X: a\r\n", " b\r\n", "the head", tooLong),
	neverEnding("field lines without end", okLine, "X-Flood: abcdefgh\r\n", "the head", tooLong),
	neverEnding("the smallest field lines without end", okLine, "a:\n", "the head", tooLong),
	{name: "a million field lines", sends: floodOf(okLine, "a: b\r\n", 1e6, "\r\n"), then: "open", status: 1, says: []string{"the head", tooLong}, part: true},
	{name: "as many fields as there may be", sends: mostFields},
	{name: "one field more", sends: floodOf(okLine, "a:\n", mostLines+1, "\n"), then: "open", status: 1, says: []string{"the head", tooLong}, part: true},
	badField("a field line of 200 KB that is none", strings.Repeat("a", 200_000), "no colon"),
	badField("a field name of 200 KB that is no token", strings.Repeat("(", 200_000)+": b", "not a token"),
	neverEnding("a chunk size without end", chunkedHead, "0", "line of the chunked coding", tooLong),
	neverEnding("a chunk extension without end", chunkedHead+"5;", "a", "line of the chunked coding", tooLong),
	neverEnding("a line without end behind a chunk", chunkedHead+"5\r\nhello", "a", "line of the chunked coding", tooLong),
	neverEnding("a trailer line without end", chunkedHead+"0\r\nX: ", "a", "trailer section", tooLong),
	neverEnding("trailer lines without end", chunkedHead+"0\r\n", "X-Flood: abcdefgh\r\n", "trailer section", tooLong),
	neverEnding("interim responses without end", "", "HTTP/1.1 100 Continue\r\n\r\n", "the head", tooLong),
	neverEnding("interim responses with fields without end", "", "HTTP/1.1 103 \r\nA: b\r\n\r\n", "the head", tooLong),
	{name: "a million interim responses, and a final one", sends: floodOf("", "HTTP/1.1 100\n\n", 1e6, okLine, "Content-Length: 0\r\n\r\n"), status: 1, says: []string{"the head", tooLong}, part: true},
	{name: "a hundred interim responses, and a final one", sends: floodOf("", "HTTP/1.1 100\n\n", 100, okLine, "Content-Length: 0\r\n\r\n")},

	// A body of many pieces is legal.
	{name: "a million chunks of a byte", sends: floodOf(chunkedHead, "1\r\na\r\n", 1e6, "0\r\n\r\n")},
	{name: "a million chunks of a byte, -body", flags: "-body", sends: floodOf(chunkedHead, "1\r\na\r\n", 1e6, "0\r\n\r\n"), prints: floodOf("", "a", 1e6)},
	{name: "ten thousand chunks with long extensions", flags: "-body", sends: floodOf(chunkedHead, "1;"+strings.Repeat("x", 4000)+"\r\na\r\n", 10_000, "0\r\n\r\n"), prints: floodOf("", "a", 10_000)},
	{name: "a body without end", flags: "-max-time 1s", sends: floodOf(okLine+"\r\n", "0123456789abcdef", 16*gigabyte), part: true,
		status: 1, says: []string{"ended early", "-max-time"}, least: 900 * time.Millisecond, most: 4 * time.Second},
	{name: "chunks without end", flags: "-max-time 1s", sends: floodOf(chunkedHead, "10\r\n0123456789abcdef\r\n", gigabyte), part: true,
		status: 1, says: []string{"ended early", "-max-time"}, least: 900 * time.Millisecond, most: 4 * time.Second},
	{name: "bytes without end behind the response", sends: floodOf(okLine+"Content-Length: 2\r\n\r\nok", "a", gigabyte), part: true,
		prints: stream(okLine, "Content-Length: 2\r\n\r\nok"), status: 1, says: []string{"at least 65536 bytes came after the end"}},
	{name: "a compressed bomb", sends: stream(okLine, "Content-Encoding: gzip\r\nContent-Length: ", strconv.Itoa(len(bombBytes)), "\r\n\r\n", bombBytes)},
	{name: "a compressed bomb, -body", flags: "-body", sends: stream(okLine, "Content-Encoding: gzip\r\n\r\n", bombBytes), prints: stream(bombBytes)},
	{name: "a compressed bomb as transfer coding, -body", flags: "-body", sends: stream(okLine, "Transfer-Encoding: gzip, chunked\r\n\r\n",
		fmt.Sprintf("%x\r\n", len(bombBytes)), bombBytes, "\r\n0\r\n\r\n"), prints: stream(bombBytes)},
	{name: "a response behind the response", sends: stream(okLine, "Content-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\n\r\nowned"),
		prints: stream(okLine, "Content-Length: 2\r\n\r\nok"), status: 1, says: []string{"24 bytes came after the end of the response"}},

	// Lengths.
	{name: "all but endless Content-Length", sends: stream(okLine, "Content-Length: 9223372036854775807\r\n\r\n0123456789"),
		status: 1, says: []string{"ended early", "10 of 9223372036854775807 bytes came"}},
	{name: "all but endless chunk", sends: stream(chunkedHead, "7fffffffffffffff\r\n0123456789"), status: 1, says: []string{"ended early", "10 bytes came"}},
	{name: "a chunk size with many zeros before", sends: stream(chunkedHead, strings.Repeat("0", 4000), "5\r\nhello\r\n000\r\n\r\n")},

	// One byte at a time.
	dripping("a trickle in the status line", "", "a", "ended early", "the end of the head", "time out"),
	dripping("a trickle in a field line", okLine, "a", "ended early", "the end of the head", "time out"),
	dripping("a trickle of field lines", okLine, "a:b\n", "ended early", "the end of the head", "time out"),
	dripping("a trickle of interim responses", "", "HTTP/1.1 100\n\n", "time out"),
	dripping("a trickle in a chunk size", chunkedHead, "0", "ended early", "not the end of the body", "time out"),
	dripping("a trickle behind a chunk", chunkedHead+"5\r\nhello", "a", "ended early", "5 bytes came", "time out"),
	dripping("a trickle of trailer lines", chunkedHead+"0\r\n", "a:b\n", "ended early", "not the end of the body", "time out"),
	{name: "a trickle in the body is legal", flags: quickFlags, sends: stream(okLine, "\r\n"), drips: strings.Repeat("slow", 10), every: 20 * time.Millisecond},
	{name: "a trickle in a chunk is legal", flags: quickFlags, sends: stream(chunkedHead, "28\r\n"), drips: strings.Repeat("slow", 10) + "\r\n0\r\n\r\n", every: 20 * time.Millisecond},
	{name: "a trickle behind the response", sends: stream(okLine, "Content-Length: 2\r\n\r\nok"), drips: strings.Repeat("a", 1000), every: 50 * time.Millisecond,
		prints: stream(okLine, "Content-Length: 2\r\n\r\nok"), status: 1, says: []string{"bytes came after the end"}, least: time.Second, most: 10 * time.Second},

	// No answer.
	{name: "silence", flags: quickFlags, sends: stream(), then: "open", status: 1, says: []string{"time out", "-timeout"}, least: 400 * time.Millisecond, most: 3 * time.Second},
	{name: "silence, -max-time", flags: "-max-time 500ms", sends: stream(), then: "open", status: 1, says: []string{"time out", "-max-time"}, least: 400 * time.Millisecond, most: 3 * time.Second},
	{name: "silence in the head", flags: quickFlags, sends: stream("HTTP/1.1 200"), then: "open", status: 1, says: []string{"ended early", "the end of the head", "time out"}, least: 400 * time.Millisecond, most: 3 * time.Second},
	{name: "silence in the body", flags: quickFlags, sends: stream(okLine, "Content-Length: 9\r\n\r\na"), then: "open", status: 1, says: []string{"ended early", "1 of 9 bytes came", "time out"}, least: 400 * time.Millisecond, most: 3 * time.Second},
	{name: "closes at once", sends: stream(), then: "close at once", status: 1, says: []string{"no answer"}},
	{name: "closes behind the request", sends: stream(), status: 1, says: []string{"no answer", "FIN"}},
	{name: "resets at once", sends: stream(), then: "reset at once", status: 1, says: []string{"reset"}}, // perhaps before the client knows that it is connected
	{name: "resets behind the request", sends: stream(), then: "reset", status: 1, says: []string{"no answer", "RST"}},
	{name: "never reads", flags: rawFlags, sends: stream(), then: "never reads", status: 1, says: []string{"time out", "did not take the request", "-timeout"},
		least: 900 * time.Millisecond, most: 5 * time.Second, memory: clientMemory + largeRequest},
	{name: "never reads, -max-time", flags: "-raw {raw} -max-time 500ms", sends: stream(), then: "never reads", status: 1, says: []string{"time out", "-max-time"},
		least: 400 * time.Millisecond, most: 3 * time.Second, memory: clientMemory + largeRequest},
	{name: "never reads, but answers", flags: rawFlags, sends: stream(okLine, "Connection: close\r\nContent-Length: 2\r\n\r\nno"), then: "never reads", memory: clientMemory + largeRequest},

	// What a terminal would obey.
	mistake("evil instead of a status line", evilText+"\n", "control octet 0x1b in the head"),
	mistake("evil behind a status", "HTTP/1.1 200 "+evilText+"\n", "control octet 0x1b in the head"),
	mistake("an evil field line", okLine+evilText+"\n", "control octet"),
	mistake("an evil field name", okLine+evilText+": a\n", "control octet"),
	mistake("an evil field value", okLine+"X: "+evilText+"\n", "control octet"),
	mistake("an evil line behind a space", okLine+" "+evilText+"\n", "control octet"),
	mistake("an evil folded line", okLine+"X: a\n "+evilText+"\n", "control octet"),
	mistake("an evil Content-Length", okLine+"Content-Length: 5"+evilText+"\n", "control octet"),
	mistake("an evil chunk size", chunkedHead+evilText+"\n", "control octet 0x1b in a line of the chunked coding"),
	mistake("an evil extension", chunkedHead+"1;"+evilText+"\n", "control octet"),
	mistake("evil behind a chunk", chunkedHead+"1\na"+evilText+"\n", "control octet"),
	mistake("an evil trailer", chunkedHead+"0\n"+evilText+"\n", "control octet 0x1b in the trailer section"),
	mistake("no status line, and it turns the writing", turning+"\n", "status line"),
	badField("a field line that turns the writing", turning, "colon"),
	badField("a field name that turns the writing", turning+": a", "token"),
	badField("a line behind a space that turns the writing", " "+turning, "whitespace"),
	mistake("a Content-Length that turns the writing", okLine+"Content-Length: 5"+turning+"\n\n", "Content-Length"),
	mistake("a chunk size that turns the writing", chunkedHead+turning+"\n", "is not the size of a chunk"),
	mistake("behind a chunk what turns the writing", chunkedHead+"1\na"+turning+"\n", "a chunk goes on"),
	{name: "what turns the writing in all places where it may be",
		sends: stream("HTTP/1.1 200 ", turning, "\nX: ", turning, "\nTransfer-Encoding: chunked\n\n1;", turning, "\na\n0\nY: ", turning, "\n\n")},
}, chunkSizes(), contentLengths())

// chunkSizes are invalid chunk sizes.
func chunkSizes() (tricks []trick) {
	for _, size := range []string{"8000000000000000", "10000000000000000", "ffffffffffffffff", "FFFFFFFFFFFFFFFFF", "11111111111111111", "-1", "-0", "+5", "0x5", "0X0", "", " ", " 5", ";", ";a", "5 5", "5_0", "1e+1", "g", "5,5", "\u0665"} {
		tricks = append(tricks, mistake(fmt.Sprintf("chunk size %q", size), chunkedHead+"2\r\nok\r\n"+size+"\r\n", "is not the size of a chunk, after 2 bytes"))
	}
	for _, behind := range []string{"a", " ", "5\r\nhello"} {
		tricks = append(tricks, trick{name: fmt.Sprintf("a chunk that goes on with %q", behind), sends: stream(chunkedHead, "2\r\nok", behind, "\r\n"), then: "open",
			status: 1, says: []string{"a chunk goes on after its 2 bytes"}, part: true})
	}
	return append(tricks, mistake("a CR behind a chunk size", chunkedHead+"2\r\r\n", "control octet 0x0d"), mistake("a CR behind a chunk", chunkedHead+"2\r\nok\r\r\n", "control octet 0x0d"))
}

// contentLengths are invalid values of Content-Length.
func contentLengths() (tricks []trick) {
	for _, length := range []string{"9223372036854775808", "18446744073709551616", "-1", "+5", "0x5", "", "5,6", "5,", "5 5", "5;5", "1_0", "5.0", strings.Repeat("9", 200_000)} {
		tricks = append(tricks, mistake(fmt.Sprintf("Content-Length %.20q", length), okLine+"Content-Length: "+length+"\r\n\r\n", "Content-Length", "does not say how long"))
	}
	return append(tricks, trick{name: "the same Content-Length in a list", sends: stream(okLine, "Content-Length: 5, 5\r\nContent-Length: 5\r\n\r\nhello")})
}

// largeRequest is larger than the buffers of a connection.
const largeRequest = 16 << 20

// TestClientTricks runs the client against each hostile server.
func TestClientTricks(t *testing.T) {
	raw := filepath.Join(t.TempDir(), "raw")
	head := fmt.Sprintf("POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", largeRequest)
	if err := os.WriteFile(raw, append([]byte(head), make([]byte, largeRequest)...), 0o600); err != nil {
		t.Fatal(err)
	}
	var connections, sent, peak atomic.Int64
	for _, trick := range tricks {
		t.Run(trick.name, func(t *testing.T) {
			flags := strings.Fields(strings.ReplaceAll(trick.flags, "{raw}", raw))
			s := serveTrick(t, trick)
			r := runClient(t, trick.expected(), append(flags, s.url)...)
			s.stop()
			trick.check(t, r)
			connections.Add(s.connections.Load())
			sent.Add(s.sent.Load())
			if trick.memory == 0 { // a large request is held in memory, and says nothing about answers
				peak.Store(max(peak.Load(), r.peak))
			}
		})
	}
	if peak.Load() == 0 {
		t.Log("peak memory is not known: only Linux tells how much another process has used (/proc)")
	}
	t.Logf("%d tricks, %d connections, %.1f GB sent, peak memory of a client %.1f MB", len(tricks), connections.Load(), float64(sent.Load())/1e9, float64(peak.Load())/1e6)
}

func (k trick) expected() io.Reader {
	if k.prints != nil {
		return k.prints()
	}
	return io.MultiReader(k.sends(), strings.NewReader(k.drips))
}

// check compares the result of a run with what the trick wants.
func (k trick) check(t *testing.T, r *clientRun) {
	t.Helper()
	if r.status != k.status {
		t.Errorf("exit status %d, want %d", r.status, k.status)
	}
	checkWords(t, r.stderr, k.says)
	if k.says == nil && r.stderr != noTrouble {
		t.Errorf("standard error: %q, want nothing", r.stderr)
	}
	rest, err := io.CopyN(io.Discard, r.out.want, 1)
	switch {
	case r.out.wrong != "":
		t.Errorf("standard output: %s", r.out.wrong)
	case rest > 0 && !k.part:
		t.Errorf("standard output ends after %d bytes, but the client got more", r.out.n)
	case k.part && r.out.n == 0:
		t.Error("nothing on standard output")
	case rest > 0 && err == nil && k.least == 0 && r.out.n > giveUp:
		t.Errorf("%d bytes on standard output: it should have given up before", r.out.n)
	}
	if most := cmp.Or(k.most, patience); r.took < k.least || r.took > most {
		t.Errorf("it took %v, want %v to %v", r.took, k.least, most)
	}
	if memory := cmp.Or(k.memory, clientMemory); r.peak > memory {
		t.Errorf("peak memory %d bytes, want at most %d", r.peak, memory)
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

// TestClientVerbose: with -v the client shows all lines, and none does harm.
func TestClientVerbose(t *testing.T) {
	var lines int
	for _, trick := range tricks {
		if !strings.Contains(trick.name, "evil") && !strings.Contains(trick.name, "interim") {
			continue
		}
		t.Run(trick.name, func(t *testing.T) {
			s := serveTrick(t, trick)
			r := runClient(t, trick.expected(), append(strings.Fields(trick.flags), "-v", s.url)...)
			s.stop()
			checkSafe(t, r.stderr)
			if r.status != trick.status || !strings.Contains(r.stderr, "\n> \"GET / HTTP/1.1\\r\\n\"\n") {
				t.Errorf("exit status %d, want %d; standard error %.700q", r.status, trick.status, r.stderr)
			}
			lines += strings.Count(r.stderr, "\n")
		})
	}
	t.Logf("%d lines on standard error", lines)
	if lines < 100 {
		t.Error("too few lines for a test")
	}
}

// TestClientToFile: with -o, FILE gets what would go to standard output.
func TestClientToFile(t *testing.T) {
	var files int
	for _, trick := range tricks {
		if trick.least > 0 || trick.flags != "" || trick.memory > 0 {
			continue // slow tricks, and those with other flags, would do the same to a file
		}
		files++
		t.Run(trick.name, func(t *testing.T) {
			s := serveTrick(t, trick)
			name := filepath.Join(t.TempDir(), "out")
			r := runClient(t, stream()(), "-o", name, s.url)
			s.stop()
			if r.out.n > 0 {
				t.Errorf("%d bytes on standard output", r.out.n)
			}
			r.out = &follower{want: trick.expected()}
			file, err := os.Open(name)
			if errors.Is(err, fs.ErrNotExist) && trick.then == "reset at once" {
				return // without a connection, the client does not change the file
			}
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if _, err := io.Copy(r.out, file); err != nil {
				t.Fatal(err)
			}
			trick.check(t, r)
		})
	}
	t.Logf("%d files", files)
}

// TestClientParallelTricks: many connections at once end as one does. A line says how
// each of them ended.
func TestClientParallelTricks(t *testing.T) {
	const n = 50
	var connections int64
	var peak int64
	for _, trick := range []trick{
		neverEnding("field lines without end", okLine, "a:\n", tooLong),
		neverEnding("a field line without end", okLine+"X: ", "a", tooLong),
		neverEnding("interim responses without end", "", "HTTP/1.1 100\n\n", "too long"),
		neverEnding("trailer lines without end", chunkedHead+"0\r\n", "X: a\n", tooLong),
		neverEnding("a body without end", okLine+"\r\n", "0123456789abcdef", "-max-time"),
		dripping("a trickle in a field line", okLine, "a", "time out"),
		{name: "resets behind the request", sends: stream(), then: "reset", says: []string{"no answer", "RST"}},
		{name: "resets in the body", sends: stream(okLine, "Content-Length: 9\r\n\r\na"), then: "reset", says: []string{"ended early", "RST", "1 bytes"}},
		{name: "silence", sends: stream(), then: "open", flags: quickFlags, says: []string{"time out"}},
		{name: "one answer and no more", sends: stream(okLine, "Content-Length: 2\r\n\r\nok"), says: []string{"no answer to request 2", "2 bytes", "FIN"}},
		{name: "an evil field", sends: stream(okLine, evilText, "\n\n"), then: "open", says: []string{"control octet"}},
		{name: "as many fields as there may be", sends: mostFields, says: []string{"no answer to request 2"}},
	} {
		t.Run(trick.name, func(t *testing.T) {
			s := serveTrick(t, trick)
			r := runClient(t, stream()(), append(strings.Fields(trick.flags), "-p", strconv.Itoa(n), "-n", "3", "-max-time", "2s", s.url)...)
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
			if r.took > patience {
				t.Errorf("it took %v", r.took)
			}
			if s.connections.Load() != n {
				t.Errorf("%d connections, want %d", s.connections.Load(), n)
			}
			connections += s.connections.Load()
			peak = max(peak, r.peak)
			if r.peak > parallelMemory {
				t.Errorf("peak memory %d bytes", r.peak)
			}
		})
	}
	t.Logf("%d connections, peak memory of a client with %d of them %.1f MB", connections, n, float64(peak)/1e6)
}

// A responsePiece is a piece of a response.
type responsePiece struct {
	text   string
	isBody bool // it is printed with -body
}

// TestClientOffsets cuts three responses at every place, with a FIN and with a reset.
// The client must print all that came, and must notice that the response is cut.
func TestClientOffsets(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems drop what came before a reset and was not read yet")
	}
	var runs atomic.Int64
	for _, c := range []struct {
		name     string
		response []responsePiece
		length   string // its full length, in the words of standard error
		toClose  bool
	}{
		{"Content-Length", []responsePiece{{okLine + "Content-Length: 36\r\n\r\n", false}, {page, true}}, "of 36 bytes came", false},
		{"chunked", []responsePiece{{chunkedHead + "5;a=b\r\n", false}, {"hello", true}, {"\r\n01\r\n", false}, {"!", true}, {"\r\n0\r\nX: y\r\n\r\n", false}},
			"bytes came, but not the end of the body", false},
		{"until close", []responsePiece{{okLine + "Connection: close\r\n\r\n", false}, {page, true}}, "bytes came", true},
	} {
		var whole string
		for _, p := range c.response {
			whole += p.text
		}
		for _, ending := range []string{"close", "reset"} {
			for _, flags := range []string{"", "-body"} {
				t.Run(strings.TrimSpace(c.name+", "+ending+" "+flags), func(t *testing.T) {
					var all errgroup.Group
					all.SetLimit(2 * runtime.NumCPU())
					for n := range len(whole) + 1 {
						all.Go(func() error {
							k := cutAt(c.response, n, ending, c.length, c.toClose)
							k.flags = flags
							s := serveTrick(t, k)
							if flags == "" {
								k.prints = nil
							}
							r := runClient(t, k.expected(), append(strings.Fields(flags), s.url)...)
							s.stop()
							k.check(t, r)
							if t.Failed() {
								return fmt.Errorf("at %d of %d bytes: exit status %d, %q", n, len(whole), r.status, r.stderr)
							}
							runs.Add(1)
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
	t.Logf("%d places and ways to cut, the client noticed all of them", runs.Load())
}

// cutAt makes a server that ends after n bytes of a response. The trick has what the
// client must print with -body.
func cutAt(response []responsePiece, n int, ending, length string, toClose bool) trick {
	var sends, prints, inBody string
	for i, p := range response {
		part := p.text[:min(len(p.text), n-len(sends))]
		sends += part
		if p.isBody {
			prints += part
		}
		if i > 0 && n >= len(response[0].text) {
			inBody = strconv.Itoa(len(prints))
		}
	}
	k := trick{sends: stream(sends), prints: stream(prints), then: ending, status: 1, says: []string{"ended early"}}
	how := map[string]string{"close": "the server closed", "reset": "RST"}[ending]
	end := 0
	for _, p := range response {
		end += len(p.text)
	}
	headEnd := strings.Index(response[0].text, "\r\n\r\n") + 4
	switch {
	case n == 0 && ending == "close":
		k.says = []string{"no answer", "FIN"}
	case n == 0:
		k.says = []string{"no answer", "RST"}
	case n == end && !toClose && ending == "reset":
		k.status, k.says = 0, []string{"note: the response is complete", "RST"}
	case n == end && !toClose, n >= headEnd && toClose && ending == "close":
		k.status, k.says = 0, nil
	case n < headEnd:
		k.says = append(k.says, "the end of the head did not come", how)
	default:
		if inBody == "" {
			inBody = "0"
		}
		k.says = append(k.says, inBody+" "+length, how)
	}
	return k
}

// A hostileServer plays a trick.
type hostileServer struct {
	url               string
	connections, sent atomic.Int64
	stop              func() // for when the client has ended
}

func serveTrick(t *testing.T, k trick) *hostileServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err = errors.Join(err, watch()); err != nil {
		t.Fatal(err)
	}
	s := &hostileServer{url: "http://" + ln.Addr().String() + "/"}
	clientEnded := make(chan struct{})
	var all sync.WaitGroup
	s.stop = sync.OnceFunc(func() {
		close(clientEnded)
		ln.Close()
		all.Wait()
	})
	t.Cleanup(s.stop)
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return // stop
			}
			s.connections.Add(1)
			all.Go(func() { s.play(k, conn.(*net.TCPConn), clientEnded) })
		}
	})
	return s
}

// play plays the trick on one connection. It ignores errors, because the client may
// leave at any time, and only the output of the client counts.
func (s *hostileServer) play(k trick, conn *net.TCPConn, clientEnded <-chan struct{}) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(4 * patience))
	if strings.HasSuffix(k.then, "at once") {
		if k.then == "reset at once" {
			conn.SetLinger(0)
		}
		return
	}
	in := bufio.NewReader(conn)
	for line := "?"; k.then != "never reads" && line != "\r\n"; {
		var err error
		if line, err = in.ReadString('\n'); err != nil {
			return
		}
	}
	n, _ := io.Copy(conn, k.sends())
	s.sent.Add(n + dripText(conn, k.drips, k.every, clientEnded))
	switch k.then {
	case "reset":
		conn.SetLinger(0) // on loopback, the client's system has all bytes by now
	case "never reads":
		<-clientEnded
	case "", "close":
		conn.CloseWrite()
		io.Copy(io.Discard, in)
	case "open":
		io.Copy(io.Discard, in)
	}
}

// dripText sends a text slowly, and returns how many bytes of it.
func dripText(conn net.Conn, text string, every time.Duration, clientEnded <-chan struct{}) (n int64) {
	if text == "" {
		return 0
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ; n < int64(len(text)); n++ {
		select {
		case <-tick.C:
		case <-clientEnded:
			return n
		}
		if _, err := io.WriteString(conn, text[n:n+1]); err != nil {
			return n
		}
	}
	return n
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
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, programs[3], args...)
	r := &clientRun{out: &follower{want: want}}
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = r.out, &stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return r
	}
	ended := make(chan struct{})
	peak := make(chan int64)
	go func() { peak <- watchMemory(cmd.Process.Pid, ended) }()
	err := cmd.Wait()
	r.took = time.Since(start)
	close(ended)
	r.peak = <-peak
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Error(err)
	}
	r.status, r.stderr = cmd.ProcessState.ExitCode(), stderr.String()
	return r
}

// watchMemory reads the peak memory of a process until it ends, in bytes.
func watchMemory(pid int, ended <-chan struct{}) (peak int64) {
	for {
		peak = max(peak, int64(peakMemory(pid)*(1<<20)))
		select {
		case <-ended:
			return peak
		case <-time.After(2 * time.Millisecond):
		}
	}
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
