package golden

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/verdict"
)

// quickly are flags that make the time-outs short enough to be waited for.
var quickly = []string{"-head-timeout", "500ms", "-idle-timeout", "600ms"}

// quiet is how long nothing may come, where nothing should.
const quiet = 250 * time.Millisecond

// serverChecks lists what both servers must do.
func serverChecks() []Check {
	keepAlive := append([]string{"-keep-alive"}, quickly...)
	checks := []Check{ // what comes before the golden cases of its step
		{Step: "1.2", Name: "well-formed", Weight: 1, Want: "whatever the answer is, it is well-formed: status line, the three fields, empty line, as many bytes as announced", run: wellFormed},
		{Step: "1.9", Name: "keep-alive-in-turn", Weight: 3, Want: "a request that is sent after the answer to the one before it is answered", Flags: keepAlive, run: inTurn},
	}
	for _, g := range goldens {
		checks = append(checks, g.check())
	}
	// What has no weight is the work of given code, or of the system.
	return append(checks,
		Check{Step: "1.1", Name: "accepts-again", Weight: 2, Want: "one connection after the other is accepted, and ends", run: acceptsAgain},
		Check{Step: "1.1", Name: "announces", Want: "standard output is one line: the host as given, the port that was picked, and the directory", Flags: []string{noServer}, run: announces},
		Check{Step: "1.1", Name: "port-taken", Want: "a port that is taken: exit status 1, and a message that names the port", Flags: []string{noServer}, run: portTaken},
		Check{Step: "1.1", Name: "wrong-use", Want: "an unknown flag: exit status 2", Flags: []string{noServer}, run: wrongUse},
		Check{Step: "1.3", Name: "waits-for-the-head", Weight: 2, Want: "nothing is answered before the empty line that ends the head", run: waitsForHead},
		Check{Step: "1.3", Name: "good-heads", Weight: 4, Want: "a head is read to its end: with LF alone, with empty lines before it, in more than one piece", run: takesGood("hello", "lf-only", "mixed-line-ends", "empty-lines-first", "browser-head-4k")},
		Check{Step: "1.3", Name: "preconnect-silent", Want: "a connection that says nothing is closed without an answer", Flags: quickly, run: silent},
		Check{Step: "1.3", Name: "preconnect-closed", Weight: 1, Want: "a connection that is closed at once does no harm", run: leavesEarly("")},
		Check{Step: "1.3", Name: "leaves-in-the-head", Weight: 1, Want: "a client that leaves in the middle of its head does no harm", run: leavesEarly("GET / HT")},
		Check{Step: "1.3", Name: "tls-on-plain-port", Want: "a TLS hello is no request: the connection is closed without an answer", run: tlsHello},
		Check{Step: "1.4", Name: "method-and-target", Weight: 2, Want: "the log has the method and the target of a request, as they came", Flags: []string{"-log", "text"}, run: methodAndTarget},
		Check{Step: "1.4", Name: "one-word", Weight: 1, Want: "a request line of one word does not stop the code that reads it", run: oneWord},
		Check{Step: "1.4", Name: "good-request-lines", Weight: 1, Want: "a request line that is right is not refused", run: takesGood("hello", "query", "http-1-0", "http-1-2")},
		Check{Step: "1.5", Name: "random-file", Weight: 3, Want: "a page that was written just now, with a name that nobody knows, comes whole", run: randomFile},
		Check{Step: "1.5", Name: "byte-by-byte", Weight: 1, Want: "a request may come one byte at a time", run: byteByByte},
		Check{Step: "1.5", Name: "half-close", Weight: 1, Want: "a client that has closed for writing still gets its answer", run: halfClose},
		Check{Step: "1.5", Name: "log-off", Want: "-log off says nothing", Flags: []string{"-log", "off"}, run: logOff},
		Check{Step: "1.5", Name: "verbose", Want: "-v prints each request's head as it came, quoted", Flags: []string{"-v"}, run: verbose},
		Check{Step: "1.5", Name: "delay", Want: "-delay waits before the answer", Flags: []string{"-delay", "300ms"}, run: delayed},
		Check{Step: "1.5", Name: "date", Want: "-date sends the time, in GMT", Flags: []string{"-date"}, run: dated},
		Check{Step: "1.6", Name: "file-changes", Weight: 2, Want: "a file that has changed is sent as it is now", run: fileChanges},
		Check{Step: "1.6", Name: "leaves-in-the-middle", Weight: 2, Want: "a client that leaves in the middle of a large file costs that connection only", run: leavesInTheMiddle},
		Check{Step: "1.6", Name: "huge-file", Weight: 4, Want: "a file of 64 MiB is streamed to a client that takes its time", run: hugeFile},
		Check{Step: "1.6", Name: "large-file-ends", Weight: 1, Want: "the last piece of a file is no error: the log says that the connection ended because it was answered", Flags: []string{noServer}, run: largeFileEnds},
		Check{Step: "1.6", Name: "huge-file-memory", system: "memory", Want: "a file of 64 MiB is never held in memory", Flags: []string{noServer}, run: hugeFileMemory},
		Check{Step: "1.6", Name: "stall", Want: "a client that takes no byte for as long as -stall is given up", Flags: []string{"-stall", "300ms"}, run: stall},
		Check{Step: "1.6", Name: "slow-reader", Want: "a client that takes bytes slowly, but never stops, is not given up: -stall is no time for a whole answer", Flags: []string{"-stall", "1s"}, run: slowReader},
		Check{Step: "1.6", Name: "forbidden", system: "forbidden", Want: "a file that may not be read is a 403", run: forbidden},
		Check{Step: "1.6", Name: "link-inside", system: "link", Want: "a symbolic link that stays inside of the root is followed", run: linked("/link-in.html", "hello")},
		Check{Step: "1.8", Name: "post-4mb", Weight: 4, Want: "a POST of 4 MB gets its whole 405, and no reset", run: post4MB},
		Check{Step: "1.8", Name: "late-bytes", Weight: 3, Want: "an answer is not lost to a reset when the client sends on", run: lateBytes("not-found")},
		Check{Step: "1.8", Name: "tls-long-hello", Want: "a long TLS hello is not answered with a reset", run: tlsLongHello},
		Check{Step: "1.8", Name: "log-json", Want: "-log json has four events for a connection that is answered", Flags: []string{"-log", "json"}, run: logJSON},
		Check{Step: "1.8", Name: "linger-bounded", Weight: 1, Want: "a client that sends on and on after its answer is given up after 16 MiB", Flags: []string{"-linger", "30s"}, run: lingerBounded},
		Check{Step: "1.8", Name: "linger-ends", Want: "a client that never closes is given up after -linger", Flags: []string{"-linger", "200ms"}, run: lingerEnds},
		Check{Step: "1.9", Name: "keep-alive-idle", Want: "a persistent connection that is silent is closed after -idle-timeout", Flags: keepAlive, run: idle},
		Check{Step: "1.9", Name: "keep-alive-pause", Want: "the time to be silent is -idle-timeout, not -head-timeout", Flags: []string{"-keep-alive", "-head-timeout", "500ms", "-idle-timeout", "10s"}, run: pauseBetween},
		Check{Step: "S.1", Name: "timeout", Weight: 2, Want: "a head that is not complete in time is a 408", Flags: quickly, run: headTimeout("timeout")},
		Check{Step: "S.1", Name: "head-timeout", Weight: 1, Want: "no answer to HEAD has a body: a 408", Flags: quickly, run: headTimeout("head-timeout")},
		Check{Step: "S.1", Name: "timeout-drip", Weight: 1, Want: "the time is for the whole head, not for each byte", Flags: quickly, run: headDrip},
		Check{Step: "S.1", Name: "keep-alive-timeout", also: "1.9", Want: "the second head has its own time: 408 when it is not complete", Flags: keepAlive, run: secondTimeout},
		Check{Step: "S.1", Name: "late-bytes-refused", also: "1.8", Want: "an answer that comes before the whole request is not lost to a reset", run: lateBytes("request-line-too-long", "head-too-large", "empty-lines-too-many", "many-fields-too-large")},
		Check{Step: "S.4", Name: "backslash", system: "backslash", Want: "a file whose name has a backslash is not served: Windows takes it for a slash", run: linked("/back%5Cslash.txt", "not-found")},
		Check{Step: "S.4", Name: "link-outside", system: "link", Want: "a symbolic link that leads out of the root is a 404", run: linked("/link-out.txt", "not-found")},
		Check{Step: "S.4", Name: "link-directory-outside", system: "link", Want: "a path through a symbolic link that leads out of the root is a 404", run: linked("/link-dir/secret.txt", "not-found")},
		Check{Step: "S.4", Name: "named-pipe", system: "fifo", Want: "a named pipe is no file: 404, and the server does not wait for it", run: linked("/fifo", "not-found")},
	)
}

// serialChecks lists what only stage 1 must do.
func serialChecks() []Check {
	return []Check{
		{Step: "1.1", Name: "stops", Weight: 1, Want: "Ctrl-C or SIGTERM while nothing is under way: exit status 0 at once", Flags: []string{noServer}, run: stops},
		{Step: "1.1", Name: "one-at-a-time", Weight: 2, Want: "while one client is served, the next one waits; then it gets its answer", run: oneAtATime},
	}
}

// bytesOf returns a case's request and response.
func bytesOf(name string) (request, response []byte) {
	for _, g := range goldens {
		if g.name == name {
			request, response, _ = g.load(caseFiles, siteFiles) // a test loads them all
			return request, response
		}
	}
	request, _ = caseFiles.ReadFile("cases/" + name + ".request")
	response, _ = caseFiles.ReadFile("cases/" + name + ".response")
	return request, response
}

// answers checks that a case's request gets its response: where the point of
// a check is that the server still works, and a diagnosis says what it means
// if it does not.
func (l *lab) answers(name, diagnosis string) error {
	request, response := bytesOf(name)
	h, err := l.talk(request)
	if err == nil {
		err = verdict.Want(h, response)
	}
	return verdict.Because(err, diagnosis)
}

// gets asks for a file that was made just now, and wants these bytes of it.
func (l *lab) gets(name string, want []byte) error {
	contentType := map[string]string{".html": "text/html; charset=utf-8", ".txt": "text/plain; charset=utf-8"}[filepath.Ext(name)]
	h, err := l.talk([]byte("GET /" + name + " HTTP/1.1\r\nHost: localhost:6789\r\n\r\n"))
	if err != nil {
		return err
	}
	return verdict.Want(h, fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		contentType, len(want), want))
}

func acceptsAgain(l *lab) error {
	request, _ := bytesOf("hello")
	answered := false
	for i := range 3 {
		h, err := l.talk(request)
		if err != nil && i > 0 && l.ended(100*time.Millisecond) != "" {
			return verdict.Because(err, "only-once")
		}
		if err != nil {
			return err
		}
		switch {
		case h.End == exchange.EndNever:
			return verdict.Want(h, nil)
		case len(h.Bytes) == 0 && (h.End == exchange.EndOpen || h.Quiet > exchange.Patience/2), exchange.ReadMessage(h.Bytes).Status == 408:
			return verdict.Failf("no-answer-open", "connection %d: %s", i+1, h.Said())
		case h.End == exchange.EndOpen:
			return verdict.Failf(verdict.Stays(h), "connection %d was %s for %v after %d bytes", i+1, h.End, exchange.Patience, len(h.Bytes))
		case len(h.Bytes) == 0 && answered:
			return verdict.Failf("only-once", "connection 1 was answered; connection %d was %s without an answer", i+1, h.End)
		}
		answered = answered || len(h.Bytes) > 0
	}
	return nil
}

// oneAtATime proves that a server is serial: while half of A's request is
// held, B hears nothing. Then A gets its answer, and after it B.
func oneAtATime(l *lab) error {
	request, _ := bytesOf("hello")
	a, err := l.dial()
	if err != nil {
		return err
	}
	defer a.Close()
	half := len(request) / 2
	if _, err := a.Write(request[:half]); err != nil {
		return err
	}
	b, err := l.dialAndSend(request)
	if err != nil {
		return err
	}
	defer b.Close()
	early := readWithin(b, quiet)
	if early != "" && (readWithin(a, time.Millisecond) == "" || holds(a)) {
		return verdict.Failf("not-serial", "while the server held A's connection, B %s", early)
	}
	if _, err := a.Write(request[half:]); err != nil && early == "" {
		return err
	}
	heardA := exchange.HearOut(a)
	a.Close() // a server that lingers waits for that
	heardB := exchange.HearOut(b)
	seen := fmt.Sprintf("A sent the rest of its request: %s; B: %s", heardA.Said(), heardB.Said())
	switch {
	case early != "":
		return nil // A was served before its request was whole, and so is B
	case heardA.End == exchange.EndOpen && len(heardA.Bytes) == 0:
		return verdict.Failf("no-answer-open", "%s", seen)
	case heardA.End == exchange.EndOpen:
		return verdict.Failf(verdict.Stays(heardA), "%s", seen)
	case heardB.End == exchange.EndOpen || len(heardA.Bytes) > 0 && len(heardB.Bytes) == 0:
		return verdict.Failf("only-once", "%s", seen)
	}
	return nil
}

// holds reports whether a server still has a connection, on which it may have
// sent an answer. If it has not, the system answers what comes with a reset.
func holds(conn net.Conn) bool {
	for range 3 {
		if _, err := conn.Write([]byte("x")); err != nil {
			return false
		}
		time.Sleep(exchange.Pause) // the stimulus: time for the reset to come
	}
	return true
}

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

func announces(l *lab) error {
	for given, host := range map[string]string{"localhost:0": "localhost", "127.0.0.1:0": "127.0.0.1", ":0": "localhost"} {
		proc, addr, dir, err := l.startServer("-addr", given, "-root", l.site.dir)
		if err == nil {
			announced, _, _ := net.SplitHostPort(addr)
			at := &lab{labs: l.labs, addr: addr}
			switch h, bad := at.talk([]byte("GET / HTTP/1.1\r\n\r\n")); {
			case bad != nil || announced != host || dir != l.site.dir:
				err = verdict.Failf("not-announced", "with -addr %s it serves %q at %q", given, dir, addr)
			case h.End == exchange.EndOpen && len(h.Bytes) == 0:
				err = verdict.Failf("no-answer-open", "with -addr %s: %s", given, h.Said())
			case h.End == exchange.EndOpen:
				err = verdict.Failf(verdict.Stays(h), "with -addr %s: %s", given, h.Said())
			}
		}
		proc.kill()
		if more := proc.stdout.String(); err == nil && more != "" {
			err = verdict.Failf("not-announced", "after the first line: %.300q", more)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func portTaken(l *lab) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	status, stderr, err := l.runToEnd("-addr", ln.Addr().String(), "-root", l.site.dir)
	if err == nil && (status != 1 || !strings.Contains(stderr, port) || !strings.Contains(stderr, "go run") || !strings.Contains(stderr, "-addr")) {
		err = verdict.Failf("refuses-rudely", "another program listened on port %s; exit status %d, standard error %q", port, status, stderr)
	}
	return err
}

func wrongUse(l *lab) error {
	for _, c := range []struct{ flag, says string }{
		{"-no-such-flag", "no-such-flag"}, {"-linger=-1s", "linger"}, {"-head-timeout=0", "head-timeout"},
		{"-content-length=wrong", "content-length"}, {"-log=loud", "log"}, {"-stall=0", "stall"}, {"-idle-timeout=0", "idle-timeout"}, {"-addr=nonsense", "addr"}, {"stray", "stray"},
	} {
		status, stderr, err := l.runToEnd(c.flag)
		if err == nil && (status != 2 || !strings.Contains(stderr, c.says)) {
			err = verdict.Failf("wrong-use", "with %s: exit status %d, standard error %.300q", c.flag, status, stderr)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// runToEnd runs the program until it ends by itself.
func (l *lab) runToEnd(flags ...string) (status int, stderr string, err error) {
	proc, err := l.start(flags...)
	if err != nil {
		return 0, "", err
	}
	defer proc.kill()
	status, err = proc.wait(exchange.Patience)
	if err != nil {
		err = verdict.Failf("wrong-use", "%v\n%s", err, proc.stderr)
	}
	return status, proc.stderr.String(), err
}

func stops(l *lab) error {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		s, err := l.serve()
		if err != nil {
			return err
		}
		defer s.proc.kill()
		if err := s.proc.signal(signal); err != nil {
			return err
		}
		status, err := s.proc.wait(3 * time.Second)
		if err != nil || status != 0 {
			ended := fmt.Sprintf("exit status %d", status)
			if err != nil {
				ended = err.Error()
			}
			return verdict.Failf("does-not-stop", "after %v: %s\n%s", signal, ended, s.proc.stderr)
		}
	}
	return nil
}

// statusPage is how an error page begins.
var statusPage = regexp.MustCompile(`^<!DOCTYPE html><title>([2-5]\d\d) `)

var wellFormedHead = regexp.MustCompile(`^HTTP/1\.1 [2-5]\d\d [^\r\n\x00-\x1f]+\r\n(?:[!#-'*+.^_` + "`" + `|~0-9A-Za-z-]+: [^\r\n\x00]*\r\n)*\r\n`)

func wellFormed(l *lab) error {
	request, response := bytesOf("hello")
	h, err := l.talk(request)
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
		return verdict.Failf(verdict.Stays(h), "after the answer the connection was still open")
	}
	return nil
}

func waitsForHead(l *lab) error {
	request, response := bytesOf("hello")
	conn, err := l.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	last := len(request) - 1
	line := bytes.Index(request, []byte("\r\n"))
	sent := 0
	for _, end := range []int{line, line + 2, last} { // a CR LF that comes alone is no empty line
		if _, err := conn.Write(request[sent:end]); err != nil && sent == 0 {
			return err
		}
		sent = end
		if early := readWithin(conn, quiet/2); early != "" {
			return verdict.Failf("answers-early", "%q was sent, which is no whole head, and the client %s", request[:end], early)
		}
	}
	if _, err := conn.Write(request[last:]); err != nil {
		return err
	}
	h := exchange.HearOut(conn)
	h.Sent = request
	if status := exchange.ReadMessage(h.Bytes).Status; len(h.Bytes) == 0 || status == 408 {
		f := verdict.Answer(h, response)
		f.Seen = "then the last byte was sent: " + h.Said()
		return f
	}
	return nil
}

// takesGood sends requests that are right. What is answered is for later
// steps, as long as it is no refusal.
func takesGood(names ...string) func(*lab) error {
	return func(l *lab) error {
		for _, name := range names {
			request, response := bytesOf(name)
			h, err := l.talk(request)
			if err != nil {
				return err
			}
			status := exchange.ReadMessage(h.Bytes).Status
			if len(h.Bytes) == 0 || status == 408 {
				f := verdict.Answer(h, response)
				f.Seen = fmt.Sprintf("%s: %.300q was sent: %s", name, request, h.Said())
				return f
			}
			switch status {
			case 400, 414, 431, 501, 505:
				want := name
				for _, g := range goldens {
					if g.name == name {
						want = g.want
					}
				}
				return &verdict.Failure{Seen: fmt.Sprintf("%s: the answer to %.300q was %.60q", name, request, h.Bytes), Diagnosis: "refuses-good", Args: []any{status, want}}
			}
		}
		return nil
	}
}

func headTimeout(name string) func(*lab) error {
	return func(l *lab) error {
		request, response := bytesOf(name)
		h, err := l.talk(request)
		if err == nil {
			err = verdict.Want(h, response)
		}
		switch {
		case h.End == exchange.EndOpen && len(h.Bytes) == 0:
			err = verdict.Because(err, "no-head-timeout")
		case exchange.ReadMessage(h.Bytes).Status != 408:
			err = verdict.Because(err, "head-late")
		}
		return err
	}
}

// headDrip sends a byte every 50 ms: no byte is late, but the head is.
func headDrip(l *lab) error {
	conn, err := l.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	go func() {
		for _, b := range []byte("GET /HelloWorld.html HTTP/1.1\r\nHost: localhost:6789\r\nX: " + strings.Repeat("a", 1000)) {
			time.Sleep(50 * time.Millisecond) // the stimulus: a slow client
			if _, err := conn.Write([]byte{b}); err != nil {
				return
			}
		}
	}()
	_, response := bytesOf("timeout")
	return verdict.Because(verdict.Want(exchange.HearOut(conn), response), "head-late")
}

func silent(l *lab) error {
	start := time.Now()
	conn, err := l.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	h := exchange.HearOut(conn)
	took := time.Since(start)
	if len(h.Bytes) > 0 {
		return verdict.Failf("answers-nobody", "a silent connection got %.100q, then it was %s", h.Bytes, h.End)
	}
	if h.End != exchange.EndFIN || took < quiet {
		return verdict.Failf("no-head-timeout", "a silent connection, with -head-timeout 500ms: %s after %v", h.End, took.Round(time.Millisecond))
	}
	return acceptsAgain(l)
}

// leavesEarly closes a connection after these bytes.
func leavesEarly(sent string) func(*lab) error {
	return func(l *lab) error {
		conn, err := l.dial()
		if err != nil {
			return err
		}
		if _, err := conn.Write([]byte(sent)); err != nil {
			return err
		}
		conn.CloseWrite()
		h := exchange.HearOut(conn)
		conn.Close()
		if len(h.Bytes) > 0 || h.End == exchange.EndOpen {
			return verdict.Failf("answers-nobody", "the client sent %q and closed for writing: it got %.100q, then the connection was %s", sent, h.Bytes, h.End)
		}
		return acceptsAgain(l)
	}
}

func tlsHello(l *lab) error {
	// A record header (handshake, TLS 1.0, 512 bytes), and part of what follows.
	hello := append([]byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc}, bytes.Repeat([]byte{0x42}, 200)...)
	start := time.Now()
	h, err := l.talk(hello)
	if err == nil && (len(h.Bytes) > 0 || h.End != exchange.EndFIN || time.Since(start) > 2*time.Second) {
		err = verdict.Failf("answers-nobody", "the client got %.100q, then the connection was %s after %v", h.Bytes, h.End, time.Since(start).Round(time.Millisecond))
	}
	return err
}

func byteByByte(l *lab) error {
	request, response := bytesOf("hello")
	var pieces [][]byte
	for i := range request {
		pieces = append(pieces, request[i:i+1])
	}
	h, err := l.talk(pieces...)
	if err == nil {
		err = verdict.Because(verdict.Want(h, response), "one-read", "after every byte")
	}
	return err
}

// randomFile makes a file that no program can know before.
func randomFile(l *lab) error {
	if err := l.site.need("own"); err != nil {
		return err
	}
	random := l.random()
	content := fmt.Appendf(nil, "<!DOCTYPE html>\n<p>你好 %x</p>\n", random.Uint64())
	for range 60 + random.IntN(60) {
		content = fmt.Appendf(content, "<p>%x</p>\n", random.Uint64())
	}
	name := fmt.Sprintf("random-%08x.html", random.Uint32())
	if err := os.WriteFile(filepath.Join(l.site.dir, name), content, 0o644); err != nil {
		return err
	}
	return l.gets(name, content)
}

func fileChanges(l *lab) error {
	if err := l.site.need("own"); err != nil {
		return err
	}
	name := fmt.Sprintf("changes-%08x.txt", l.random().Uint32())
	file := filepath.Join(l.site.dir, name)
	for _, content := range []string{"before", "after", "and longer than that"} {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			return err
		}
		if err := l.gets(name, []byte(content)); err != nil {
			return verdict.Because(err, "stale")
		}
	}
	if err := os.Remove(file); err != nil {
		return err
	}
	_, response := bytesOf("not-found")
	h, err := l.talk([]byte("GET /" + name + " HTTP/1.1\r\nHost: localhost:6789\r\n\r\n"))
	if err == nil {
		err = verdict.Because(verdict.Want(h, response), "stale")
	}
	return err
}

func halfClose(l *lab) error {
	request, response := bytesOf("hello")
	conn, err := l.dialAndSend(request)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.CloseWrite(); err != nil {
		return err
	}
	return verdict.Because(verdict.Want(exchange.HearOut(conn), response), "half-close")
}

func leavesInTheMiddle(l *lab) error {
	if err := l.site.need("own"); err != nil {
		return err
	}
	conn, err := askHuge(l)
	if err != nil {
		return err
	}
	conn.SetLinger(0) // leave with a reset, the hard way
	conn.Close()
	return l.answers("hello", "leaver-harms")
}

// askHuge asks for huge.bin, and returns when the first byte has come: the
// answer is under way, and cannot be over before the client reads on.
func askHuge(l *lab) (*net.TCPConn, error) {
	conn, err := l.dial()
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

func hugeFile(l *lab) error {
	if err := l.site.need("own"); err != nil {
		return err
	}
	conn, err := askHuge(l)
	if err != nil {
		return err
	}
	defer conn.Close()
	return readHuge(conn, []byte("H"))
}

// readHuge reads on after askHuge and counts the bytes. The beginning, at least the
// byte that askHuge has read, is there already.
func readHuge(conn net.Conn, beginning []byte) error {
	head := beginning
	buf := make([]byte, 256<<10)
	body := int64(-1)
	for start := time.Now(); ; {
		conn.SetReadDeadline(exchange.ReadUntil(start))
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

// largeFileEnds asks for a file that has a short last piece, whatever a piece is. If
// the server takes the end of the file for an error, its client cannot see that yet.
func largeFileEnds(l *lab) error {
	s, err := l.serve("-log", "json")
	if err != nil {
		return err
	}
	defer s.proc.kill()
	if err := s.answers("file-of-32k-and-1", "huge-file-cut"); err != nil {
		return err
	}
	s.logged(`"closed"`)
	log := s.proc.stderr.String()
	_, closed, ok := strings.Cut(log, `"closed"`)
	noFinish := strings.Contains(log, " is not written yet") // of step 1.8, which is called only if all was well
	if ok && !noFinish && !strings.Contains(closed, `"why":"answered"`) {
		return verdict.Failf("ended-by-file", "all of the file came; the end of the server's log: %s", log[max(0, len(log)-200):])
	}
	return nil
}

func hugeFileMemory(l *lab) error {
	s, err := l.serve() // one that has sent no large file yet
	if err != nil {
		return err
	}
	defer s.proc.kill()
	if err := acceptsAgain(s); err != nil {
		return err
	}
	before, err := peakMemory(s.proc.cmd.Process.Pid)
	if err != nil {
		return err
	}
	if err := hugeFile(s); err != nil {
		return err
	}
	after, err := peakMemory(s.proc.cmd.Process.Pid)
	if err == nil && after-before > maxGrowth {
		err = verdict.Failf("huge-file-memory", "for a file of 64 MiB the server needed %d MB more", (after-before)>>20)
	}
	return err
}

// logged waits until the log of the program has a text.
func (l *lab) logged(text string) bool {
	for deadline := time.Now().Add(exchange.Patience); time.Now().Before(deadline); time.Sleep(exchange.Pause) {
		if strings.Contains(l.proc.stderr.String(), text) {
			return true
		}
	}
	return false
}

func logJSON(l *lab) error {
	if err := l.answers("hello", "log"); err != nil {
		return err
	}
	l.logged(`"closed"`)
	var events []string
	var conns []float64
	for line := range strings.Lines(l.proc.stderr.String()) {
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
		return verdict.Failf("log", "the log has %q\n%s", events, l.proc.stderr)
	}
	return nil
}

func logOff(l *lab) error {
	for _, name := range []string{"hello", "not-found"} {
		if err := l.answers(name, "log"); err != nil {
			return err
		}
	}
	if said := l.proc.stderr.String(); said != "" {
		return verdict.Failf("log", "%q", said)
	}
	return nil
}

// methodAndTarget looks at the log: what is answered is for later steps.
func methodAndTarget(l *lab) error {
	for _, line := range []struct{ method, target string }{{"GET", "/HelloWorld.html?1.4"}, {"get", "/1.4"}} {
		h, err := l.talk([]byte(line.method + " " + line.target + " HTTP/1.1\r\nHost: localhost:6789\r\n\r\n"))
		if err != nil {
			return err
		}
		if l.proc == nil {
			return notHere("the log of this server cannot be seen")
		}
		if want := "method=" + line.method + " target=" + line.target; !l.logged(want) {
			return verdict.Failf("request-line-read", "%.60q was answered, and there is no %s in\n%s", h.Bytes, want, l.proc.stderr)
		}
	}
	return nil
}

// oneWord sends a request line of one word. Any answer will do, but that of code which
// has failed.
func oneWord(l *lab) error {
	h, err := l.talk([]byte(oneWordRequest))
	if err == nil && exchange.ReadMessage(h.Bytes).Status == 500 && !bytes.Contains(h.Bytes, []byte(" is not written yet")) {
		err = verdict.Failf("request-line-read", "%q was sent, and the answer was %.60q", oneWordRequest, h.Bytes)
	}
	return err
}

const oneWordRequest = "GET\r\nHost: localhost:6789\r\n\r\n"

func verbose(l *lab) error {
	if err := l.answers("hello", "verbose"); err != nil {
		return err
	}
	want := `"GET /HelloWorld.html HTTP/1.1\r\n"` + "\n" + `"Host: localhost:6789\r\n"` + "\n" + `"\r\n"` + "\n"
	if !l.logged(want) {
		return verdict.Failf("verbose", "there is no\n%sin\n%s", want, l.proc.stderr)
	}
	return nil
}

func forbidden(l *lab) error {
	request, response := bytesOf("forbidden")
	h, err := l.talk(request)
	if err == nil && bytes.HasSuffix(h.Bytes, []byte(unreadable)) {
		return notHere("the user of the program may read every file")
	}
	if err == nil {
		err = verdict.Because(verdict.Want(h, response), "forbidden")
	}
	return err
}

// linked asks for a file that needs something of the system, and wants the
// response of a golden case.
func linked(target, golden string) func(*lab) error {
	return func(l *lab) error {
		_, response := bytesOf(golden)
		h, err := l.talk([]byte("GET " + target + " HTTP/1.1\r\nHost: localhost:6789\r\n\r\n"))
		if err == nil {
			err = verdict.Want(h, response)
		}
		if target == "/fifo" && len(h.Bytes) == 0 {
			err = verdict.Because(err, "not-a-file")
		}
		return err
	}
}

func post4MB(l *lab) error {
	const size = 4 << 20
	_, response := bytesOf("method-post")
	head := fmt.Sprintf("POST /HelloWorld.html HTTP/1.1\r\nHost: localhost:6789\r\nContent-Length: %d\r\n\r\n", size)
	h, err := l.sendThenHear(append([]byte(head), bytes.Repeat([]byte("x"), size)...))
	if err == nil {
		err = verdict.Because(verdict.Want(h, response), "reset")
	}
	return err
}

// lateBytes sends on, after requests that are answered before or while it does.
func lateBytes(names ...string) func(*lab) error {
	return func(l *lab) error {
		for _, name := range names {
			request, response := bytesOf(name)
			h, err := l.sendThenHear(append(bytes.Clone(request), bytes.Repeat([]byte("x"), 1<<20)...))
			if err == nil {
				err = verdict.Because(verdict.Want(h, response), "reset")
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// tlsLongHello is longer than what a server reads at once.
func tlsLongHello(l *lab) error {
	h, err := l.sendThenHear(append([]byte{0x16, 0x03, 0x01, 0x23, 0x28, 0x01}, bytes.Repeat([]byte{0x42}, 9000)...))
	if err == nil && (len(h.Bytes) > 0 || h.End != exchange.EndFIN) {
		err = verdict.Failf("reset", "the client got %.100q, then the connection was %s", h.Bytes, h.End)
	}
	return err
}

// stall asks for much, takes nothing, and wants another client served.
func stall(l *lab) error {
	conn, err := askHuge(l)
	if err != nil {
		return err
	}
	defer conn.Close()
	return l.answers("hello", "stall")
}

// slowReader takes an answer in small parts, for longer than -stall, and then the
// rest of it.
func slowReader(l *lab) error {
	if err := l.site.need("own"); err != nil {
		return err
	}
	conn, err := askHuge(l)
	if err != nil {
		return err
	}
	defer conn.Close()
	taken := []byte("H") // which askHuge has read
	for start := time.Now(); time.Since(start) < 1500*time.Millisecond; time.Sleep(10 * exchange.Pause) {
		part := make([]byte, 1<<20)
		n, err := io.ReadFull(conn, part)
		if taken = append(taken, part[:n]...); bytes.HasSuffix(taken, []byte("\r\n\r\n")) {
			return verdict.Because(verdict.Failf("", "a head came, and nothing behind it: %v", err), "file-not-sent", int64(hugeSize))
		}
		if err != nil {
			return verdict.Failf("one-deadline", "with -stall 1s a client took %d bytes in %v, and then: %v", len(taken), time.Since(start).Round(100*time.Millisecond), err)
		}
	}
	return verdict.Because(readHuge(conn, taken), "one-deadline")
}

// lingerBounded sends more than any server should read for nothing. One that has
// given up answers with a reset.
func lingerBounded(l *lab) error {
	request, response := bytesOf("hello")
	conn, err := l.dialAndSend(request)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := verdict.Want(exchange.HearOut(conn), response); err != nil {
		return err
	}
	const most = 16<<20 + 48<<20 // and what the system holds of it
	block := make([]byte, 1<<20)
	for range most / len(block) {
		if _, err := conn.Write(block); err != nil {
			return nil
		}
	}
	return verdict.Failf("drops-on", "after its answer a client sent %d MiB, and the server took them", most>>20)
}

// lingerEnds never closes: when the server has given up, what is sent to it
// is answered with a reset.
func lingerEnds(l *lab) error {
	request, response := bytesOf("hello")
	conn, err := l.dialAndSend(request)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := verdict.Want(exchange.HearOut(conn), response); err != nil {
		return err
	}
	for deadline := time.Now().Add(exchange.Patience); time.Now().Before(deadline); time.Sleep(exchange.Pause) {
		if _, err := conn.Write([]byte("x")); err != nil {
			return nil
		}
	}
	return verdict.Failf("lingers-on", "with -linger 200ms it still took bytes after %v", exchange.Patience)
}

func delayed(l *lab) error {
	start := time.Now()
	if err := l.answers("hello", "delay"); err != nil {
		return err
	}
	if took := time.Since(start); took < 300*time.Millisecond {
		return verdict.Failf("delay", "with -delay 300ms the answer came after %v", took)
	}
	return nil
}

func dated(l *lab) error { return errors.Join(datedAnswer(l, "hello"), datedAnswer(l, "not-found")) }

func datedAnswer(l *lab, name string) error {
	request, response := bytesOf(name)
	h, err := l.talk(request)
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

// persist opens a connection, asks for hello and hears the answer, after
// which the connection stays open.
func persist(l *lab) (*net.TCPConn, error) {
	request, response := bytesOf("hello")
	response = bytes.Replace(response, []byte("Connection: close\r\n"), nil, 1)
	conn, err := l.dial()
	if err != nil {
		return nil, err
	}
	if _, err = conn.Write(request); err == nil {
		got := make([]byte, len(response))
		n, _ := io.ReadFull(conn, got) // too few bytes differ, too
		if got = got[:n]; !bytes.Equal(got, response) {
			conn.SetReadDeadline(time.Now().Add(quiet))
			rest, _ := io.ReadAll(conn) // what comes within that time
			err = verdict.Want(exchange.Heard{Bytes: append(got, rest...), End: exchange.EndFIN, Sent: request}, response)
		}
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func inTurn(l *lab) error {
	conn, err := persist(l)
	if err != nil {
		return err
	}
	defer conn.Close()
	request, response := bytesOf("keep-alive-close")
	if _, err := conn.Write(request); err != nil {
		return verdict.Because(verdict.Failf("", "the second request could not be sent: %v", err), "only-first")
	}
	h := exchange.HearOut(conn)
	err = verdict.Want(h, response)
	if len(h.Bytes) == 0 {
		err = verdict.Because(err, "only-first")
	}
	return err
}

func idle(l *lab) error {
	conn, err := persist(l)
	if err != nil {
		return err
	}
	defer conn.Close()
	start := time.Now()
	h := exchange.HearOut(conn)
	if took := time.Since(start); len(h.Bytes) > 0 || h.End != exchange.EndFIN || took < quiet {
		return verdict.Failf("idle", "with -idle-timeout 600ms: %q, then %s after %v", h.Bytes, h.End, took.Round(time.Millisecond))
	}
	return nil
}

// pauseBetween is silent for longer than a head may take.
func pauseBetween(l *lab) error {
	conn, err := persist(l)
	if err != nil {
		return err
	}
	defer conn.Close()
	time.Sleep(900 * time.Millisecond) // the stimulus
	request, response := bytesOf("keep-alive-close")
	if _, err := conn.Write(request); err != nil {
		return verdict.Failf("idle", "after a pause of 900ms the next request could not be sent: %v", err)
	}
	h := exchange.HearOut(conn)
	err = verdict.Want(h, response)
	if len(h.Bytes) == 0 {
		err = verdict.Because(err, "idle")
	}
	return err
}

func secondTimeout(l *lab) error {
	request, response := bytesOf("keep-alive-timeout")
	h, err := l.talk(request)
	if err == nil {
		err = verdict.Want(h, response)
	}
	if len(h.Bytes) > 0 && bytes.HasPrefix(response, h.Bytes) {
		err = verdict.Because(err, "head-late") // the first answer came
	}
	return err
}
