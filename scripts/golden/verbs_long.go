package golden

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/launch"
	"weblab.example/scripts/internal/verdict"
)

// What the longer ones of the verbs do, in the order of their table.

func (c *conversation) as(name string) error {
	if c.lines[name] == nil {
		c.lines[name] = &connection{}
	}
	c.connection = c.lines[name]
	return nil
}

func (c *conversation) drip(value string) error {
	every, message, _ := strings.Cut(value, " ")
	if err := c.connect(); err != nil {
		return err
	}
	conn := c.conn
	c.sent = bytesIn(message)
	go func() {
		for _, b := range bytesIn(message) {
			time.Sleep(duration(every)) // the stimulus: a slow client
			if _, err := conn.Write([]byte{b}); err != nil {
				return
			}
		}
	}()
	return nil
}

// sip takes an answer in small parts.
func (c *conversation) sip(value string) error {
	for start := time.Now(); time.Since(start) < duration(value); time.Sleep(10 * exchange.Pause) {
		part := make([]byte, 1<<20)
		n, err := io.ReadFull(c.conn, part)
		taken := append(c.heard.Bytes, part[:n]...)
		if c.heard.Bytes = taken; bytes.HasSuffix(taken, []byte("\r\n\r\n")) {
			return verdict.Because(verdict.Failf("", "a head came, and nothing behind it: %v", err), "file-not-sent", int64(hugeSize))
		}
		if err != nil {
			return verdict.Failf("one-deadline", "with -stall 500ms a client took %d bytes in %v, and then: %v", len(taken), time.Since(start).Round(100*time.Millisecond), err)
		}
	}
	return nil
}

// hear hears the connection out.
func (c *conversation) hear() error {
	if err := c.connect(); err != nil {
		return err
	}
	c.heard = exchange.Hear(c.conn, c.learned.patience(), func([]byte) bool { return c.learned.staysOpen.Load() })
	if c.heard.Sent = c.sent; c.failed != nil {
		c.heard.End = exchange.EndReset // the system tells of a reset once, and the writer was told
	}
	return nil
}

// keeps reads as many bytes as the answer has, after which the connection stays open.
func (c *conversation) keeps(name string) error {
	_, c.want = bytesOf(name)
	c.want = bytes.Replace(c.want, []byte("Connection: close\r\n"), nil, 1)
	got := make([]byte, len(c.want))
	n, _ := io.ReadFull(c.conn, got) // too few bytes differ, too
	if bytes.Equal(got[:n], c.want) {
		c.sent = nil
		return nil
	}
	c.conn.SetReadDeadline(time.Now().Add(quiet))
	rest, _ := io.ReadAll(c.conn) // what comes within that time
	c.heard = exchange.Heard{Bytes: append(got[:n], rest...), End: exchange.EndFIN, Sent: c.sent}
	return verdict.Want(c.heard, c.want)
}

// unanswered is a failure if what was heard is no answer to a case that is right.
func unanswered(h exchange.Heard, name string) error {
	if len(h.Bytes) > 0 && exchange.ReadMessage(h.Bytes).Status != 408 {
		return nil
	}
	_, response := bytesOf(name)
	f := verdict.Answer(h, response)
	f.Seen = fmt.Sprintf("%s: %.300q was sent: %s", name, h.Sent, h.Said())
	return f
}

// takesGood sends a request that is right. What is answered is for later steps, as
// long as it is no refusal.
func (c *conversation) takesGood(name string) error {
	request, _ := bytesOf(name)
	h, err := c.talk(request)
	if err == nil {
		err = unanswered(h, name)
	}
	switch status := exchange.ReadMessage(h.Bytes).Status; status {
	case 400, 414, 431, 501, 505:
		want := name
		if i := slices.IndexFunc(goldens, func(g Case) bool { return g.Name == name }); i >= 0 {
			want = goldens[i].Want
		}
		f := verdict.Failf("", "%s: the answer to %.300q was %.60q", name, request, h.Bytes)
		return verdict.Because(f, "refuses-good", status, want)
	}
	return err
}

// quiet is how long nothing may come, where nothing should.
const quiet = 250 * time.Millisecond

// readWithin says what came on a connection in that time, or "".
func readWithin(conn net.Conn, d time.Duration) string {
	conn.SetReadDeadline(time.Now().Add(d))
	buf := make([]byte, 4096)
	n, err := conn.Read(buf)
	switch {
	case n > 0:
		return fmt.Sprintf("got %.60q", buf[:n])
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ""
	case err == io.EOF:
		return "was closed"
	}
	return "was reset"
}

// closed wants no byte and the end of the connection, in order and in time.
func (c *conversation) closed(how string) error {
	acted := c.acted
	if err := c.hear(); err != nil {
		return err
	}
	took := time.Since(acted)
	when, d, _ := strings.Cut(how, " ")
	right := len(c.heard.Bytes) == 0
	switch when {
	case "somehow":
		right = right && c.heard.End != exchange.EndOpen
	case "after":
		right = right && c.heard.End == exchange.EndFIN && took >= duration(d)
	case "within":
		right = right && c.heard.End == exchange.EndFIN && took < duration(d)
	default:
		right = right && c.heard.End == exchange.EndFIN
	}
	if !right {
		return verdict.Failf("answers-nobody", "%s, after %v", c.story(), took.Round(time.Millisecond))
	}
	return nil
}

// givenUp sends more than any server should read for nothing. When one has given up,
// what is sent to it is answered with a reset.
func (c *conversation) givenUp(value string) error {
	size, _ := strconv.Atoi(value)
	const most = 64 << 20 // bytes: more than a server should take, and what the system holds of it
	block, sent := bytes.Repeat([]byte("x"), size), 0
	start := time.Now()
	for ; sent < most && (size > 1 || time.Since(start) < exchange.Patience); sent += size {
		if _, err := c.conn.Write(block); err != nil {
			return nil
		}
		if size == 1 {
			time.Sleep(exchange.Pause)
		}
	}
	return verdict.Failf("trouble", "after its answer a client sent %d bytes more in %v, and the server took them", sent, time.Since(start).Round(time.Second))
}

// story is what the client did and what it heard, for a report.
func (c *conversation) story() string {
	if len(c.sent) == 0 {
		return "the client said nothing: " + c.heard.Said()
	}
	return fmt.Sprintf("the client sent %.100q: %s", c.sent, c.heard.Said())
}

func (c *conversation) path(name string) string {
	docroot, _ := c.learned.docroot.Load().(string)
	return filepath.Join(c.site.dir, filepath.FromSlash(docroot), filepath.FromSlash(name))
}

func (c *conversation) exit(value string) error {
	want, within, hurried := strings.Cut(value, " within ")
	limit := exchange.Patience
	if hurried {
		limit = duration(within)
	}
	status, err := c.proc.Wait(limit)
	switch {
	case err != nil:
		return verdict.Failf("stops-late", "%v\n%s", err, c.proc.stderr)
	case want != "any" && want != fmt.Sprint(status):
		return verdict.Failf("stops-late", "exit status %d\n%s", status, c.proc.stderr)
	}
	return nil
}

// exits runs the program until it ends by itself.
func (c *conversation) exits(value string) error {
	want, flags, _ := strings.Cut(value, " ")
	proc, err := c.session.run(c.session.prepare(c.program, &launch.Tail{}, strings.Fields(flags)))
	if err != nil {
		return err
	}
	c.target, c.ran = &target{session: c.session, proc: proc}, append(c.ran, proc)
	status, err := proc.Wait(exchange.Patience)
	if err != nil {
		return verdict.Failf("wrong-use", "with %s: %v\n%s", flags, err, proc.stderr)
	}
	if want != fmt.Sprint(status) {
		return verdict.Failf("wrong-use", "with %s: exit status %d, standard error %.300q", flags, status, proc.stderr)
	}
	return nil
}

// logged waits until the log of the program has a text.
func (t *target) logged(text string) bool {
	for deadline := time.Now().Add(exchange.Patience); time.Now().Before(deadline); time.Sleep(exchange.Pause) {
		if strings.Contains(t.proc.stderr.String(), text) {
			return true
		}
	}
	return false
}
