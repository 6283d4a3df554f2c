package golden

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/verdict"
)

// Textbook lists the checks of a stage as the assignment in the textbook asks
// it: the server of one request, its 404, the server with threads, the client.
// Whatever a textbook solution may send is accepted as long as status and body
// are right: bare LF, no Content-Length or a wrong one, a line end after the
// body, any page for a 404. It gets one connection for each request, whole in
// one segment. Together the stages have 100 points, so that a check's weight is its points.
func Textbook(stage int) []Check {
	hello, _ := siteFiles.ReadFile("site/HelloWorld.html") // a test reads it
	page, _ := siteFiles.ReadFile("site/dir/page.html")
	checks := map[int][]Check{
		1: {
			{Step: "server", Name: "page", Weight: 15, Want: "the browser's request for HelloWorld.html gets its bytes", run: textbookGets("HelloWorld.html", hello)},
			{Step: "server", Name: "other-page", Weight: 5, Want: "another file gets other bytes", run: textbookGets("dir/page.html", page)},
			{Step: "server", Name: "random-page", Weight: 10, Want: "a text that was written just now, with a name that nobody knows, comes whole", run: textbookRandom},
			{Step: "server", Name: "again", Weight: 10, Want: "one connection after the other is accepted and answered", run: textbookAgain},
			{Step: "404", Name: "missing", Weight: 10, Want: "a file that is not there gets the status 404", run: textbookMissing},
			{Step: "404", Name: "after-missing", Weight: 10, Want: "after a 404 a file that is there gets its bytes", run: textbookAfterMissing},
		},
		2: {
			{Step: "threads", Name: "silent-others", Weight: 15, Want: "while two connections are silent, a third is answered; then those, the last one first", run: textbookSilent},
			{Step: "threads", Name: "many", Weight: 5, Want: "twenty clients at once each get their own bytes", run: textbookMany},
		},
		3: {
			{Step: "client", Name: "get", Weight: 6, Want: "the client sends a GET for the file that it is given", Flags: []string{noServer}, run: textbookClient("get")},
			{Step: "client", Name: "printed", Weight: 10, Want: "what the server sends is printed", Flags: []string{noServer}, run: textbookClient("printed")},
			{Step: "client", Name: "not-found", Weight: 4, Want: "a 404 that the server sends is printed", Flags: []string{noServer}, run: textbookClient("not-found")},
		},
	}[stage]
	for i := range checks {
		checks[i].Stage = stage
	}
	return checks
}

// mild compares what was heard with a status and a body, the mild way. A nil
// body is not compared.
func mild(h exchange.Heard, status int, body []byte) error {
	got := exchange.ReadMessage(h.Bytes)
	length, _ := got.Field("Content-Length")
	if whole := got.Ended && length == strconv.Itoa(len(got.Body)); h.End == exchange.EndOpen && !whole {
		return verdict.Failf("not-closed", "%q, and then the connection was still open after %v", h.Bytes[:min(len(h.Bytes), 300)], exchange.Patience)
	}
	want := fmt.Appendf(nil, "HTTP/1.1 %d \r\n\r\n%s", status, body)
	trim := func(b []byte) string { return strings.Trim(string(b), "\r\n") }
	if got.Ended && strings.HasPrefix(got.Version, "HTTP/") && got.Status == status && (body == nil || trim(got.Body) == trim(body)) {
		return nil
	}
	f := verdict.Answer(h, want)
	if f.Diagnosis == "bare-lf" || f.Diagnosis == "field-order" { // which is let pass: it is something else
		f.Diagnosis = "body-differs"
	}
	f.Seen = verdict.Difference(want, h.Bytes)
	return f
}

// textbookTalk asks for a file, in one segment, with what a browser sends
// beside it.
func (l *lab) textbookTalk(file string) (exchange.Heard, error) {
	return l.talk([]byte("GET /" + file + " HTTP/1.1\r\nHost: " + l.addr + "\r\nConnection: close\r\n" +
		"User-Agent: Mozilla/5.0\r\nAccept: text/html,*/*;q=0.8\r\nAccept-Language: zh-CN,en;q=0.5\r\n\r\n"))
}

func textbookGets(file string, body []byte) func(*lab) error {
	return func(l *lab) error {
		h, err := l.textbookTalk(file)
		if err == nil {
			err = mild(h, 200, body)
		}
		return err
	}
}

func textbookRandom(l *lab) error {
	if err := l.site.need("own"); err != nil {
		return err
	}
	random := l.random()
	name := fmt.Sprintf("random-%08x.html", random.Uint32())
	body := fmt.Appendf(nil, "<!DOCTYPE html>\n<title>%x</title>\n<p>%x</p>\n", random.Uint64(), random.Uint64())
	if err := os.WriteFile(filepath.Join(l.site.dir, name), body, 0o644); err != nil {
		return err
	}
	return textbookGets(name, body)(l)
}

func textbookAgain(l *lab) error {
	hello, _ := siteFiles.ReadFile("site/HelloWorld.html")
	for range 3 {
		if err := textbookGets("HelloWorld.html", hello)(l); err != nil {
			return verdict.Because(err, "only-once")
		}
	}
	return nil
}

func textbookMissing(l *lab) error {
	h, err := l.textbookTalk("no-such-file.html")
	if err == nil {
		err = mild(h, 404, nil)
	}
	return err
}

func textbookAfterMissing(l *lab) error {
	if _, err := l.textbookTalk("no-such-file.html"); err != nil {
		return err
	}
	hello, _ := siteFiles.ReadFile("site/HelloWorld.html")
	return verdict.Because(textbookGets("HelloWorld.html", hello)(l), "not-accepting")
}

// textbookSilent holds connections that have not said a word: a server that
// takes one read for one request cannot be held with half of one.
func textbookSilent(l *lab) error {
	hello, _ := siteFiles.ReadFile("site/HelloWorld.html")
	conns := make([]*net.TCPConn, 3)
	for i := range conns {
		conn, err := l.dial()
		if err != nil {
			return err
		}
		defer conn.Close()
		conns[i] = conn
	}
	request := []byte("GET /HelloWorld.html HTTP/1.1\r\nHost: " + l.addr + "\r\nConnection: close\r\n\r\n")
	for i := len(conns) - 1; i >= 0; i-- {
		if _, err := conns[i].Write(request); err != nil {
			return verdict.Because(verdict.Failf("", "connection %d: %v", i+1, err), "serial")
		}
		if err := mild(exchange.HearOut(conns[i]), 200, hello); err != nil {
			return verdict.Because(err, "serial")
		}
	}
	return nil
}

func textbookMany(l *lab) error {
	files := []string{"HelloWorld.html", "dir/page.html", "types/a.css", "types/a.txt"}
	return atOnce(20, func(i int) error {
		file := files[i%len(files)]
		body, err := siteFiles.ReadFile("site/" + file)
		if err == nil {
			err = textbookGets(file, body)(l)
		}
		f, ok := err.(*verdict.Failure)
		switch {
		case ok && slices.Contains([]string{"no-answer", "no-answer-open", "reset", "not-accepting", "not-closed"}, f.Diagnosis):
			return verdict.Because(err, "serial")
		case ok:
			return verdict.Because(err, "mixed-answers")
		}
		return err
	})
}

// textbookClient runs the client once, against a server that says what a
// textbook server says.
func textbookClient(what string) func(*lab) error {
	return func(l *lab) error {
		answer := "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + verdict.HelloPage
		shown := verdict.HelloPage
		if what == "not-found" {
			answer, shown = "HTTP/1.1 404 Not Found\r\n\r\n<h1>404 Not Found</h1>", "404 Not Found"
		}
		r, err := clientCase{args: toPage, server: script{answers: []string{answer}}}.play(l)
		if err != nil {
			return err
		}
		if what == "get" {
			request := ""
			if len(r.requests) > 0 {
				request = r.requests[0]
			}
			line, _, _ := strings.Cut(request, "\n")
			if line = strings.TrimSuffix(line, "\r"); line != "GET /HelloWorld.html HTTP/1.1" && line != "GET /HelloWorld.html HTTP/1.0" || !exchange.ReadMessage([]byte(request)).Ended {
				f := verdict.Request("GET /HelloWorld.html HTTP/1.1\r\n\r\n", request)
				f.Seen = fmt.Sprintf("the request was %q", request)
				return f
			}
			return nil
		}
		if !strings.Contains(r.stdout, shown) {
			f := verdict.Output(answer, answer, r.stdout, false)
			f.Seen = fmt.Sprintf("the server sent %q, standard output was %q\n%s", answer, r.stdout, bytes.TrimSpace([]byte(r.stderr)))
			return f
		}
		return nil
	}
}
