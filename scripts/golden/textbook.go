package golden

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
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
func Textbook(stage int) (checks []Check) {
	for _, step := range Steps {
		if step.Level == "" && step.Stage == stage {
			checks = append(checks, serverChecks(step.ID, stage)...)
		}
	}
	for i := range checks {
		checks[i].Stage = stage
	}
	return checks
}

// getsMild compares what comes with a status and a file, the mild way.
func (c *conversation) getsMild(value string) error {
	if err := c.hear(); err != nil {
		return err
	}
	code, name, named := strings.Cut(value, " ")
	status, _ := strconv.Atoi(code)
	if !named {
		return mild(c.heard, status, nil)
	}
	body, err := os.ReadFile(c.path(name))
	if err != nil { // the site of a server that runs already is elsewhere
		body, err = fs.ReadFile(siteFiles, "site/"+name)
	}
	if err != nil {
		return err
	}
	return mild(c.heard, status, body)
}

// mild compares what was heard with a status and a body, the mild way. A nil
// body is not compared.
func mild(h exchange.Heard, status int, body []byte) error {
	got := exchange.ReadMessage(h.Bytes)
	content, rest, whole := got.Content("GET")
	if _, coded := got.Field("Transfer-Encoding"); !coded {
		content = got.Body // whatever Content-Length says
	}
	if h.End == exchange.EndOpen && (!whole || len(rest) > 0) {
		return verdict.Failf("not-closed", "%q, and then the connection was still open after %v", h.Bytes[:min(len(h.Bytes), 300)], exchange.Patience)
	}
	want := fmt.Appendf(nil, "HTTP/1.1 %d \r\n\r\n%s", status, body)
	trim := func(b []byte) string { return strings.Trim(string(b), "\r\n") }
	if got.Ended && strings.HasPrefix(got.Version, "HTTP/") && got.Status == status && (body == nil || trim(content) == trim(body)) {
		return nil
	}
	f := verdict.Answer(h, want)
	if f.Diagnosis == "bare-lf" || f.Diagnosis == "field-order" { // which is let pass: it is something else
		f.Diagnosis = "body-differs"
	}
	f.Seen = verdict.Difference(want, h.Bytes)
	return f
}

// textbookClient runs the client once, against a server that says what a
// textbook server says.
func textbookClient(l *lab, what string) error {
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
