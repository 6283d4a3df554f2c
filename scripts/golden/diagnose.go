package golden

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A message is a response as a check reads it: leniently, because it looks for
// what is wrong with it.
type message struct {
	status  int // 0 when there is no status line
	phrase  string
	version string
	fields  [][2]string // name and value, as they came
	odd     string      // the first line among the fields that is none
	bareLF  bool        // a line of the head ends with LF alone
	ended   bool        // the empty line was there
	body    []byte
}

var fieldName = regexp.MustCompile("^[!#-'*+.^_`|~0-9A-Za-z-]+$") // a token

func readMessage(b []byte) (m message) {
	for first := true; ; first = false {
		end := bytes.IndexByte(b, '\n') + 1
		if end == 0 { // no line end any more: the head was not over
			if m.odd == "" && len(b) > 0 {
				m.odd = string(b[:min(len(b), 40)])
			}
			return m
		}
		line, hasCR := strings.CutSuffix(string(b[:end-1]), "\r")
		b = b[end:]
		name, value, isField := strings.Cut(line, ":")
		isField = isField && fieldName.MatchString(name)
		if m.odd == "" && (first || isField || line == "") { // else it is the body's already
			m.bareLF = m.bareLF || !hasCR
		}
		switch {
		case first:
			var rest, code string
			m.version, rest, _ = strings.Cut(line, " ")
			code, m.phrase, _ = strings.Cut(rest, " ")
			m.status, _ = strconv.Atoi(code) // 0 if it is no number
		case line == "":
			m.ended, m.body = true, b
			return m
		case isField:
			m.fields = append(m.fields, [2]string{name, strings.TrimSpace(value)})
		case m.odd == "":
			m.odd = line[:min(len(line), 40)]
		}
	}
}

// field returns the value of a field, and whether it is there.
func (m message) field(name string) (value string, ok bool) {
	for _, f := range m.fields {
		if strings.EqualFold(f[0], name) {
			return f[1], true
		}
	}
	return "", false
}

func (m message) names() (names []string) {
	for _, f := range m.fields {
		names = append(names, f[0])
	}
	return names
}

// diagnose names the mistake behind an answer that is not the wanted one. The
// first that fits counts: what is wrong at the beginning explains the rest.
func (h heard) diagnose(want []byte) *Failure {
	found := func(diagnosis string, args ...any) *Failure { return &Failure{Diagnosis: diagnosis, args: args} }
	got := h.bytes
	request, _, _ := strings.Cut(string(h.sent), "\n")
	binary := strings.Contains(request, ".bin")
	// Of several answers the first ones may be right: look at the first that is not.
	for end := answerEnd(want); end > 0 && len(got) > end && bytes.HasPrefix(got, want[:end]) && !bytes.HasPrefix(want, got); end = answerEnd(want) {
		want, got = want[end:], got[end:]
		if strings.HasPrefix(request, "HEAD ") && !bytes.HasPrefix(got, []byte("HTTP/")) {
			return found("head-with-body")
		}
		request = ""
	}
	w, g := readMessage(want), readMessage(got)
	switch {
	case h.end == endNever:
		return found("never-ends", len(h.bytes), 3*patience)
	case len(want) == 0 && len(got) > 0:
		return found("answers-nobody")
	case len(got) == 0 && h.end == endReset:
		return found("reset")
	case len(got) == 0 && binary:
		return found("binary-no-answer")
	case len(got) == 0 && (h.end == endOpen || h.quiet > patience/2), g.status == 408 && w.status != 408:
		return h.readsOn(w.status)
	case len(got) == 0:
		return found("no-answer")
	case len(h.sent) > 8 && bytes.Contains(got, h.sent[:min(len(h.sent), 60)]):
		return found("echo")
	case bytes.Contains(got, []byte(secret)), strings.Contains(request, "/etc/passwd") && bytes.Contains(got, []byte("root:")):
		return found("path-escape")
	case bytes.HasPrefix(bytes.TrimLeft(got, " \t\r\n"), []byte("HTTP/")) && got[0] != 'H':
		return found("bytes-before-status-line")
	case g.status == 0 && len(g.version) == 3 && isNumber(g.version):
		return found("no-version")
	case g.status == 0 || !strings.HasPrefix(g.version, "HTTP/"):
		return found("no-status-line")
	case bytes.HasPrefix(want, got) && bytes.HasPrefix(want[len(got):], []byte("HTTP/")):
		n, of := bytes.Count(got, []byte("HTTP/1.1 ")), bytes.Count(want, []byte("HTTP/1.1 "))
		if h.end == endFIN && h.quiet < aMoment {
			return found("ended-between", n, of)
		}
		return found("pipelined-lost", n, of)
	case bytes.HasPrefix(got, want) && bytes.HasPrefix(got[len(want):], []byte("HTTP/")),
		bytes.HasPrefix(g.body, append(bytes.Clone(w.body), "HTTP/1."...)) && g.status == w.status: // and its head differs, too
		return found("one-too-many")
	case g.bareLF:
		return found("bare-lf")
	case !g.ended && g.odd != "":
		return found("no-empty-line")
	case !g.ended:
		return found("head-cut")
	case g.odd != "":
		return found("bad-field-line", g.odd)
	case g.status == 200 && w.status != 200 && isHello(g.body) && !strings.Contains(request, "HelloWorld"),
		g.status == 200 && w.status == 200 && isHello(g.body) && !isHello(w.body) && !strings.HasPrefix(request, "HEAD "):
		return found("hard-coded")
	case g.status != w.status:
		return found("wrong-status", g.status, w.status, "")
	case g.version != w.version:
		return found("wrong-version")
	case g.phrase != w.phrase:
		return found("wrong-phrase", g.status, g.phrase, w.phrase)
	}
	if f := diagnoseBody(request, w, g); f != nil {
		return f
	}
	return diagnoseFields(w, g)
}

var (
	logLine    = regexp.MustCompile(`(?m)^time=\S+ level=[A-Z]+ msg=(.* conn=(\d+).*)$`)
	logTrouble = regexp.MustCompile(` (?:refused|error)=| why="(?:a|no|the) `) // not what the system says when the check leaves, as EOF
)

// lastInLog finds the last connection in a server's log, and what the log says of it.
func lastInLog(text string) (conn, said string) {
	events := logLine.FindAllStringSubmatch(text, -1)
	if len(events) == 0 {
		return "", ""
	}
	conn = events[len(events)-1][2]
	for _, e := range events {
		if e[2] == conn && !strings.HasPrefix(e[1], "accepted ") {
			said += fmt.Sprintf("%.300s\n", e[1])
		}
	}
	return conn, said
}

// logSince is what the log says of its last connection, if something went wrong there
// and it is another one than before. The log may be a little late.
func (l *lab) logSince(before string) string {
	for deadline := time.Now().Add(aMoment); ; time.Sleep(pause) {
		conn, said := lastInLog(l.proc.stderr.String())
		switch {
		case conn == before:
			return ""
		case !strings.Contains(said, "closed ") && time.Now().Before(deadline):
			continue
		case !logTrouble.MatchString(said), strings.Contains(said, "own code ended it"): // a panic, or a gap, is told elsewhere
			return ""
		}
		return said
	}
}

// aMoment is less than any time for which a server waits for a request.
const aMoment = 400 * time.Millisecond

// readsOn is the diagnosis for a server that waited for more where there was
// something to answer, until its time was up or ours.
func (h heard) readsOn(want int) *Failure {
	switch crlf := bytes.Contains(h.sent, []byte("\r\n\r\n")); {
	case (want == 414 || want == 431) && !bytes.HasSuffix(h.sent, []byte("\n")):
		return &Failure{Diagnosis: "limit-late"}
	case !crlf && (bytes.Contains(h.sent, []byte("\n\n")) || bytes.Contains(h.sent, []byte("\n\r\n"))):
		return &Failure{Diagnosis: "lf-not-seen"}
	}
	return &Failure{Diagnosis: "no-answer-open"}
}

// answerEnd is where the first of several answers ends, or 0 if there is one.
func answerEnd(answers []byte) int {
	return bytes.Index(answers[min(1, len(answers)):], []byte("HTTP/1.1 ")) + 1
}

// diagnoseBody looks at a body and at the Content-Length before it.
func diagnoseBody(request string, w, g message) *Failure {
	found := func(diagnosis string, args ...any) *Failure { return &Failure{Diagnosis: diagnosis, args: args} }
	wantLength, _ := w.field("Content-Length")
	size, _ := strconv.Atoi(wantLength) // 0 without one: then nothing below compares it
	characters := utf8.RuneCount(w.body)
	length, hasLength := g.field("Content-Length")
	n, _ := strconv.Atoi(length) // 0 when it is no number: that is wrong, too
	wrongLength := hasLength && length != wantLength && wantLength != "" && len(w.body) == size
	switch {
	case wrongLength && n == characters:
		return found("length-counts-characters", n, size)
	case wrongLength && n == characters+24:
		return found("length-plus-24", n, size)
	case wrongLength && n == size+2:
		return found("length-counts-crlf", n, size)
	case wrongLength && (n != len(g.body) || bytes.Equal(g.body, w.body)): // else the body itself is wrong
		return found("length-wrong", n, len(g.body))
	case bytes.Equal(g.body, w.body):
		return nil
	case len(w.body) == 0 && (size > 0 || strings.HasPrefix(request, "HEAD ")):
		return found("head-with-body")
	case bytes.Equal(g.body, append([]byte("\r\n"), w.body...)) || bytes.Equal(g.body, append([]byte("\n"), w.body...)):
		return found("extra-empty-line")
	case bytes.Equal(bytes.TrimSuffix(bytes.TrimSuffix(g.body, []byte("\n")), []byte("\r")), w.body):
		return found("crlf-after-body")
	case len(g.body) == 0 && len(w.body) > 32<<10:
		return found("file-not-sent", len(w.body))
	case bytes.HasPrefix(g.body, w.body) && len(bytes.Trim(g.body[len(w.body):], "\x00")) == 0:
		return found("zeros-after-body", len(g.body)-len(w.body))
	case len(g.body) < len(w.body) && bytes.HasPrefix(w.body, g.body):
		return found("body-cut", len(g.body), len(w.body))
	case decoded(w.body, g.body):
		return found("body-decoded")
	case bytes.Equal(toLF(g.body), toLF(w.body)):
		return found("line-ends-translated")
	}
	return found("body-differs")
}

// diagnoseFields compares the fields of two heads.
func diagnoseFields(w, g message) *Failure {
	found := func(diagnosis string, args ...any) *Failure { return &Failure{Diagnosis: diagnosis, args: args} }
	var missing []string
	for _, name := range w.names() {
		if _, ok := g.field(name); ok {
			continue
		}
		missing = append(missing, name)
		for _, odd := range g.names() {
			if _, known := w.field(odd); !known && similar(odd, name) {
				return found("field-misspelled", odd, name)
			}
		}
	}
	switch {
	case len(missing) == 1 && missing[0] == "Connection":
		return found("persistence")
	case len(missing) > 0:
		return found("field-missing", strings.Join(missing, ", "))
	}
	for _, f := range g.fields {
		value, ok := w.field(f[0])
		switch {
		case !ok && f[0] == "Connection":
			return found("persistence")
		case !ok:
			return found("field-extra", f[0])
		case value != f[1] && f[0] == "Connection":
			return found("persistence")
		case value != f[1]:
			return found("field-value", f[0], f[1], value)
		}
	}
	return found("field-order")
}

// helloPage is the page of the assignment, which everybody serves first.
const helloPage = "太棒了，服务器正常工作！"

func isHello(body []byte) bool { return bytes.Contains(body, []byte(helloPage)) }

// decoded reports whether bytes of a body were taken for text on the way.
func decoded(was, is []byte) bool {
	return bytes.Count(is, []byte("\uFFFD")) > bytes.Count(was, []byte("\uFFFD"))
}

func toLF(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")) }

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil
}

// similar reports whether a name may be a misspelling of another: the letters
// are the same but for two, or it is the same without its hyphens.
func similar(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if strings.NewReplacer("-", "", "_", "", " ", "").Replace(a) == strings.ReplaceAll(b, "-", "") {
		return true
	}
	// The edit distance, a row of the table at a time.
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)] <= 2
}

// diagnoseRequest names the mistake in a request that a client has sent.
func diagnoseRequest(want, got string) *Failure {
	found := func(diagnosis string, args ...any) *Failure { return &Failure{Diagnosis: diagnosis, args: args} }
	wantLine, _, _ := strings.Cut(want, "\r\n")
	gotLine, _, _ := strings.Cut(got, "\n")
	g, w := readMessage([]byte(got)), readMessage([]byte(want))
	host, hasHost := g.field("Host")
	wantHost, _ := w.field("Host")
	twice := ""
	for i, f := range g.fields {
		if slices.ContainsFunc(g.fields[:i], func(was [2]string) bool { return strings.EqualFold(was[0], f[0]) }) {
			twice = f[0]
		}
	}
	switch {
	case got == "":
		return found("request-none")
	case g.bareLF && !w.bareLF:
		return found("request-bare-lf")
	case !g.ended:
		return found("request-no-end")
	case strings.TrimSuffix(gotLine, "\r") != wantLine:
		return found("target-wrong", strings.TrimSuffix(gotLine, "\r"), wantLine)
	case twice != "":
		return found("field-twice", twice)
	case !hasHost && wantHost != "":
		return found("host-missing")
	case host != wantHost:
		return found("host-wrong", host, wantHost)
	}
	for _, f := range w.fields {
		if _, ok := g.field(f[0]); !ok {
			return found("request-lacks", f[0]+": "+f[1])
		}
	}
	return found("request-differs")
}

// diagnoseOutput names the mistake behind what a client printed.
func diagnoseOutput(response, want, got string, bodyOnly bool) *Failure {
	found := func(diagnosis string, args ...any) *Failure { return &Failure{Diagnosis: diagnosis, args: args} }
	_, body, _ := strings.Cut(want, "\r\n\r\n")
	switch {
	case got == "":
		return found("client-silent")
	case decoded([]byte(want), []byte(got)):
		return found("client-decoded")
	case strings.Contains(strings.ToLower(response), "chunked") && bodyOnly && strings.Contains(response, got) && strings.Contains(got, "\r\n"):
		return found("chunk-sizes-left")
	case bodyOnly && strings.HasPrefix(got, "HTTP/"):
		return found("client-head-printed")
	case strings.HasPrefix(want, got) && strings.HasPrefix(want, "HTTP/1.1 1") && strings.HasSuffix(got, "\r\n\r\n"):
		return found("interim-taken")
	case strings.HasPrefix(want, got):
		return found("client-cut", len(got), len(want))
	case strings.HasPrefix(got, want) && strings.HasPrefix(response, got):
		return found("ignores-length")
	case strings.Contains(got, want):
		return found("client-chatter")
	case body != "" && got == body:
		return found("client-head-lost")
	case strings.ReplaceAll(got, "\r", "") == strings.ReplaceAll(want, "\r", ""):
		return found("client-line-ends")
	}
	return found("client-differs")
}
