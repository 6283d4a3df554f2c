package main

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/launch"
	"weblab.example/scripts/internal/tap"
	"weblab.example/scripts/internal/term"
)

const (
	maxObjects = 12
	maxDelay   = 2000    // milliseconds
	maxLog     = 1 << 20 // bytes

	// How long a stage waits for a client in a trial. It is less than usual, so
	// that the picture comes soon.
	headTimeout = 2 * time.Second
	idleTimeout = 1 * time.Second

	// trialTime is how long a trial may take in all. In the longest one, 13
	// answers with the longest delay come one after the other, and the stage waits
	// for silent connections between them. It also ends a trial whose page was
	// closed too early.
	trialTime = 2 * time.Minute
)

// Settings say what a trial shows.
type settings struct {
	Stage     int           `json:"stage"`     // 1 or 2, or 0:
	Program   int           `json:"program"`   // the number of a program, from 1
	Objects   int           `json:"objects"`   // of the page
	Delay     int           `json:"delay"`     // before each answer, in milliseconds
	KeepAlive bool          `json:"keepAlive"` // persistent connections
	Slow      string        `json:"slow"`      // a client that holds a connection: "half" a request, "silent", or "" for none
	more      []string      // further flags
	limit     time.Duration // how long the server may run, if not as usual
}

// slowClients are what the slow clients send.
var slowClients = map[string]string{"": "", "silent": "", "half": "GET /page-0.html HTTP/1.1\r\nHost: "}

func (c *comparison) check(s settings) error {
	_, isSlow := slowClients[s.Slow]
	switch {
	case s.Program < 0 || s.Program > len(c.programs):
		return fmt.Errorf("there is no program %d", s.Program)
	case s.Program == 0 && s.Stage != 1 && s.Stage != 2:
		return fmt.Errorf("there is no server of stage %d", s.Stage)
	case s.Objects < 0 || s.Objects > maxObjects:
		return fmt.Errorf("a page has 0 to %d objects, not %d", maxObjects, s.Objects)
	case s.Delay < 0 || s.Delay > maxDelay:
		return fmt.Errorf("the delay is 0 to %d ms, not %d", maxDelay, s.Delay)
	case !isSlow:
		return fmt.Errorf("the slow client is \"half\" or \"silent\", not %q", s.Slow)
	}
	return nil
}

// flags are the flags of the server, as a person would type them.
func (s settings) flags() []string {
	flags := []string{}
	if s.Delay > 0 {
		flags = append(flags, "-delay", strconv.Itoa(s.Delay)+"ms")
	}
	if s.KeepAlive {
		flags = append(flags, "-keep-alive", "-idle-timeout", idleTimeout.String())
	}
	if s.Slow != "" {
		flags = append(flags, "-head-timeout", headTimeout.String())
	}
	return append(flags, s.more...)
}

// A trial is one stage, or a program, that runs for one picture.
type trial struct {
	settings
	command string // starts it by hand
	server  *launch.Server
	tap     *tap.Tap // between the clients and the server
	conns   []tap.Conn
	states  map[string]string // of both sockets of a connection at the end, by its Local
	slow    net.Conn          // the slow client's connection, if there is one

	life     context.Context // of the server
	stderr   *launch.Tail    // what it says: of a stage, its log
	listens  bool            // a program does, as far as the system tells
	freePort bool            // a program must have the same port again
}

// name is how the page calls who takes part.
func (t *trial) name() string {
	if t.Program > 0 {
		return fmt.Sprintf("program %d", t.Program)
	}
	return fmt.Sprintf("stage %d", t.Stage)
}

// begin starts the stage of a trial on a directory, or a program on its own. It starts the
// slow client, too, if there is one. When begin returns, that one holds its connection.
// If something goes wrong, the outcome of the trial tells it. There is no trial if the settings
// are wrong.
func (c *comparison) begin(ctx context.Context, root string, s settings) (t *trial, err error) {
	if err := c.check(s); err != nil {
		return nil, err
	}
	t = &trial{settings: s, stderr: &launch.Tail{Most: maxLog}}
	start := func() error { return c.startStage(t, root) }
	if t.limit = cmp.Or(s.limit, trialTime); s.Program > 0 {
		t.limit = cmp.Or(s.limit, programTime)
		start = func() error { return c.programs[s.Program-1].start(t) }
	}
	life, cancel := context.WithTimeout(c.ctx, t.limit)
	t.life = life
	if err := start(); err != nil {
		cancel()
		return t, t.fault(err.Error())
	}
	c.busy.Go(func() {
		<-t.server.Done()
		cancel()
	})
	if t.tap, err = tap.Open(net.JoinHostPort(c.host, "0"), t.dial); err != nil {
		t.stop()
		return t, err
	}
	t.tap.FreePort = t.freePort
	if s.Slow != "" {
		if err := t.holdConnection(ctx); err != nil {
			t.stop()
			return t, t.fault(fmt.Sprintf("did not accept the slow client (%v)", err))
		}
	}
	return t, nil
}

// dial connects to the server. If it is not known yet whether a program listens, dial tries again.
func (t *trial) dial(ctx context.Context) (*net.TCPConn, error) {
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", t.server.Addr)
		if err == nil {
			return conn.(*net.TCPConn), nil
		}
		if t.Program == 0 || t.listens || t.end() != "" || ctx.Err() != nil {
			return nil, err
		}
		time.Sleep(exchange.Pause)
	}
}

// startStage starts the stage of a trial.
func (c *comparison) startStage(t *trial, root string) (err error) {
	t.command = strings.Join(append([]string{"go run ./" + kit.Folder(t.Stage)}, t.flags()...), " ")
	args := append([]string{"-addr", net.JoinHostPort(c.host, "0"), "-root", root, "-log", "json"}, t.flags()...)
	t.server, err = launch.Serve(t.life, t.stderr, c.program(t.Stage), args...)
	if err != nil {
		return fmt.Errorf("cannot be started (%w)", err)
	}
	return nil
}

// stop ends the server, and its tap. The log is complete then.
func (t *trial) stop() {
	if t.slow != nil {
		t.slow.Close() // it waits for no answer, so nothing is lost
	}
	t.server.Stop()
	if t.tap != nil {
		t.tap.Close()
	}
}

// holdConnection connects, sends what a slow client sends, and waits until the
// server has accepted. A program does not say so: then what was sent is on its way.
func (t *trial) holdConnection(ctx context.Context) error {
	conn, err := exchange.Dial(t.tap.Addr)
	if err != nil {
		return err
	}
	t.slow = conn
	go func() { // until the server gives up, or until stop
		exchange.Talk(conn, []byte(slowClients[t.Slow]))
		conn.Close()
	}()
	ctx, cancel := context.WithTimeout(ctx, exchange.Patience)
	defer cancel()
	for t.Program == 0 { // its log tells when it has accepted
		if events, _ := t.log(); len(events) > 0 || ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(exchange.Pause)
	}
	_, err = t.tap.Wait(ctx, func(conns []tap.Conn) bool {
		return len(conns) > 0 && !conns[0].Connected.IsZero() && (t.Slow == "silent" || len(conns[0].Pieces) > 0)
	})
	return err
}

// pageTarget is the page that a browser asks for. targets are the page and the objects
// that a browser finds in it.
func (s settings) pageTarget() string { return fmt.Sprintf("/page-%d.html", s.Objects) }

func (s settings) targets() []string {
	all := []string{s.pageTarget()}
	for k := range s.Objects {
		all = append(all, fmt.Sprintf("/object-%d.svg", k+1))
	}
	return all
}

// A Timing is what a client measured for one object. Moments are milliseconds
// since 1970. If the connection was there already, ConnectStart and ConnectEnd
// are equal.
type timing struct {
	Target        string  `json:"target"`
	Start         float64 `json:"start"` // when the client asked for it
	ConnectStart  float64 `json:"connectStart"`
	ConnectEnd    float64 `json:"connectEnd"`
	RequestStart  float64 `json:"requestStart"`
	ResponseStart float64 `json:"responseStart"` // first byte
	ResponseEnd   float64 `json:"responseEnd"`   // last byte
	Status        int     `json:"status"`        // of the answer; 0 if the client did not say
}

// came reports whether the whole object came.
func (m timing) came() bool { return m.ResponseStart >= m.Start && m.ResponseEnd >= m.ResponseStart }

// An Outcome is a trial that has ended. The page and the report show it.
type outcome struct {
	settings
	Name        string         `json:"name"`
	Command     string         `json:"command"`
	Trouble     string         `json:"trouble"` // what went wrong, or ""
	Browser     []lane         `json:"browser"` // what the client saw
	Server      []lane         `json:"server"`  // what the server did
	Wire        []conversation `json:"wire"`    // what passed the tap
	Length      float64        `json:"length"`  // of all, in milliseconds
	ObjectsTime float64        `json:"objectsTime"`
	TotalTime   float64        `json:"totalTime"`
	Connections int            `json:"connections"` // that the server accepted from the browser
	Timings     []timing       `json:"timings"`
	Log         []event        `json:"log"`
}

// finish ends a trial. It waits until every connection has ended on the wire, then
// stops the server and makes the picture. It does not wait for persistent
// connections of a stage, because they stay open. The picture does not show how the end
// of the server closes them. Without all objects there is a picture, too.
func (t *trial) finish(ctx context.Context, timings []timing) *outcome {
	patience := time.Second // from a last byte to the end of the connection
	if t.Slow != "" && t.Program == 0 {
		patience += headTimeout // the slow client outlasts the page
	}
	if t.KeepAlive && t.Program == 0 || len(timings) == 0 {
		patience = 0
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	t.settle(ctx) // the picture shows which connections stay open
	what := t.missing(timings)
	if what != "" {
		t.server.Wait(exchange.AMoment) // its connections may be seen to end before it is
	}
	if end := t.end(); what != "" && end != "" {
		what += ", and " + end
	} else {
		what += end
	}
	t.stop()
	if what != "" {
		what = t.fault(what).Error()
	}
	return t.outcome(timings, what)
}

// settle waits until what passes the tap is over. A client that has left again may not have
// come there yet.
func (t *trial) settle(ctx context.Context) {
	t.conns, _ = t.tap.Wait(ctx, allOver)
	if end, ok := t.life.Deadline(); ok { // what comes then is the end that the server was made to take
		t.conns = until(end, t.conns)
	}
	t.states = statesOf(t.conns)
}

// until is what had passed before that moment. What ended later was open then.
func until(end time.Time, conns []tap.Conn) []tap.Conn {
	conns = slices.DeleteFunc(conns, func(c tap.Conn) bool { return !c.Opened.Before(end) })
	for i := range conns {
		c := &conns[i]
		whole := len(c.Pieces)
		c.Pieces = slices.DeleteFunc(c.Pieces, func(p tap.Piece) bool { return !p.Time.Before(end) })
		c.Over = c.Over && len(c.Pieces) == whole
	}
	return conns
}

// allOver reports whether connections have come, and all are over.
func allOver(conns []tap.Conn) bool {
	return len(conns) > 0 && !slices.ContainsFunc(conns, func(c tap.Conn) bool { return !c.Over })
}

// visitors are the connections without the slow client's.
func (t *trial) visitors() []tap.Conn {
	if t.Slow != "" && len(t.conns) > 0 {
		return t.conns[1:]
	}
	return t.conns
}

// missing says what did not come, or "".
func (t *trial) missing(timings []timing) string {
	loaded := map[string]bool{}
	for _, m := range timings {
		loaded[m.Target] = m.came() && m.Status < 400
	}
	missing := slices.DeleteFunc(t.targets(), func(target string) bool { return loaded[target] })
	switch {
	case len(missing) == 0:
		return ""
	case missing[0] == t.pageTarget() && slices.ContainsFunc(t.visitors(), func(c tap.Conn) bool {
		return slices.ContainsFunc(c.Pieces, func(p tap.Piece) bool { return p.From == tap.Server && p.Size > 0 })
	}):
		return cmp.Or(t.lengthWrong(), "sent something, but the browser got no whole page")
	case missing[0] == t.pageTarget():
		return "did not send the page"
	}
	return "did not send " + strings.ReplaceAll(strings.Join(missing, ", "), "/", "")
}

// fault is the error when a server did not do its part: what that is, where the reason may
// be, and what stands there, each in a line.
func (t *trial) fault(what string) error {
	events, said := t.log()
	for _, e := range events {
		if e.Error != "" {
			said += e.Error + "\n"
		}
	}
	source := "Its log"
	if t.Program > 0 {
		source = "Its standard error"
	}
	if said = strings.TrimSpace(term.Visible(said)); said == "" {
		return fmt.Errorf("%s\n%s does not say why", what, source)
	}
	return fmt.Errorf("%s\n%s says:\n%s", what, source, said)
}

// hello is the page of the assignment: 12 characters, 36 bytes.
const hello = "太棒了，服务器正常工作！"

// The page with objects, and an object, which is a picture. When all objects have come,
// the page tells the page around it what the browser measured (Resource Timing). These
// moments count from timeOrigin. The script adds timeOrigin, so that they can be compared
// with another page, and with the server's clock.
//
//go:embed site/page.html
var objectsPage string

//go:embed site/object.svg
var objectPicture string

// writeSite writes the files that are served: a page for each number of
// objects, and the objects.
func writeSite(dir string) error {
	write := func(name, text string) error { return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644) }
	err := os.MkdirAll(dir, 0o755)
	images := ""
	for n := 0; n <= maxObjects && err == nil; n++ {
		if n > 0 {
			images += fmt.Sprintf("<img src=\"object-%d.svg\" alt=\"object %d\" width=\"64\" height=\"64\">\n", n, n)
			fill := strings.NewReplacer("{HUE}", strconv.Itoa(n*360/maxObjects), "{NUMBER}", strconv.Itoa(n))
			err = write(fmt.Sprintf("object-%d.svg", n), fill.Replace(objectPicture))
		}
		err = errors.Join(err, write(fmt.Sprintf("page-%d.html", n), strings.Replace(objectsPage, "{IMAGES}", images, 1)))
	}
	return errors.Join(err, write("HelloWorld.html", hello))
}
