package verdict

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"weblab.example/scripts/internal/exchange"
)

// Browser looks at an answer as a browser does, with a status and a page that it should
// bring; a nil page is any page. The error says why the page is not there, or not whole.
// The habits are what is wrong, and what browsers forgive.
//
//	"\nHTTP/1.1 200 OK\n\npage\r\n" -> bytes-before-status-line, bare-lf, no-length, crlf-after-body
func Browser(h exchange.Heard, status int, page []byte) (habits []*Failure, failed *Failure) {
	habit := func(diagnosis string, args ...any) {
		habits = append(habits, &Failure{Diagnosis: diagnosis, Args: args, Seen: seen(h)})
	}
	answer := h.Bytes
	if at := bytes.Index(answer, []byte("HTTP/")); at > 0 && at <= 4 && len(bytes.TrimSpace(answer[:at])) == 0 {
		habit("bytes-before-status-line")
		answer = answer[at:]
	}
	got := exchange.ReadMessage(answer)
	phraseHabit := func() {
		if misleads(got.Phrase, status) {
			habit("wrong-phrase", status, got.Phrase, http.StatusText(status))
		}
	}
	if page == nil && h.End != exchange.EndOpen { // browsers show a page of their own for a bare status line
		if !bytes.Contains(answer, []byte("\n")) {
			got = exchange.ReadMessage(append(bytes.Clone(answer), "\r\n"...))
		}
		if got.Status == status && strings.HasPrefix(got.Version, "HTTP/") && len(got.Body) == 0 && got.Odd == "" {
			habit("404-bare")
			phraseHabit()
			return habits, nil
		}
	}
	content, rest, whole := got.Content("GET")
	size := len(content)
	if _, coded := got.Field("Transfer-Encoding"); !coded {
		content, rest = got.Body, nil // also where Content-Length is wrong
	}
	shown := page == nil || trim(content) == trim(page)
	if !shown && whole && bytes.Equal(got.Body[:min(size, len(got.Body))], page) {
		content, rest, shown = page, got.Body[size:], true // a browser stops there
	}
	if !got.Ended || !strings.HasPrefix(got.Version, "HTTP/") || got.Status != status || !shown {
		return habits, missing(h, got, content, status, page)
	}
	if got.BareLF {
		habit("bare-lf")
	}
	phraseHabit()
	if page != nil {
		habits = append(habits, lengthHabit(h, got, page)...)
		if f := afterPage(content, rest, page); f != nil {
			f.Seen = seen(h)
			habits = append(habits, f)
		}
	}
	repeated := slices.ContainsFunc(habits, func(f *Failure) bool { return f.Diagnosis == "body-repeated" })
	switch said, _ := got.Field("Connection"); {
	case h.End == exchange.EndReset:
		habit("reset")
	case h.End == exchange.EndOpen && (!whole || strings.EqualFold(said, "close")):
		habit("not-closed")
	}
	if inSmallSegments(h) && !repeated {
		habit("byte-by-byte", h.Segments, len(h.Bytes))
	}
	return habits, nil
}

// inSmallSegments reports whether an answer came byte by byte. The system acknowledges the
// first segments one by one, and joins later ones: a short page shows it.
func inSmallSegments(h exchange.Heard) bool { return h.Segments > 8 && len(h.Bytes) < 20*h.Segments }

// seen is the answer in a line.
func seen(h exchange.Heard) string { return fmt.Sprintf("%s: %s", asked(h), h.Said()) }

// asked is the request in short.
func asked(h exchange.Heard) string {
	request, _, _ := strings.Cut(string(h.Sent), "\r\n")
	return strings.TrimSuffix(request, " HTTP/1.1")
}

func trim(b []byte) string { return strings.Trim(string(b), "\r\n") }

// lengthHabit is what is wrong with Content-Length, if anything is.
func lengthHabit(h exchange.Heard, got exchange.Message, page []byte) []*Failure {
	_, coded := got.Field("Transfer-Encoding")
	if _, has := got.Field("Content-Length"); coded || !has {
		if coded {
			return nil
		}
		return []*Failure{{Diagnosis: "no-length", Seen: seen(h)}}
	}
	want := exchange.ReadMessage(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(page), page))
	got.Body = page
	f := body("", want, got)
	if f == nil {
		return nil
	}
	length, _ := got.Field("Content-Length")
	f.Seen = fmt.Sprintf("%s: Content-Length: %s, and a page of %d bytes", asked(h), length, len(page))
	return []*Failure{f}
}

// afterPage is what comes around a page that is there, if anything does.
func afterPage(content, rest, page []byte) *Failure {
	before, after, _ := bytes.Cut(append(bytes.Clone(content), rest...), page)
	switch {
	case len(page) > 0 && len(after) >= len(page) && bytes.HasPrefix(after, page):
		return found("body-repeated", 1+bytes.Count(after, page))
	case len(before) > 0:
		return found("extra-empty-line")
	case len(after) > 0 && trim(after) == "":
		return found("crlf-after-body")
	case len(after) > 0:
		return found("bytes-after-body", len(after))
	}
	return nil
}

// misleads reports whether a reason phrase is that of another status. The words are
// free: "Not found" and "File not there" both say 404.
func misleads(phrase string, status int) bool {
	for other := 100; other < 600; other++ {
		if text := http.StatusText(other); text != "" && strings.EqualFold(phrase, text) {
			return other != status
		}
	}
	return false
}

// missing says why a page is not shown.
func missing(h exchange.Heard, got exchange.Message, content []byte, status int, page []byte) *Failure {
	if n := bytes.Count(content, page); got.Status == status && n > 1 && len(page) > 0 && trim(bytes.ReplaceAll(content, page, nil)) == "" {
		return &Failure{Diagnosis: "body-repeated", Args: []any{n}, Seen: seen(h)}
	}
	// What browsers forgive must not be what it fails for.
	want := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\n\r\n%s", status, http.StatusText(status), page)
	told := h
	told.Bytes = bytes.ReplaceAll(ToLF(h.Bytes), []byte("\n"), []byte("\r\n"))
	if got.Ended && strings.HasPrefix(got.Version, "HTTP/") {
		told.Bytes = fmt.Appendf(nil, "HTTP/1.1 %d %s\r\n\r\n%s", got.Status, http.StatusText(got.Status), trim(content))
	}
	f := Answer(told, want)
	if f.Seen = seen(h); f.Diagnosis == "body-cut" && h.End == exchange.EndOpen {
		f.Diagnosis = "stalls"
	}
	if got.Ended && got.Status == status && page != nil {
		f.Seen += "\nof the body, " + Difference(page, content)
	}
	return f
}
