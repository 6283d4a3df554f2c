//go:build kit && linux

package hostile

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"

	"weblab.example/scripts/golden"
)

// A guest is one client of a soak. It visits its server again and again, each time on a new
// connection and in a random way.
type guest struct {
	*soaked
	*rand.Rand
}

// A way is one way to visit a server. An error says what the server did wrong.
type way struct {
	name       string
	share      int  // of all visits
	slow       bool // it takes seconds
	persistent bool // it needs -keep-alive
	visit      func(*guest) error
}

var ways = []way{
	{"asks as a golden case does, right or wrong", 400, false, false, func(g *guest) error { return g.exact(one(g, g.script.cases), client{}) }},
	{"sends FIN after its request, and must still get its answer", 200, false, false, func(g *guest) error { return g.exact(one(g, g.script.single).lastOne(), client{fin: true}) }},
	{"asks many times at once", 100, false, true, func(g *guest) error { return g.exact(g.burst(), client{}) }},
	{"asks again after each answer", 100, false, true, func(g *guest) error { return g.inTurn(g.IntN(16), one(g, g.script.single).lastOne()) }},

	{"changes an octet", 100, false, false, (*guest).mutated},

	{"leaves at once", 20, false, false, func(g *guest) error { return g.leaves(dialog{}, 0) }},
	{"leaves in its head", 15, false, false, func(g *guest) error { return g.leaves(g.unfinished(""), 0) }},
	{"sends FIN in its head, and gets no answer", 10, false, false, func(g *guest) error { return g.exact(g.unfinished(""), client{fin: true}) }},
	{"leaves before the answer", 25, false, false, func(g *guest) error {
		return g.leaves(one(g, append(g.script.single, g.script.large, g.script.huge)), 0)
	}},
	{"leaves in the answer", 25, false, false, func(g *guest) error { // chance picks less or more than what the system holds
		return g.leaves(one(g, []dialog{g.script.large, g.script.huge}), 1+g.IntN(300_000))
	}},
	{"leaves in many answers", 25, false, true, func(g *guest) error {
		d := g.burst()
		return g.leaves(d, 1+g.IntN(len(d.want)-1))
	}},

	{"sends slowly, but in time", 1, true, false, func(g *guest) error {
		d := one(g, g.script.single).lastOne()
		return g.exact(d, client{chunk: len(d.send)/8 + 1, between: soakTimeout / 40})
	}},
	{"never ends its head", 1, true, false, func(g *guest) error { return g.exact(g.unfinished(errorAnswer(408)), client{}) }},
	{"never ends its second head", 1, true, true, func(g *guest) error { return g.inTurn(1, g.unfinished(errorAnswer(408))) }},
	{"is silent", 1, true, false, func(g *guest) error { return g.exact(dialog{}, client{}) }},
	{"reads slowly", 1, true, false, func(g *guest) error {
		return g.exact(g.script.large, client{buffer: 32 << 10, slice: 32 << 10, every: 10 * time.Millisecond})
	}},
	{"stops reading", 1, true, false, (*guest).stops},
	{"is idle after an answer", 1, true, true, func(g *guest) error { return g.exact(one(g, g.script.single).openEnded(), client{}) }},

	{"sends a request line of 9 KiB, and a megabyte more, before it reads", 1, false, false, func(g *guest) error {
		return g.exact(dialog{"GET /" + long + " HTTP/1.1\r\n" + zeros, errorAnswer(414), 0}, client{late: true})
	}},
	{"sends a head of 18 KiB, and a megabyte more, before it reads", 1, false, false, func(g *guest) error {
		return g.exact(dialog{"GET / HTTP/1.1\r\nA: " + long + "\r\nB: " + long + "\r\n" + zeros, errorAnswer(431), 0}, client{late: true})
	}},
	{"sends a body of some megabytes, which nobody reads, before it reads", 2, false, false, func(g *guest) error {
		d, size := g.script.post, (1+g.IntN(8))*len(zeros)
		d.send = strings.TrimSuffix(d.send, "\r\n") + fmt.Sprintf("Content-Length: %d\r\n\r\n", size) + strings.Repeat(zeros, size/len(zeros))
		return g.exact(d, client{late: true})
	}},
	{"takes a large file", 3, false, false, func(g *guest) error { return g.exact(g.script.large, client{}) }},
	{"takes a huge file", 2, false, false, func(g *guest) error { return g.exact(g.script.huge, client{}) }},
}

var (
	long  = strings.Repeat("x", 9<<10)
	zeros = string(make([]byte, 1<<20))
)

// visitUntil visits the server until the time end, or until the server has ended.
func (g *guest) visitUntil(end time.Time) {
	for !g.hasEnded() {
		left := time.Until(end)
		if left <= 0 {
			return
		}
		w := one(g, g.ways)
		if w.share <= g.IntN(400) || w.slow && (left < 2*soakTimeout || g.stage == 1 && g.IntN(4) > 0) {
			continue // in stage 1, all others wait for a slow one
		}
		g.visit(w)
	}
}

// visit visits the server once, and notes the result.
func (g *guest) visit(w way) { g.note(w.name, w.visit(g)) }

func (g *guest) note(name string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tried[name]++
	if err == nil {
		return
	}
	g.wrongs++
	if said := fmt.Sprintf("who %s: %v", name, err); len(g.wrong) < 10 && !slices.Contains(g.wrong, said) {
		g.wrong = append(g.wrong, said)
	}
}

// askAll asks for everything twice, because the server remembers a small file from the
// second time on.
func (g *guest) askAll() {
	for range 2 {
		for _, d := range g.script.cases {
			g.note("asks for everything", g.exact(d, client{}))
		}
		time.Sleep(150 * time.Millisecond) // so that the files look old enough (stage1-single/fast/memory.go)
	}
}

func one[T any](g *guest, of []T) T { return of[g.IntN(len(of))] }

// exact sends, and reads every byte of the right answer, and then a FIN.
func (g *guest) exact(d dialog, c client) error {
	c.send = []byte(d.send)
	if n := g.IntN(4); c.chunk == 0 && (n == 0 && len(d.send) <= 300 || n == 1) {
		c.chunk = 1 + n*len(d.send)/3 // single bytes, or three pieces
	}
	got := &follower{want: d.answer()}
	switch o := c.visit(g.Addr, got); {
	case got.wrong != "":
		return fmt.Errorf("%s; the request was %.200q", got.wrong, d.send)
	case o.err != nil || got.missing():
		return fmt.Errorf("%d bytes of %d came, and then %v; the request was %.200q", got.n, int64(len(d.want))+d.zeros, o.err, d.send)
	}
	return nil
}

// leaves leaves after n bytes of the answer, normally or with a reset.
func (g *guest) leaves(d dialog, n int) error {
	got := &follower{want: d.answer()}
	o := client{send: []byte(d.send), take: n, leave: true, late: n == 0, reset: g.IntN(2) == 0}.visit(g.Addr, got)
	if got.wrong != "" {
		o.err = errors.New(got.wrong)
	}
	return o.err
}

// inTurn sends n requests, each after the answer to the one before has come, and then the
// last one.
func (g *guest) inTurn(n int, last dialog) error {
	conn, err := dial(g.Addr, 0)
	if err != nil {
		return err
	}
	defer conn.Close()
	for range n {
		d := one(g, g.script.single).openEnded()
		if err := turn(conn, d.send, d.want); err != nil {
			return err
		}
	}
	if err := turn(conn, last.send, last.want); err != nil {
		return err
	}
	if more, err := io.ReadAll(conn); err != nil || len(more) > 0 {
		return fmt.Errorf("behind the last answer came %.100q and then %v, want FIN", more, err)
	}
	return nil
}

// stops asks for a huge file, and stops reading until the server gives up.
func (g *guest) stops() error {
	got := &follower{want: g.script.huge.answer()}
	c := client{send: []byte(g.script.huge.send), buffer: 64 << 10, take: 32 << 10, rest: 2 * soakTimeout}
	if o := c.visit(g.Addr, got); got.wrong != "" || !got.missing() {
		return fmt.Errorf("it took no byte for %v, and then got %d bytes, %s, %v", c.rest, got.n, got.wrong, o.err)
	}
	return nil
}

// burst is up to 32 requests that are sent together. The last one ends the connection.
func (g *guest) burst() (all dialog) {
	for range g.IntN(32) {
		next := one(g, g.script.single).openEnded()
		if len(all.want)+len(next.want) > 4<<20 {
			break
		}
		all.send, all.want = all.send+next.send, all.want+next.want
	}
	last := one(g, g.script.single).lastOne()
	return dialog{all.send + last.send, all.want + last.want, 0}
}

// unfinished is a part of a request's head.
func (g *guest) unfinished(want string) dialog {
	d := one(g, g.script.single)
	return dialog{d.send[:1+g.IntN(len(d.send)-len("\r\n"))], want, 0}
}

// mutated sends a good request in which one octet was changed, added or removed, and then FIN.
// What comes back must be answers of the contract, or nothing, and then a FIN. It does not
// change the name of an existing file. A file has many other names, for example with a
// query. The server would remember each of them, and hold more and more, up to its limit.
func (g *guest) mutated() error {
	d := one(g, g.script.single)
	from := 0
	if strings.HasPrefix(d.want, "HTTP/1.1 200") {
		from = strings.Index(d.send, " HTTP/1.1\r\n")
	}
	at, cut := from+g.IntN(len(d.send)-from), g.IntN(2)
	insert := []byte{byte(g.IntN(256))}[:max(g.IntN(2), 1-cut)]
	octets := slices.Concat([]byte(d.send[:at]), insert, []byte(d.send[at+cut:]))
	got, o := client{send: octets, fin: true}.get(g.Addr)
	_, err := replies([]byte(got), func(int) string { return "GET" })
	if err = errors.Join(o.err, err); err != nil {
		return fmt.Errorf("%w; the request was %.200q", err, octets)
	}
	return nil
}

// A dialog is what a client sends, and every byte of the right answer.
type dialog struct {
	send, want string
	zeros      int64 // so many more come behind want
}

func (d dialog) answer() io.Reader {
	return io.MultiReader(strings.NewReader(d.want), io.LimitReader(&repeated{piece: "\x00"}, d.zeros))
}

// closeField is in the last request on a connection, and in its answer.
const closeField = "Connection: close\r\n"

// lastOne turns a single request into one that ends a persistent connection.
func (d dialog) lastOne() dialog {
	d.send = strings.TrimSuffix(d.send, "\r\n") + closeField + "\r\n"
	return d
}

// openEnded turns a single request into one that leaves a persistent connection
// open: its answer does not say close.
func (d dialog) openEnded() dialog {
	d.want = strings.Replace(d.want, closeField, "", 1)
	return d
}

// A script has everything that the guests of one server send.
type script struct {
	cases             []dialog // the golden ones for its flags
	single            []dialog // one GET each; a persistent connection would stay open after it, but want is the answer that closes
	large, huge, post dialog   // files of 1 and 64 MiB; a request that gets a 405
}

var (
	// closing matches the errors that end even a persistent connection.
	closing = regexp.MustCompile(`^HTTP/1\.1 (?:400|414|431|505) `)
	lasting = regexp.MustCompile(`^HTTP/1\.1 (?:200|301|404) `)
	// onlyGet matches one GET without a body. Together with special it finds requests that leave the connection open.
	onlyGet = regexp.MustCompile(`^GET [^ ]+ HTTP/1\.1\r\n(?:[^\r\n]+\r\n)+\r\n$`)
	special = regexp.MustCompile(`(?i)\n(?:connection|content-length|transfer-encoding|expect)[ \t]*:`)
)

// newScript makes a script from the golden cases.
func newScript(keepAlive bool) (*script, error) {
	const mostHead = 15 << 10 // leaves room for one more field in a head
	cases, err := golden.Cases()
	if err != nil {
		return nil, err
	}
	s := &script{}
	for _, c := range cases {
		d := dialog{string(c.Request), string(c.Response), 0}
		plain, persistent := len(c.Flags) == 0, slices.Equal(c.Flags, []string{"-keep-alive"})
		switch {
		case c.Name == "large-file":
			s.large = d.lastOne()
		case c.Name == "method-post":
			s.post = d
		}
		if plain && len(d.send) <= mostHead && onlyGet.MatchString(d.send) && !special.MatchString(d.send) && lasting.MatchString(d.want) {
			s.single = append(s.single, d)
		}
		if keepAlive && (persistent || plain && closing.MatchString(d.want)) || !keepAlive && plain {
			s.cases = append(s.cases, d)
		}
	}
	s.huge = dialog{"GET /huge.bin HTTP/1.1\r\nHost: localhost:6789\r\nConnection: close\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/octet-stream\r\nContent-Length: 67108864\r\n\r\n", 64 << 20}
	return s, nil
}
