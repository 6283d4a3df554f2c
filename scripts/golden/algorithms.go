package golden

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/verdict"
)

// algorithms are what a case runs by name: checks that are no conversation of one
// client, or that look at more than its bytes.
var algorithms = map[string]func(t *target, argument string) error{
	"accepts-again":   acceptsAgain,
	"announces":       announces,
	"date":            dated,
	"ended-by-answer": endedByAnswer,
	"forbidden":       forbidden,
	"last-is-first":   lastIsFirst,
	"log-events":      logEvents,
	"many-at-once":    manyAtOnce,
	"one-at-a-time":   oneAtATime,
	"well-formed":     wellFormed,
}

// answers checks that a case's request gets its response.
func (t *target) answers(name string) error {
	request, response := bytesOf(name)
	h, err := t.talk(request)
	if err == nil {
		err = verdict.Want(h, response)
	}
	return err
}

func acceptsAgain(t *target, _ string) error {
	request, _ := bytesOf("hello")
	answered := false
	for i := range 3 {
		h, err := t.talk(request)
		if err != nil && i > 0 && t.ended(100*time.Millisecond) != "" {
			return verdict.Because(err, "only-once")
		}
		if err != nil {
			return err
		}
		switch {
		case h.End == exchange.EndNever:
			return verdict.Want(h, nil)
		case len(h.Bytes) == 0 && h.Quiet > exchange.Patience/2, exchange.ReadMessage(h.Bytes).Status == 408:
			return verdict.Failf("no-answer-open", "connection %d: %s", i+1, h.Said())
		case h.End == exchange.EndOpen:
			return leftOpen(h, fmt.Sprintf("connection %d: after %v %s", i+1, exchange.Patience, h.Said()))
		case len(h.Bytes) == 0 && answered:
			return verdict.Failf("only-once", "connection 1 was answered; connection %d was %s without an answer", i+1, h.End)
		}
		answered = answered || len(h.Bytes) > 0
	}
	return nil
}

// leftOpen is the failure of a server that should have closed a connection, and did not.
func leftOpen(h exchange.Heard, seen string) error {
	if len(h.Bytes) == 0 {
		return verdict.Failf("no-answer-open", "%s", seen)
	}
	return verdict.Failf(verdict.Stays(h), "%s", seen)
}

// announces wants a server of the check's own to be where it says, with this host, and to say
// nothing else.
func announces(t *target, host string) error {
	announced, _, _ := net.SplitHostPort(t.addr)
	switch h, err := t.talk([]byte("GET / HTTP/1.1\r\n\r\n")); {
	case err != nil || announced != host || t.dir != t.site.dir:
		return verdict.Failf("not-announced", "with %q it serves %q at %q", t.proc.Args[1:], t.dir, t.addr)
	case h.End == exchange.EndOpen:
		return leftOpen(h, h.Said())
	}
	t.proc.Kill()
	if more := t.proc.stdout.String(); more != "" {
		return verdict.Failf("not-announced", "after the first line: %.300q", more)
	}
	return nil
}

// statusPage is how an error page begins.
var statusPage = regexp.MustCompile(`^<!DOCTYPE html><title>([2-5]\d\d) `)

var wellFormedHead = regexp.MustCompile(`^HTTP/1\.1 [2-5]\d\d [^\r\n\x00-\x1f]+\r\n(?:[!#-'*+.^_` + "`" + `|~0-9A-Za-z-]+: [^\r\n\x00]*\r\n)*\r\n`)

func wellFormed(t *target, _ string) error {
	request, response := bytesOf("hello")
	h, err := t.talk(request)
	if err != nil {
		return err
	}
	got := exchange.ReadMessage(h.Bytes)
	if !wellFormedHead.Match(h.Bytes) {
		// What else it may be, it is not this: so that is what is wrong with it.
		same := fmt.Sprintf("HTTP/1.1 %d %s\r\n", got.Status, got.Phrase)
		var odd string
		for _, field := range got.Fields {
			line := field[0] + ": " + field[1] + "\r\n"
			if same += line; !wellFormedHead.MatchString("HTTP/1.1 200 OK\r\n" + line + "\r\n") {
				odd = line
			}
		}
		f := verdict.Answer(h, []byte(same+"\r\n"+string(got.Body)))
		if odd != "" && f.Diagnosis == "field-order" {
			f = &verdict.Failure{Diagnosis: "bad-field-line", Args: []any{strings.TrimSpace(odd)}}
		}
		f.Seen = fmt.Sprintf("%q", h.Bytes[:min(len(h.Bytes), 400)])
		return f
	}
	// The page is the wanted one, or another, such as that of a 500. Then it is not
	// known; but what is announced, and but for a line end comes, is the whole of it.
	status, body := got.Status, got.Body
	length, _ := got.Field("Content-Length")
	if n, err := strconv.Atoi(length); err == nil && 0 <= n && n < len(body) && string(body[n:]) == "\r\n" {
		body = body[:n]
	}
	if verdict.IsHello(body) {
		body = exchange.ReadMessage(response).Body
	}
	if m := statusPage.FindSubmatch(body); m != nil {
		status, _ = strconv.Atoi(string(m[1])) // three digits
	}
	phrase := map[int]string{200: "OK", 500: "Internal Server Error"}[status] // no other is to be expected yet
	want := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s",
		status, cmp.Or(phrase, got.Phrase), len(body), body)
	if !bytes.Equal(h.Bytes, want) {
		f := verdict.Answer(h, want)
		f.Seen = verdict.Difference(want, h.Bytes)
		return f
	}
	if h.End == exchange.EndOpen {
		return leftOpen(h, "after the answer the connection was still open")
	}
	return nil
}

// askHuge asks for huge.bin, and returns when the first byte has come: the
// answer is under way, and cannot be over before the client reads on.
func askHuge(t *target) (*net.TCPConn, error) {
	conn, err := t.dial()
	if err != nil {
		return nil, err
	}
	// A small buffer, or the system may take much of the file at once.
	conn.SetReadBuffer(64 << 10)
	_, err = conn.Write([]byte("GET /huge.bin HTTP/1.1\r\nHost: localhost:6789\r\n\r\n"))
	if err == nil {
		_, err = io.ReadFull(conn, make([]byte, 1))
	}
	if err != nil {
		conn.Close()
		return nil, verdict.Failf("huge-file-cut", "no byte of a file of 64 MiB came: %v", err)
	}
	return conn, nil
}

// readHuge reads on after askHuge and counts the bytes. The beginning, at least the
// byte that askHuge has read, is there already.
func readHuge(conn net.Conn, beginning []byte) error {
	head := beginning
	buf := make([]byte, 256<<10)
	body := int64(-1)
	for start := time.Now(); ; {
		// A busy machine takes its time; but a MiB in a second is the least.
		conn.SetReadDeadline(exchange.ReadUntil(start.Add(time.Duration(max(0, body)>>20)*time.Second), exchange.Patience))
		n, err := conn.Read(buf)
		if body >= 0 {
			body += int64(n)
		} else {
			head = append(head, buf[:n]...)
			if end := bytes.Index(head, []byte("\r\n\r\n")); end >= 0 {
				body = int64(len(head) - end - 4)
			}
		}
		if err == io.EOF && body == hugeSize {
			return nil
		}
		if err != nil || body > hugeSize {
			f := verdict.Failf("huge-file-cut", "%d of %d bytes of the body came, then: %v", body, int64(hugeSize), err)
			if body == 0 {
				f.Diagnosis, f.Args = "file-not-sent", []any{int64(hugeSize)}
			}
			return f
		}
	}
}

// endedByAnswer looks at the log after a file with a short last piece, whatever a piece
// is. If the server takes the end of the file for an error, no client can see that yet.
func endedByAnswer(t *target, _ string) error {
	t.logged(`"closed"`)
	log := t.proc.stderr.String()
	_, closed, ok := strings.Cut(log, `"closed"`)
	noFinish := strings.Contains(log, " is not written yet") // of step 1.8, which is called only if all was well
	if ok && !noFinish && !strings.Contains(closed, `"why":"answered"`) {
		return verdict.Failf("ended-by-file", "all of the file came; the end of the server's log: %s", log[max(0, len(log)-200):])
	}
	return nil
}

// logEvents wants the four events of a connection in a log of JSON.
func logEvents(t *target, _ string) error {
	t.logged(`"closed"`)
	var events []string
	var conns []float64
	for line := range strings.Lines(t.proc.stderr.String()) {
		var event struct {
			Msg  string
			Conn float64
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			return verdict.Failf("log", "%q: %v", line, err)
		}
		events, conns = append(events, event.Msg), append(conns, event.Conn)
	}
	if want := []string{"accepted", "request", "answered", "closed"}; !slices.Equal(events, want) || slices.Min(conns) < 1 || slices.Min(conns) != slices.Max(conns) {
		return verdict.Failf("log", "the log has %q\n%s", events, t.proc.stderr)
	}
	return nil
}

func forbidden(t *target, _ string) error {
	request, response := bytesOf("forbidden")
	h, err := t.talk(request)
	if err == nil && bytes.HasSuffix(h.Bytes, []byte(unreadable)) {
		return notHere("the user of the program may read every file")
	}
	if err == nil {
		err = verdict.Because(verdict.Want(h, response), "forbidden")
	}
	return err
}

// dated wants an answer that has the time in it, and is right but for that.
func dated(t *target, name string) error {
	request, response := bytesOf(name)
	h, err := t.talk(request)
	if err != nil {
		return err
	}
	m := regexp.MustCompile(`Connection: close\r\n(Date: (.*)\r\n)`).FindSubmatch(h.Bytes)
	if m == nil {
		return verdict.Failf("date", "%q", h.Bytes)
	}
	date, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", string(m[2]))
	off := time.Since(date)
	if err != nil || off < -time.Minute || off > time.Minute || date.Format("Mon, 02 Jan 2006 15:04:05 GMT") != string(m[2]) {
		return verdict.Failf("date", "Date: %s (%v)", m[2], err)
	}
	return verdict.Because(verdict.Want(exchange.Heard{Bytes: bytes.Replace(h.Bytes, m[1], nil, 1), End: h.End, Sent: request}, response), "date")
}
