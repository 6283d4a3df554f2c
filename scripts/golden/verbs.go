package golden

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/launch"
	"weblab.example/scripts/internal/verdict"
)

// A verb is what a line of a script does.
type verb struct {
	means string
	takes func(value string) bool // what it can be used with
	do    func(c *conversation, value string) error
}

// verbs are the words of a script. CASE is the name of a golden case, and stands for
// its request or its response; BYTES is a CASE or "TEXT"; D is a time, as 250ms.
var verbs = map[string]verb{
	// What the client does.
	"as": {"NAME: goes on with the connection of that name, or with a new one", some, (*conversation).as},
	"open": {"connects, and says nothing", none, func(c *conversation, _ string) error {
		return c.connect()
	}},
	"send": {"BYTES", isBytes, func(c *conversation, value string) error {
		if err := c.connect(); err != nil {
			return err
		}
		message := bytesIn(value)
		c.sent = append(c.sent, message...)
		if _, err := c.conn.Write(message); err != nil && c.failed == nil {
			c.failed = err // what comes back tells, or does not come
		}
		return nil
	}},
	"drip": {"D BYTES: sends one byte in each time D, and listens meanwhile", isDrip, (*conversation).drip},
	"pause": {"D: does nothing", isTime, func(c *conversation, value string) error {
		time.Sleep(duration(value)) // the stimulus
		return nil
	}},
	"half-close": {"closes for writing", none, func(c *conversation, _ string) error {
		c.conn.CloseWrite() // that it fails is seen by what comes back
		return nil
	}},
	"leave": {"closes", none, func(c *conversation, _ string) error {
		return c.conn.Close()
	}},
	"reset": {"closes the hard way", none, func(c *conversation, _ string) error {
		c.conn.SetLinger(0)
		return c.conn.Close()
	}},
	"begin": {"asks for huge.bin, and takes its first byte", none, func(c *conversation, _ string) (err error) {
		c.conn, err = askHuge(c.target)
		c.heard.Bytes = []byte("H") // which askHuge has read
		return err
	}},
	"sip": {"D: takes more of huge.bin, slowly, for so long", isTime, (*conversation).sip},
	"rest": {"takes the rest of huge.bin", none, func(c *conversation, _ string) error {
		err := readHuge(c.conn, c.heard.Bytes)
		c.late = err != nil && !c.stopped.IsZero() && time.Since(c.stopped) > stopTime
		return err
	}},

	// What must come of it.
	"gets": {"CASE: its response comes, and the connection is closed", isCase, func(c *conversation, name string) error {
		_, c.want = bytesOf(name)
		if err := c.hear(); err != nil {
			return err
		}
		return verdict.Want(c.heard, c.want)
	}},
	"keeps": {"CASE: its response without Connection: close comes, and the connection is not closed", isCase, (*conversation).keeps},
	"gets-any": {"CASE: any answer to it comes; without CASE anything will do", isCaseOrNone, func(c *conversation, name string) error {
		if err := c.hear(); err != nil || name == "" {
			return err
		}
		return unanswered(c.heard, name)
	}},
	"gets-no": {"STATUS: what comes has another one", isNumber, func(c *conversation, status string) error {
		if err := c.hear(); err != nil {
			return err
		}
		if strconv.Itoa(exchange.ReadMessage(c.heard.Bytes).Status) != status || bytes.Contains(c.heard.Bytes, []byte(" is not written yet")) { // which is told elsewhere
			return nil
		}
		return verdict.Failf("trouble", "%s", c.story())
	}},
	"gets-page":  {"STATUS FILE: a browser would show that status, and that file, if one is named", isStatus, (*conversation).getsPage},
	"finds-page": {"STATUS FILE: the same, or a page of the program's own under another name", isStatus, (*conversation).findsPage},
	"no-secret": {"what comes, if anything does, is nothing from outside of the site", none, func(c *conversation, _ string) error {
		switch c.heard = exchange.Hear(c.conn, c.learned.patience(), bytesOfSecret); {
		case bytesOfSecret(c.heard.Bytes):
			return verdict.Failf("path-escape", "%.60q was sent, and the text of ../secret.txt came", c.sent)
		case len(c.heard.Bytes) == 0 && c.ended(100*time.Millisecond) != "":
			return verdict.Failf("no-answer", "%s", c.story()) // which says nothing about files
		}
		return nil
	}},
	"silent": {"D: nothing comes for so long", isTime, func(c *conversation, value string) error {
		if early := readWithin(c.conn, duration(value)); early != "" {
			return verdict.Failf("answers-early", "%q was sent, which asks for no answer yet, and the client %s", c.sent, early)
		}
		return nil
	}},
	"still-open": {"nothing has come, not even the end", none, func(c *conversation, _ string) error {
		if end := readWithin(c.conn, time.Millisecond); end != "" {
			return verdict.Failf("trouble", "another client was answered, but only when this one, which said nothing, %s", end)
		}
		return nil
	}},
	"closed":   {"after D, within D, or somehow: nothing comes, and the connection is closed", isEnding, (*conversation).closed},
	"given-up": {"N: sends on, N bytes at a time, until the connection is reset", isNumber, (*conversation).givenUp},
	"answers":  {"CASE: another client gets its response", isCase, func(c *conversation, name string) error { return c.answers(name) }},
	"takes":    {"CASE: another client gets an answer to it that is no refusal", isCase, (*conversation).takesGood},
	"took": {"D: all that took at least so long", isTime, func(c *conversation, value string) error {
		if took := time.Since(c.begun); took < duration(value) {
			return verdict.Failf("trouble", "the answer came after %v, and not after %s", took, value)
		}
		return nil
	}},
	"log": {"TEXT: the server's log has that", some, func(c *conversation, text string) error {
		if c.proc == nil {
			return notHere("the log of this server cannot be seen")
		}
		if !c.logged(text) {
			return verdict.Failf("log", "%.60q was answered, and there is no\n%s\nin\n%s", c.heard.Bytes, text, c.proc.stderr)
		}
		return nil
	}},
	"log-empty": {"the server's log has nothing", none, func(c *conversation, _ string) error {
		if said := c.proc.stderr.String(); said != "" {
			return verdict.Failf("log", "%q", said)
		}
		return nil
	}},

	// The files of the site.
	"own": {"the check can change them", none, func(c *conversation, _ string) error { return c.site.need("own") }},
	"file": {"NAME TEXT: makes a file; {random} and {lines} are random texts", some, func(c *conversation, value string) error {
		name, text, _ := strings.Cut(value, " ")
		return os.WriteFile(c.path(name), []byte(text), 0o644)
	}},
	"fetches": {"NAME: another client gets the file as it is now", some, func(c *conversation, name string) error {
		content, err := os.ReadFile(c.path(name))
		if err != nil {
			return err
		}
		h, err := c.talk([]byte("GET /" + name + " HTTP/1.1\r\nHost: localhost:6789\r\n\r\n"))
		if err != nil {
			return err
		}
		contentType := map[string]string{".html": "text/html; charset=utf-8", ".txt": "text/plain; charset=utf-8"}[filepath.Ext(name)]
		return verdict.Want(h, fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", contentType, len(content), content))
	}},
	"remove": {"NAME", some, func(c *conversation, name string) error { return os.Remove(c.path(name)) }},

	// The program.
	"start": {"FLAGS: goes on with a server of the check's own", anyWords, func(c *conversation, flags string) error {
		s, err := c.serve(strings.Fields(flags)...)
		if err != nil {
			return err
		}
		c.target, c.ran = s, append(c.ran, s.proc)
		return nil
	}},
	"memory": {"notes how much memory it needed; the second time it must not be much more", none, func(c *conversation, _ string) error {
		now, err := launch.PeakMemory(c.proc.Process.Pid)
		if err != nil {
			return notHere(err.Error())
		}
		if c.peak > 0 && now-c.peak > maxGrowth {
			return verdict.Failf("huge-file-memory", "for a file of 64 MiB the server needed %d MB more", (now-c.peak)>>20)
		}
		c.peak = now
		return nil
	}},
	"stop": {"asks it to stop; with Ctrl-C as a terminal does", anyWords, func(c *conversation, how string) error {
		c.stopped = time.Now()
		if how == "Ctrl-C" {
			return c.proc.signal(os.Interrupt)
		}
		return c.proc.signal(syscall.SIGTERM)
	}},
	"refuses": {"it takes no more connections", none, func(c *conversation, _ string) error {
		for deadline := time.Now().Add(exchange.Patience); time.Now().Before(deadline); time.Sleep(exchange.Pause) {
			conn, err := net.DialTimeout("tcp", c.addr, time.Second)
			if err != nil {
				return nil
			}
			conn.Close()
		}
		return verdict.Failf("stops-late", "it was asked to stop, and took connections for %v more", exchange.Patience)
	}},
	"exit":  {"STATUS, or any: it ends; with within D that is soon", some, (*conversation).exit},
	"exits": {"STATUS FLAGS: started like this it ends by itself", some, (*conversation).exits},
	"says": {"TEXT: is on its standard error", some, func(c *conversation, text string) error {
		if said := c.proc.stderr.String(); !strings.Contains(said, text) {
			return verdict.Failf("wrong-use", "there is no %q in its standard error, %.500q", text, said)
		}
		return nil
	}},
	"note": {"TEXT: a report of what fails below begins with it", anyWords, func(c *conversation, text string) error {
		c.noted = text
		return nil
	}},
	"tries": {"N, in the first line: a busy machine may be too late for it, but not so often", isNumber, func(*conversation, string) error { return nil }},
	"run": {"NAME ARGUMENT: what is an algorithm, and stands in Go", isAlgorithm, func(c *conversation, value string) error {
		name, argument, _ := strings.Cut(value, " ")
		return algorithms[name](c.target, argument)
	}},
}

func anyWords(string) bool       { return true }
func none(value string) bool     { return value == "" }
func some(value string) bool     { return value != "" }
func isTime(value string) bool   { _, err := time.ParseDuration(value); return err == nil }
func isNumber(value string) bool { _, err := strconv.Atoi(value); return err == nil }
func isCase(name string) bool    { request, _ := bytesOf(name); return len(request) > 0 }
func isBytes(value string) bool  { return strings.HasPrefix(value, `"`) || isCase(value) }

func isStatus(value string) bool {
	code, _, _ := strings.Cut(value, " ")
	return isNumber(code)
}

func bytesOfSecret(b []byte) bool { return bytes.Contains(b, []byte(verdict.Secret)) }

func isCaseOrNone(name string) bool { return name == "" || isCase(name) }

func isEnding(how string) bool {
	when, d, _ := strings.Cut(how, " ")
	return how == "" || how == "somehow" || (when == "after" || when == "within") && isTime(d)
}

func isDrip(value string) bool {
	every, bytes, _ := strings.Cut(value, " ")
	return isTime(every) && isBytes(bytes)
}

func isAlgorithm(value string) bool {
	name, _, _ := strings.Cut(value, " ")
	return algorithms[name] != nil
}

// bytesIn is what BYTES stands for.
func bytesIn(value string) []byte {
	if text, ok := strings.CutPrefix(value, `"`); ok {
		return []byte(strings.TrimSuffix(text, `"`))
	}
	request, _ := bytesOf(value)
	return request
}

// duration is a time that isTime has seen.
func duration(value string) time.Duration {
	d, _ := time.ParseDuration(value)
	return d
}
