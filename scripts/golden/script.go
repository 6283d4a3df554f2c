package golden

import (
	"bytes"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"weblab.example/scripts/internal/caselist"
	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/verdict"
)

// A conversation plays the script of a server's case. Each line of it is a verb and
// its value; verbs.go says what they do, and the lines below a verb that begin with
// else say what it means when the verb fails.
type conversation struct {
	*target                        // the server that is spoken to
	known   map[string]string      // what {NAME} stands for in this run
	lines   map[string]*connection // by the names that "as" gives them
	*connection
	begun time.Time
	noted string       // what a report of a failure begins with
	ran   []*process   // that a verb started
	taken net.Listener // a port that is not free
	peak  int64        // the memory that "memory" saw

	stopped time.Time // when the program was asked to stop
	late    bool      // what failed came so late after that, that the program had to end
}

// stopTime is how long the kit's programs go on with an answer when they are asked to stop. A
// busy machine may not give a client the time to take it.
const stopTime = 5 * time.Second

// A connection is one that a client has, and what happened on it.
type connection struct {
	conn     *net.TCPConn // nil: not connected yet
	acted    time.Time    // when the client began to connect or to send
	sent     []byte
	failed   error // of sending
	heard    exchange.Heard
	answered time.Duration // what was heard took so long to come
	want     []byte        // what should have been heard
}

// script makes a check of a case.
func (e entry) script(c Check, lines []caselist.Key) (Check, error) {
	for i, kv := range lines {
		v, known := verbs[kv.Name]
		switch {
		case kv.Name == "else" && i > 0:
			diagnosis, _, condition := readElse(kv.Value)
			if verdict.Diagnoses[diagnosis].Why == "" || conditions[condition] == nil {
				return c, e.Wrong(kv.Line, "there is no diagnosis %q, or no condition %q", diagnosis, condition)
			}
		case !known:
			return c, e.Wrong(kv.Line, "there is no verb %s: there are %q", kv.Name, slices.Sorted(maps.Keys(verbs)))
		case !v.takes(kv.Value), kv.Name == "tries" && i > 0:
			return c, e.Wrong(kv.Line, "%s takes something else: %s", kv.Name, v.means)
		case kv.Name == "start" || kv.Name == "exits":
			c.Flags = []string{noServer}
		}
	}
	c.run = func(t *target) error { return e.play(t, lines) }
	return c, nil
}

// play plays a script. Where time matters it may be tried more than once: a busy machine
// can be late for a right program, and a wrong one is wrong each time.
func (e entry) play(t *target, lines []caselist.Key) error {
	tries := 1
	if lines[0].Name == "tries" {
		tries, _ = strconv.Atoi(lines[0].Value) // isNumber has seen it
	}
	for try := 1; ; try++ {
		c := &conversation{target: t, begun: time.Now(), known: map[string]string{}, lines: map[string]*connection{}}
		c.as("")
		err := c.playOnce(e, lines)
		if err != nil {
			c.noteLastWords()
		}
		c.end()
		if err == nil || try >= tries && (!c.late || try == 4*tries) || c.heard.End == exchange.EndOpen { // that was waited for long enough
			return err
		}
	}
}

func (c *conversation) playOnce(e entry, lines []caselist.Key) error {
	for i, kv := range lines {
		if kv.Name == "else" {
			continue
		}
		var err error
		if slices.Contains(onConnection, kv.Name) {
			err = c.connect()
		}
		if c.proc == nil && slices.Contains(ofProgram, kv.Name) {
			return notHere("a server that runs already cannot be stopped, or looked into")
		}
		if err == nil {
			err = verbs[kv.Name].do(c, c.fill(e.Text(kv.Value)))
		}
		if err != nil {
			return c.explain(err, lines[i+1:])
		}
	}
	return nil
}

// ofProgram are verbs that need more of a program than its address.
var ofProgram = []string{"says", "exit", "stop", "memory", "log-empty"}

// onConnection are verbs that do something with a connection, also as the first ones.
var onConnection = []string{"half-close", "leave", "reset", "silent", "still-open", "keeps", "given-up", "no-secret"}

// fill replaces the names that are known only in the run.
func (c *conversation) fill(text string) string {
	c.known["addr"], c.known["root"] = c.addr, c.site.dir
	if strings.Contains(text, "{random}") && c.known["random"] == "" {
		random := c.random()
		c.known["random"] = fmt.Sprintf("%08x", random.Uint32())
		for range 60 + random.IntN(60) {
			c.known["lines"] += fmt.Sprintf("<p>%x</p>\n", random.Uint64())
		}
	}
	if strings.Contains(text, "{taken}") {
		if ln, err := net.Listen("tcp", "127.0.0.1:0"); err == nil { // else the check fails
			c.known["taken"], c.taken = ln.Addr().String(), ln
			_, c.known["taken-port"], _ = net.SplitHostPort(c.known["taken"])
		}
	}
	for name, value := range c.known {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// explain says when a failure came, and gives it the diagnosis of the first else that
// fits.
func (c *conversation) explain(err error, below []caselist.Key) error {
	f, ok := err.(*verdict.Failure)
	if !ok {
		return err
	}
	if c.noted != "" {
		f.Seen = c.noted + ": " + f.Seen
	}
	for _, kv := range below {
		diagnosis, argument, condition := readElse(kv.Value)
		switch {
		case kv.Name != "else":
			return f
		case !conditions[condition](c):
			continue
		case argument != "":
			return verdict.Because(f, diagnosis, argument)
		}
		return verdict.Because(f, diagnosis)
	}
	return f
}

// readElse reads DIAGNOSIS, DIAGNOSIS: ARGUMENT, or DIAGNOSIS if CONDITION.
func readElse(value string) (diagnosis, argument, condition string) {
	value, condition, _ = strings.Cut(value, " if ")
	diagnosis, argument, _ = strings.Cut(value, ": ")
	return diagnosis, argument, condition
}

// conditions are what an else may depend on: what was heard last.
var conditions = map[string]func(c *conversation) bool{
	"":                func(*conversation) bool { return true },
	"nothing came":    func(c *conversation) bool { return len(c.heard.Bytes) == 0 },
	"silent and open": func(c *conversation) bool { return len(c.heard.Bytes) == 0 && c.heard.End == exchange.EndOpen },
	"a part came":     func(c *conversation) bool { return len(c.heard.Bytes) > 0 && bytes.HasPrefix(c.want, c.heard.Bytes) },
	"nobody is served": func(c *conversation) bool {
		silent := len(c.heard.Bytes) == 0
		return silent && (c.heard.End == exchange.EndOpen || c.ended(100*time.Millisecond) != "")
	},
	"no 408 came": func(c *conversation) bool { return exchange.ReadMessage(c.heard.Bytes).Status != 408 },
}

// end ends what a script leaves behind.
func (c *conversation) end() {
	for _, line := range c.lines {
		if line.conn != nil {
			c.hangUp(line.conn)
		}
	}
	for _, proc := range c.ran {
		proc.Kill()
	}
	if c.taken != nil {
		c.taken.Close()
	}
}

// connect connects, unless the connection is there already, before the client acts.
func (c *conversation) connect() error {
	c.acted = time.Now()
	if c.conn != nil {
		return nil
	}
	conn, err := c.dial()
	c.conn = conn
	return err
}
