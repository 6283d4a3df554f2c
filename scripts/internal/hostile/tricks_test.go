//go:build kit && linux

package hostile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"weblab.example/scripts/internal/caselist"
)

// A trick is what a hostile server does to the client, and how the client must react.
// testdata/tricks.txt lists them.
type trick struct {
	name  string
	flags string // of the client, separated by spaces; {raw} is a large request in a file

	sends []piece       // what the server sends
	drips string        // what follows a byte at a time,
	every time.Duration // with so much between two
	then  string        // "close" (also ""), "open", "reset"; or before it has read the request: "close at once", "reset at once", "never reads"

	status int
	says   []string // on standard error, in one line; none: nothing at all
	prints []piece  // nil: what was sent
	part   bool     // a part of that is enough, because the client gives up

	least time.Duration // how long it takes at least; at most soon longer; 0: anything, but it may not hang
}

const (
	clientMemory = 24 << 20 // the most that a client may need, in bytes
	gigabyte     = 1 << 30  // stands for a stream that never ends
	giveUp       = 1 << 20  // how much of such a stream a client may print
	largeRequest = 16 << 20 // {raw}: more than the buffers of a connection
	bombSize     = 10_000_000

	okLine      = "HTTP/1.1 200 OK\r\n"
	chunkedHead = okLine + "Transfer-Encoding: chunked\r\n\r\n"
)

func tricksOf(file string) (all []trick) {
	for _, e := range list(file) {
		each := words{}
		for _, key := range e.Keys {
			if key.Name == "each" {
				set(e, key, &each)
			}
		}
		if len(each) == 0 {
			all = append(all, trickOf(e, e.Name, ""))
		}
		for _, value := range each {
			all = append(all, trickOf(e, fmt.Sprintf("%s %.20q", e.Name, value), value))
		}
	}
	return all
}

func trickOf(e caselist.Entry, name, each string) trick {
	k := trick{name: name}
	if e.Want != "nothing" {
		k.status, k.says = 1, strings.Split(e.Want, " | ")
	}
	filled := strings.NewReplacer("{each}", each, "{bomb}", bomb, "{bomb-length}", strconv.Itoa(len(bomb)), "{bomb-hex}", fmt.Sprintf("%x", len(bomb)))
	for _, key := range e.Keys {
		text := filled.Replace(e.Text(key.Value))
		switch key.Name {
		case "each":
		case "sends":
			k.sends = append(k.sends, pieceOf(text))
		case "prints":
			k.prints = append(k.prints, pieceOf(text))
		case "endless":
			k.sends, k.part = append(k.sends, piece{text, gigabyte / int64(len(text))}), true
		case "mistake":
			k.sends, k.then = append(k.sends, piece{text, 1}), "open"
		case "drips":
			every, drips, _ := strings.Cut(text, " ")
			var err error
			k.every, err = time.ParseDuration(every)
			sure(err)
			k.drips = drips
		case "trickle":
			k.flags, k.drips, k.every, k.part, k.least = "-timeout 500ms", strings.Repeat(text, 1000), 50*time.Millisecond, true, 400*time.Millisecond
		default:
			set(e, key, map[string]any{"flags": &k.flags, "then": &k.then, "part": &k.part, "takes": &k.least}[key.Name])
		}
	}
	return k
}

// bomb is ten million zero bytes as few.
var bomb = func() string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(make([]byte, bombSize)) // to memory: it cannot fail
	z.Close()
	return b.String()
}()

var tricks = tricksOf("tricks")

// memory is the most that the client may need for it.
func (k trick) memory() int64 {
	if strings.Contains(k.flags, "-raw") {
		return clientMemory + largeRequest
	}
	return clientMemory
}

// expected is what the client should print.
func (k trick) expected() io.Reader {
	if k.prints != nil {
		return stream(k.prints...)
	}
	return io.MultiReader(stream(k.sends...), strings.NewReader(k.drips))
}

// stream makes a stream of these pieces, one after the other.
func stream(pieces ...piece) io.Reader {
	readers := make([]io.Reader, len(pieces))
	for i, p := range pieces {
		readers[i] = io.LimitReader(&repeated{piece: p.text}, p.times*int64(len(p.text)))
	}
	return io.MultiReader(readers...)
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
