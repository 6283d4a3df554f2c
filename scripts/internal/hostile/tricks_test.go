//go:build kit && linux

package hostile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
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

	least  time.Duration // how long it takes at least; at most soon longer; 0: anything, but it may not hang
	memory int64         // 0: clientMemory
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
)

// mostFields is a head with mostLines fields, the most that fit into the client's
// 256 KiB with the status line. Each line counts 32 bytes more than its own.
var mostFields = floodOf(okLine, "a:\n", mostLines, "\n")

const mostLines int64 = (256<<10 - int64(len(okLine)) - 32 - 1) / (3 + 32)

// bombBytes are ten million zero bytes as few.
var bombBytes = func() string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(make([]byte, bombSize)) // to memory: it cannot fail
	z.Close()
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

// silence is a server that says no more.
func silence(name, flags, sends string, says ...string) trick {
	return trick{name: name, flags: flags, sends: stream(sends), then: "open", status: 1, says: append(says, "time out"), least: 400 * time.Millisecond}
}

// neverEnding is a flood that never ends. The client must give up.
func neverEnding(name, begin, piece string, says ...string) trick {
	return trick{name: name, sends: floodOf(begin, piece, gigabyte/int64(len(piece))), status: 1, says: says, part: true}
}

// dripping is a stream in which each byte comes soon, but the stream never ends.
func dripping(name, begin, piece string, says ...string) trick {
	return trick{name: name, flags: quickFlags, sends: stream(begin), drips: strings.Repeat(piece, 1000), every: 50 * time.Millisecond,
		status: 1, says: says, part: true, least: 400 * time.Millisecond}
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
		status: 1, says: []string{"ended early", "-max-time"}, least: 900 * time.Millisecond},
	{name: "chunks without end", flags: "-max-time 1s", sends: floodOf(chunkedHead, "10\r\n0123456789abcdef\r\n", gigabyte), part: true,
		status: 1, says: []string{"ended early", "-max-time"}, least: 900 * time.Millisecond},
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
		prints: stream(okLine, "Content-Length: 2\r\n\r\nok"), status: 1, says: []string{"bytes came after the end"}, least: time.Second},

	// No answer.
	silence("silence", quickFlags, "", "-timeout"),
	silence("silence, -max-time", "-max-time 500ms", "", "-max-time"),
	silence("silence in the head", quickFlags, "HTTP/1.1 200", "ended early", "the end of the head"),
	silence("silence in the body", quickFlags, okLine+"Content-Length: 9\r\n\r\na", "ended early", "1 of 9 bytes came"),
	{name: "closes at once", sends: stream(), then: "close at once", status: 1, says: []string{"no answer"}},
	{name: "closes behind the request", sends: stream(), status: 1, says: []string{"no answer", "FIN"}},
	{name: "resets at once", sends: stream(), then: "reset at once", status: 1, says: []string{"reset"}}, // perhaps before the client knows that it is connected
	{name: "resets behind the request", sends: stream(), then: "reset", status: 1, says: []string{"no answer", "RST"}},
	{name: "never reads", flags: rawFlags, sends: stream(), then: "never reads", status: 1, says: []string{"time out", "did not take the request", "-timeout"},
		least: 900 * time.Millisecond, memory: clientMemory + largeRequest},
	{name: "never reads, -max-time", flags: "-raw {raw} -max-time 500ms", sends: stream(), then: "never reads", status: 1, says: []string{"time out", "-max-time"},
		least: 400 * time.Millisecond, memory: clientMemory + largeRequest},
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
