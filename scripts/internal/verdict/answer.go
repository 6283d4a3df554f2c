package verdict

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"weblab.example/scripts/internal/exchange"
)

// Answer names the mistake behind an answer that is not the wanted one. The
// first that fits counts: what is wrong at the beginning explains the rest.
func Answer(h exchange.Heard, want []byte) *Failure {
	got := h.Bytes
	request, _, _ := strings.Cut(string(h.Sent), "\n")
	binary := strings.Contains(request, ".bin")
	// Of several answers the first ones may be right: look at the first that is not.
	for end := answerEnd(want); end > 0 && len(got) > end && bytes.HasPrefix(got, want[:end]) && !bytes.HasPrefix(want, got); end = answerEnd(want) {
		want, got = want[end:], got[end:]
		if strings.HasPrefix(request, "HEAD ") && !bytes.HasPrefix(got, []byte("HTTP/")) {
			return found("head-with-body")
		}
		request = ""
	}
	w, g := exchange.ReadMessage(want), exchange.ReadMessage(got)
	switch {
	case h.End == exchange.EndNever:
		return found("never-ends", len(h.Bytes), 3*exchange.Patience)
	case len(want) == 0 && len(got) > 0:
		return found("answers-nobody")
	case len(got) == 0 && h.End == exchange.EndReset:
		return found("reset")
	case len(got) == 0 && binary:
		return found("binary-no-answer")
	case len(got) == 0 && (h.End == exchange.EndOpen || h.Quiet > exchange.Patience/2), g.Status == 408 && w.Status != 408:
		return readsOn(h, w.Status)
	case len(got) == 0:
		return found("no-answer")
	case len(h.Sent) > 8 && bytes.Contains(got, h.Sent[:min(len(h.Sent), 60)]):
		return found("echo")
	case bytes.Contains(got, []byte(Secret)), strings.Contains(request, "/etc/passwd") && bytes.Contains(got, []byte("root:")):
		return found("path-escape")
	case bytes.HasPrefix(bytes.TrimLeft(got, " \t\r\n"), []byte("HTTP/")) && got[0] != 'H':
		return found("bytes-before-status-line")
	case g.Status == 0 && len(g.Version) == 3 && isNumber(g.Version):
		return found("no-version")
	case g.Status == 0 || !strings.HasPrefix(g.Version, "HTTP/"):
		return found("no-status-line")
	case bytes.HasPrefix(want, got) && bytes.HasPrefix(want[len(got):], []byte("HTTP/")):
		n, of := bytes.Count(got, []byte("HTTP/1.1 ")), bytes.Count(want, []byte("HTTP/1.1 "))
		if h.End == exchange.EndFIN && h.Quiet < exchange.AMoment {
			return found("ended-between", n, of)
		}
		return found("pipelined-lost", n, of)
	case bytes.HasPrefix(got, want) && bytes.HasPrefix(got[len(want):], []byte("HTTP/")),
		bytes.HasPrefix(g.Body, append(bytes.Clone(w.Body), "HTTP/1."...)) && g.Status == w.Status: // and its head differs, too
		return found("one-too-many")
	}
	if f := head(request, w, g); f != nil {
		return f
	}
	if f := body(request, w, g); f != nil {
		return f
	}
	return fields(w, g)
}

// readsOn is the diagnosis for a server that waited for more where there was
// something to answer, until its time was up or ours.
func readsOn(h exchange.Heard, want int) *Failure {
	switch crlf := bytes.Contains(h.Sent, []byte("\r\n\r\n")); {
	case (want == 414 || want == 431) && !bytes.HasSuffix(h.Sent, []byte("\n")):
		return found("limit-late")
	case !crlf && (bytes.Contains(h.Sent, []byte("\n\n")) || bytes.Contains(h.Sent, []byte("\n\r\n"))):
		return found("lf-not-seen")
	}
	return found("no-answer-open")
}

// answerEnd is where the first of several answers ends, or 0 if there is one.
func answerEnd(answers []byte) int {
	return bytes.Index(answers[min(1, len(answers)):], []byte("HTTP/1.1 ")) + 1
}

// head looks at the form of a head, and at its status line.
func head(request string, w, g exchange.Message) *Failure {
	switch {
	case g.BareLF:
		return found("bare-lf")
	case !g.Ended && g.Odd != "":
		return found("no-empty-line")
	case !g.Ended:
		return found("head-cut")
	case g.Odd != "":
		return found("bad-field-line", g.Odd)
	case g.Status == 200 && w.Status != 200 && IsHello(g.Body) && !strings.Contains(request, "HelloWorld"),
		g.Status == 200 && w.Status == 200 && IsHello(g.Body) && !IsHello(w.Body) && !strings.HasPrefix(request, "HEAD "):
		return found("hard-coded")
	case g.Status != w.Status:
		return found("wrong-status", g.Status, w.Status, "")
	case g.Version != w.Version:
		return found("wrong-version")
	case g.Phrase != w.Phrase:
		return found("wrong-phrase", g.Status, g.Phrase, w.Phrase)
	}
	return nil
}

// body looks at a body and at the Content-Length before it.
func body(request string, w, g exchange.Message) *Failure {
	wantLength, _ := w.Field("Content-Length")
	size, _ := strconv.Atoi(wantLength) // 0 without one: then nothing below compares it
	characters := utf8.RuneCount(w.Body)
	length, hasLength := g.Field("Content-Length")
	n, _ := strconv.Atoi(length) // 0 when it is no number: that is wrong, too
	wrongLength := hasLength && length != wantLength && wantLength != "" && len(w.Body) == size
	switch {
	case wrongLength && n == characters:
		return found("length-counts-characters", n, size)
	case wrongLength && n == characters+24:
		return found("length-plus-24", n, size)
	case wrongLength && n == size+2:
		return found("length-counts-crlf", n, size)
	case wrongLength && (n != len(g.Body) || bytes.Equal(g.Body, w.Body)): // else the body itself is wrong
		return found("length-wrong", n, len(g.Body))
	case bytes.Equal(g.Body, w.Body):
		return nil
	case len(w.Body) == 0 && (size > 0 || strings.HasPrefix(request, "HEAD ")):
		return found("head-with-body")
	case bytes.Equal(g.Body, append([]byte("\r\n"), w.Body...)) || bytes.Equal(g.Body, append([]byte("\n"), w.Body...)):
		return found("extra-empty-line")
	case bytes.Equal(bytes.TrimSuffix(bytes.TrimSuffix(g.Body, []byte("\n")), []byte("\r")), w.Body):
		return found("crlf-after-body")
	case len(g.Body) == 0 && len(w.Body) > 32<<10:
		return found("file-not-sent", len(w.Body))
	case bytes.HasPrefix(g.Body, w.Body) && len(bytes.Trim(g.Body[len(w.Body):], "\x00")) == 0:
		return found("zeros-after-body", len(g.Body)-len(w.Body))
	case len(g.Body) < len(w.Body) && bytes.HasPrefix(w.Body, g.Body):
		return found("body-cut", len(g.Body), len(w.Body))
	case decoded(w.Body, g.Body):
		return found("body-decoded")
	case bytes.Equal(ToLF(g.Body), ToLF(w.Body)):
		return found("line-ends-translated")
	}
	return found("body-differs")
}

// fields compares the fields of two heads.
func fields(w, g exchange.Message) *Failure {
	var missing []string
	for _, name := range w.Names() {
		if _, ok := g.Field(name); ok {
			continue
		}
		missing = append(missing, name)
		for _, odd := range g.Names() {
			if _, known := w.Field(odd); !known && similar(odd, name) {
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
	for _, f := range g.Fields {
		value, ok := w.Field(f[0])
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

// Want compares what was heard with what should have come, after which the
// server should have closed the connection.
func Want(h exchange.Heard, want []byte) error {
	switch {
	case !bytes.Equal(h.Bytes, want):
		f := Answer(h, want)
		f.Seen = Difference(want, h.Bytes)
		if h.End != exchange.EndFIN {
			f.Seen = strings.TrimRight(f.Seen, "\n") + "\nand then the connection was " + h.End
		}
		return f
	case h.End == exchange.EndReset:
		return Failf("reset", "all bytes came, but the connection was reset")
	case h.End != exchange.EndFIN:
		return Failf(Stays(h), "all bytes came, but the connection was still open after %v", exchange.Patience)
	}
	return nil
}

// Stays is the diagnosis for a connection that stays open after an answer.
func Stays(h exchange.Heard) string {
	if _, said := exchange.ReadMessage(h.Bytes).Field("Connection"); !said {
		return "close-not-said"
	}
	return "not-closed"
}
