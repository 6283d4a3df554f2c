package golden

import (
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
// one segment. A check's weight is its points in the rubric.
func Textbook(stage int, rubric Rubric) []Check {
	checks := checksOf(stage, func(s Step) bool { return s.Level == "" && s.Stage == stage })
	for i := range checks {
		checks[i].Weight, checks[i].costs = rubric.Points[checks[i].Name], rubric.Deductions
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

// mild looks at one thing alone in a run of the client: the line and the end of its
// request, or a part of what it printed.
func (c clientCase) mild(r *clientRun) error {
	if c.requests == nil {
		if strings.Contains(r.stdout, c.shows) {
			return nil
		}
		f := verdict.Output(c.server.all(), c.server.all(), r.stdout, false)
		f.Seen = fmt.Sprintf("the server sent %q, standard output was %q\n%s", c.server.all(), r.stdout, strings.TrimSpace(r.stderr))
		return f
	}
	request := strings.Join(r.requests[:min(1, len(r.requests))], "")
	want, _, _ := strings.Cut(c.requests[0], "\r\n")
	line, _, _ := strings.Cut(request, "\n")
	line = strings.TrimSuffix(line, "\r")
	if (line == want || line == strings.Replace(want, "HTTP/1.1", "HTTP/1.0", 1)) && exchange.ReadMessage([]byte(request)).Ended {
		return nil
	}
	f := verdict.Request(c.requests[0], request)
	f.Seen = fmt.Sprintf("the request was %q", request)
	return f
}
