//go:build kit && linux

package hostile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
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
)

// tricks are those of testdata/tricks.txt, one for each value of "each".
var tricks = func() (all []trick) {
	for _, e := range list("tricks") {
		var each words
		for _, key := range e.Keys {
			if key.Name == "each" {
				each = append(each, wordsOf(e, key.Value)...)
			}
		}
		for _, value := range each {
			all = append(all, trickOf(e, fmt.Sprintf("%s %.20q", e.Name, value), value))
		}
		if each == nil {
			all = append(all, trickOf(e, e.Name, ""))
		}
	}
	return all
}()

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
			err := e.Set(map[string]any{"flags": &k.flags, "then": &k.then, "part": &k.part, "takes": &k.least}[key.Name], key.Value)
			if err != nil {
				panic(e.Wrong(key.Line, "%s: %w", key.Name, err))
			}
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

// A hostileServer plays a trick.
type hostileServer struct {
	url  string
	stop func() // for when the client has ended
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
			all.Go(func() { s.play(k, conn.(*net.TCPConn), clientEnded) })
		}
	})
	return s
}

// play plays the trick on one connection. It ignores errors, because the client may
// leave at any time, and only the output of the client counts.
func (s *hostileServer) play(k trick, conn *net.TCPConn, clientEnded <-chan struct{}) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(longest))
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
	if _, err := io.Copy(conn, stream(k.sends...)); err == nil && k.drips != "" {
		client{send: []byte(k.drips), chunk: 1, between: k.every}.sendTo(conn, clientEnded)
	}
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

//go:embed testdata/*
var testdata embed.FS

// list reads testdata/NAME.txt, a list of cases. Its head says what they have.
func list(name string) []caselist.Entry {
	text, err := testdata.ReadFile("testdata/" + name + ".txt")
	sure(err)
	all, err := caselist.Read("testdata/"+name+".txt", string(text), strings.Fields("raw above trick each bomb bomb-length bomb-hex addr host port")...)
	sure(err)
	return all
}

// sure is for what is embedded, and so the same in each run.
func sure(err error) {
	if err != nil {
		panic(err)
	}
}

// words are texts without spaces in a line; "" is one that is empty.
type words []string

func wordsOf(e caselist.Entry, value string) (all words) {
	for _, word := range strings.Fields(value) {
		all = append(all, e.Text(strings.TrimPrefix(word, `""`)))
	}
	return all
}

// pools are lists of words, each with a name. The key says how often each word is there.
func pools(name string) map[string]words {
	all := map[string]words{}
	for _, e := range list(name) {
		for _, key := range e.Keys {
			for _, word := range wordsOf(e, key.Value) {
				for range number(key.Name) {
					all[e.Name] = append(all[e.Name], word)
				}
			}
		}
	}
	return all
}

func number(digits string) int {
	n, err := strconv.Atoi(digits)
	sure(err)
	return n
}

// A piece of a stream is a text, so many times.
type piece struct {
	text  string
	times int64
}

var timesOf = regexp.MustCompile(`^(\d+) times `)

// pieceOf reads "TEXT" or "N times TEXT".
func pieceOf(text string) piece {
	if m := timesOf.FindStringSubmatch(text); m != nil {
		return piece{text[len(m[0]):], int64(number(m[1]))}
	}
	return piece{text, 1}
}
