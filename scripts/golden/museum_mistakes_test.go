//go:build kit

package golden

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/verdict"
)

// handMade are the wrong servers that are not made of a case of their own.
var handMade = []mistake{
	// The loop.
	{name: "never closes", first: "accepts-again", diagnosis: "not-closed", visit: func(v *visit) {
		go v.up()
		buf := make([]byte, 4096)
		n, _ := v.server.Read(buf)
		v.client.Write(buf[:n])
		io.Copy(io.Discard, v.server)
		<-v.lab.proc.done
	}},
	{name: "never says close, and never closes", first: "accepts-again", diagnosis: "close-not-said", visit: func(v *visit) {
		go v.up()
		buf := make([]byte, 4096)
		n, _ := v.server.Read(buf)
		v.client.Write(bytes.Replace(buf[:n], []byte("Connection: close\r\n"), nil, 1))
		<-v.lab.proc.done
	}},
	{name: "closes what a goroutine is to answer", stage: 2, first: "well-formed", diagnosis: "closed-early", calm: true, visit: func(v *visit) {
		reset(v.client)
	}},
	{name: "reads until the client closes", first: "accepts-again", diagnosis: "no-answer-open", visit: func(v *visit) {
		for v.read() == nil {
		}
	}},
	{name: "reads until the client closes, or its time is up", first: "accepts-again", diagnosis: "no-answer-open", visit: func(v *visit) {
		v.client.SetReadDeadline(time.Now().Add(4 * time.Second))
		for v.read() == nil {
		}
	}},
	{name: "reads until the client closes, and then 408", first: "accepts-again", diagnosis: "no-answer-open", answer: always(func() []byte { return response("timeout") })},
	{name: "no loop: serves one client and ends", first: "accepts-again", diagnosis: "only-once", visit: func(v *visit) {
		v.ln.Close()
		go v.up()
		answer, _ := io.ReadAll(v.server)
		v.client.Write(answer)
		v.die() // and with it the connection ends
	}},
	{name: "no loop: ends while the next client is in the queue", first: "accepts-again", diagnosis: "only-once", inLoop: func(v *visit) {
		go v.up()
		answer, _ := io.ReadAll(v.server)
		v.client.Write(answer)
		v.client.CloseWrite()
		time.Sleep(100 * time.Millisecond) // in which the next one connects
		v.die()
	}, visit: func(*visit) {}},
	{name: "sends a byte every two seconds", first: "accepts-again", diagnosis: "never-ends", visit: func(v *visit) {
		go v.up()
		answer, _ := io.ReadAll(v.server)
		for i := range answer {
			if _, err := v.client.Write(answer[i : i+1]); err != nil {
				return
			}
			time.Sleep(2 * time.Second) // the mistake
		}
	}},
	{name: "prints what it does", first: "announces", diagnosis: "not-announced", when: never, process: "chatter"},
	{name: "announces something else", first: "accepts-again", diagnosis: "not-announced", process: "greeting"},
	{name: "announces no address", first: "accepts-again", diagnosis: "not-announced", process: "no address"},
	{name: "a crash report when the port is taken", first: "port-taken", diagnosis: "refuses-rudely", when: never, process: "port taken"},
	{name: "takes every argument", first: "wrong-use", diagnosis: "wrong-use", when: never, process: "any use"},
	{name: "Ctrl-C is a crash", first: "stops", diagnosis: "does-not-stop", when: never, process: "interrupted"},
	{name: "does not stop", stage: 1, first: "stops", diagnosis: "does-not-stop", when: never, process: "deaf to signals"},
	{name: "does not stop", stage: 2, first: "loop-ends", diagnosis: "does-not-stop", when: never, process: "deaf to signals"},
	{name: "concurrent where serial is asked for", stage: 1, first: "one-at-a-time", diagnosis: "not-serial", binary: "stage2-concurrent"},
	{name: "a goroutine for each connection, and nothing else is written", stage: 1, first: "one-at-a-time", diagnosis: "not-serial", visit: func(v *visit) {
		v.say(statusPage500())
	}},
	{name: "forgets who came while it was busy", stage: 1, first: "one-at-a-time", diagnosis: "only-once", visit: func(v *visit) {
		if !v.lock.TryLock() {
			io.Copy(io.Discard, v.client)
			return
		}
		go v.up()
		answer, _ := io.ReadAll(v.server)
		v.lock.Unlock()
		v.say(answer)
	}},

	// The bytes of an answer.
	{name: "echo server", first: "well-formed", diagnosis: "echo", inLoop: func(v *visit) {
		v.read()
		v.say(v.got)
	}, visit: func(*visit) {}},
	{name: "sends the file alone", first: "well-formed", diagnosis: "no-status-line", answer: parts(func(_ string, b string) string { return b })},
	{name: "bare LF in the head", first: "well-formed", diagnosis: "bare-lf", answer: heads(func(h string) string { return strings.ReplaceAll(h, "\r\n", "\n") })},
	{name: "no empty line after the head", first: "well-formed", diagnosis: "no-empty-line", answer: heads(func(h string) string { return strings.TrimSuffix(h, "\r\n") })},
	{name: "an empty line too many after the head", first: "well-formed", diagnosis: "extra-empty-line", answer: heads(func(h string) string { return h + "\r\n" })},
	{name: "a line end before HTTP/", first: "well-formed", diagnosis: "bytes-before-status-line", answer: heads(func(h string) string { return "\r\n" + h })},
	{name: "a space before HTTP/", first: "well-formed", diagnosis: "bytes-before-status-line", answer: heads(func(h string) string { return " " + h })},
	{name: "no version in any status line", first: "well-formed", diagnosis: "no-version", answer: replaced("HTTP/1.1 ", "")},
	{name: "404 Not Found without a version", first: "sample-page", diagnosis: "no-version", answer: replaced("HTTP/1.1 404", "404")},
	{name: "HTTP/1.1 404 OK", first: "sample-page", diagnosis: "wrong-phrase", answer: replaced("404 Not Found\r", "404 OK\r")},
	{name: "a 404 that ends after its status line", first: "sample-page", diagnosis: "head-cut", answer: only(404, func(h, _ string) string { return h[:strings.Index(h, "\n")+1] })},
	{name: "answers as HTTP/1.0", first: "well-formed", diagnosis: "wrong-version", answer: replaced("HTTP/1.1", "HTTP/1.0")},
	{name: "200 Okay", first: "well-formed", diagnosis: "wrong-phrase", answer: replaced("200 OK", "200 Okay")},
	{name: "every status is 200 OK", first: "sample-page", diagnosis: "wrong-status", answer: parts(func(h, b string) string {
		_, rest, _ := strings.Cut(h, "\r\n")
		return "HTTP/1.1 200 OK\r\n" + rest + b
	})},
	{name: "Content-Length in characters", first: "well-formed", diagnosis: "length-counts-characters", says: "is 12, but the body has 36 bytes", answer: lengths(func(b string) int { return utf8.RuneCountInString(b) })},
	{name: "Content-Length in characters + 24", first: "sample-empty", diagnosis: "length-plus-24", answer: only(200, sized(func(b string) int { return utf8.RuneCountInString(b) + 24 }))},
	{name: "Content-Length counts a CRLF that is not sent", first: "well-formed", diagnosis: "length-counts-crlf", answer: lengths(func(b string) int { return len(b) + 2 })},
	{name: "Content-Length counts a CRLF that is sent", first: "well-formed", diagnosis: "length-counts-crlf", answer: parts(func(h, b string) string { return resized(h, len(b)+2) + b + "\r\n" })},
	{name: "Content-Length is the whole answer's", first: "well-formed", diagnosis: "length-wrong", answer: parts(func(h, b string) string { return resized(h, len(h)+len(b)) + b })},
	{name: "no Content-Length", first: "well-formed", diagnosis: "field-missing", says: "Content-Length", answer: heads(func(h string) string { return resized(h, -1) })},
	{name: "Content-Lenght", first: "well-formed", diagnosis: "field-misspelled", says: `"Content-Lenght" is misspelled`, answer: replaced("Content-Length", "Content-Lenght")},
	{name: "ContentType", first: "well-formed", diagnosis: "field-misspelled", says: `"ContentType" is misspelled`, answer: replaced("Content-Type", "ContentType")},
	{name: "a space in a field name", first: "well-formed", diagnosis: "bad-field-line", answer: replaced("Content-Type", "Content Type")},
	{name: "no colon in a field line", first: "well-formed", diagnosis: "bad-field-line", answer: replaced("Connection: close", "Connection close")},
	{name: "no space after the colon", first: "well-formed", diagnosis: "field-order", answer: replaced(": close", ":close")},
	{name: "two spaces after the colon", first: "well-formed", diagnosis: "field-order", answer: replaced(": close", ":  close")},
	{name: "field names in small letters", first: "well-formed", diagnosis: "field-order", answer: replaced("Content-Type", "content-type")},
	{name: "no Content-Type", first: "well-formed", diagnosis: "field-missing", says: "Content-Type", answer: replaced("Content-Type: text/html; charset=utf-8\r\n", "")},
	{name: "no charset", first: "well-formed", diagnosis: "field-value", answer: replaced("; charset=utf-8", "")},
	{name: "a Server field", first: "well-formed", diagnosis: "field-extra", says: "Server", answer: replaced("Content-Type", "Server: me\r\nContent-Type")},
	{name: "always a Date field", first: "well-formed", diagnosis: "field-extra", says: "Date", answer: replaced("Content-Type", "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type")},
	{name: "does not say that it closes", first: "well-formed", diagnosis: "persistence", answer: replaced("Connection: close\r\n", "")},
	{name: "a CRLF after the body", first: "well-formed", diagnosis: "crlf-after-body", answer: parts(func(h, b string) string { return h + b + "\r\n" })},
	{name: "a CRLF after a page with an arrow", first: "well-formed", diagnosis: "crlf-after-body", answer: always(func() []byte { return []byte(arrow + "\r\n") })},
	{name: "a page with an arrow, in characters", first: "well-formed", diagnosis: "length-counts-characters", answer: always(func() []byte { return []byte(resized(arrow, len(arrow)-strings.Index(arrow, "<!")-2)) })},
	{name: "a constant 200 OK before an error page", first: "well-formed", diagnosis: "wrong-status", says: "is 200, and should be 500", answer: always(func() []byte { return []byte(strings.Replace(arrow, "500 Internal Server Error\r", "200 OK\r", 1)) })},
	{name: "LF becomes CRLF, and is not counted", first: "type-html", diagnosis: "line-ends-translated", answer: only(200, func(h, b string) string { return h + strings.ReplaceAll(b, "\n", "\r\n") })},
	{name: "LF becomes CRLF, and is counted", first: "type-html", diagnosis: "line-ends-translated", answer: only(200, func(h, b string) string {
		b = strings.ReplaceAll(b, "\n", "\r\n")
		return resized(h, len(b)) + b
	})},
	{name: "a body of 1024 bytes at most", first: "random-file", diagnosis: "body-cut", says: "after 1024 of", answer: parts(func(h, b string) string { return h + b[:min(len(b), 1024)] })},
	{name: "a body of 4096 bytes at most", first: "large-file", diagnosis: "body-cut", says: "after 4096 of 1048576 bytes", answer: only(200, func(h, b string) string {
		if len(b) <= 4096 {
			return h + b
		}
		return resized(h, 4096) + b[:4096]
	})},
	{name: "a file is text: no answer if it is not", first: "all-bytes", diagnosis: "binary-no-answer", answer: parts(func(h, b string) string {
		if !utf8.ValidString(b) {
			return ""
		}
		return h + b
	})},
	{name: "a file is text: replaces what is not", first: "all-bytes", diagnosis: "body-decoded", answer: parts(func(h, b string) string { return h + strings.ToValidUTF8(b, "\uFFFD") })},
	{name: "a file is Latin-1", first: "hello", diagnosis: "body-differs", answer: only(200, func(h, b string) string { // and its characters are sent in UTF-8
		var u []rune
		for _, c := range []byte(b) {
			u = append(u, rune(c))
		}
		return resized(h, len(string(u))) + string(u)
	})},

	// Reading a request.
	{name: "closes instead of 400", first: "bare-cr-in-field", diagnosis: "no-answer", answer: parts(func(h, b string) string {
		if strings.HasPrefix(h, "HTTP/1.1 400") {
			return ""
		}
		return h + b
	})},
	{name: "wants CR LF", first: "good-heads", diagnosis: "refuses-good", when: func(u use) bool { return strings.Contains(u.sent, "\n\n") }, answer: always(func() []byte { return bad })},
	{name: "waits for CR LF CR LF", first: "good-heads", diagnosis: "lf-not-seen", when: func(u use) bool { return strings.HasSuffix(u.sent, "\n\n") }, visit: waits},
	{name: "waits for CR LF CR LF, and then 408", first: "good-heads", diagnosis: "lf-not-seen", when: func(u use) bool { return strings.HasSuffix(u.sent, "\n\n") }, answer: always(func() []byte { return response("timeout") })},
	{name: "looks at its limits when a line is whole", first: "request-line-without-end", diagnosis: "limit-late", when: func(u use) bool { return len(u.sent) > 4096 && u.sent[0] == 'G' && !strings.Contains(u.sent, "\n") }, visit: waits},
	{name: "looks at its limits when a line is whole, and then 408", first: "request-line-without-end", diagnosis: "limit-late", when: func(u use) bool { return len(u.sent) > 4096 && u.sent[0] == 'G' && !strings.Contains(u.sent, "\n") }, answer: always(func() []byte { return response("timeout") })},
	{name: "knows HTTP/1.1 alone", first: "good-request-lines", diagnosis: "refuses-good", when: func(u use) bool { return strings.Contains(u.sent, "HTTP/1.2\r\n") }, answer: always(func() []byte { return bad })},
	{name: "field names in one letter case", first: "field-name-case", diagnosis: "wrong-status", when: func(u use) bool {
		return strings.Contains(u.sent, "\nhOST:") || strings.Contains(u.sent, "\nHOST:") || strings.Contains(u.sent, "\nhost:")
	}, answer: always(func() []byte { return bad })},
	{name: "a panic in its own code", first: "no-version", diagnosis: "panicked", says: "index out of range [2] with length 2, at http1/request.go:177", when: func(u use) bool { return u.line() == "GET /HelloWorld.html" }, answer: func(v *visit, _ []byte) []byte {
		v.lab.proc.stderr.Write([]byte(`time=x level=ERROR msg=panic conn=1 error="runtime error: index out of range [2] with length 2" stack="goroutine 7 [running]:\nruntime/debug.Stack()\n\t/go/src/runtime/debug/stack.go:26 +0x5e\nweblab.example/stage1-single/http1.(*conn).logPanic(0x1)\n\t/kit/stage1-single/http1/conn.go:300 +0x1\npanic({0x1, 0x2})\n\t/go/src/runtime/panic.go:783 +0x132\nweblab.example/stage1-single/http1.(*Request).parseRequestLine(...)\n\t/kit/stage1-single/http1/request.go:177 +0x99\n"` + "\n"))
		return statusPage500()
	}},
	{name: "one read per request", first: "waits-for-the-head", diagnosis: "answers-early", calm: true, visit: func(v *visit) {
		if v.read() == nil && !headEnds(v.use().sent) && len(v.got) < 4096 && !v.use().has("-samples") {
			v.say(bad)
			return
		}
		v.goOn()
	}},
	{name: "a step that is not written yet", stage: 1, first: "waits-for-the-head", diagnosis: "not-written", when: unsampled, answer: func(v *visit, _ []byte) []byte {
		v.lab.proc.stderr.Write([]byte("step 1.3 is not written yet: read until the empty line\n"))
		return statusPage500()
	}},
	{name: "closes late after each answer", stage: 1, first: "no-space-after-colon", diagnosis: "hangs", visit: func(v *visit) {
		go v.up()
		answer, _ := io.ReadAll(v.server)
		v.client.Write(answer)
		if !strings.HasPrefix(v.use().sent, "\x16") {
			time.Sleep(2600 * time.Millisecond) // the mistake
		}
	}},
	{name: "answers before the empty line", first: "waits-for-the-head", diagnosis: "answers-early", visit: func(v *visit) {
		done := false
		go v.upAs(func(p []byte) []byte {
			const host = "Host: localhost:6789\r\n"
			sent := v.use().sent
			switch {
			case done:
				return nil
			case strings.Contains(sent, host) && strings.HasSuffix(strings.TrimSuffix(sent, "\r"), "\r\n") && !headEnds(sent):
				done = true
				return append(bytes.TrimSuffix(bytes.Clone(p), []byte("\r")), "\r\n"...)
			}
			return p
		})
		v.down()
		io.Copy(io.Discard, v.client)
	}},
	{name: "deaf while a connection is silent", first: "preconnect-silent", diagnosis: "no-head-timeout", when: timed, flags: swapFlag("500ms", "1h")},
	{name: "closes instead of 408", first: "timeout", diagnosis: "head-late", when: timed, answer: only(408, func(_, _ string) string { return "" })},
	{name: "each byte has its own time", first: "timeout-drip", diagnosis: "head-late", calm: true, when: timed, visit: func(v *visit) {
		for {
			v.client.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
			err := v.read()
			switch {
			case headEnds(v.use().sent):
				v.goOn()
				return
			case err != nil && v.use().sent == request("head-timeout"):
				v.say(response("head-timeout"))
				return
			case err != nil && len(v.got) > 0:
				v.say(response("timeout"))
				return
			case err != nil:
				return
			}
		}
	}},
	{name: "408 to a silent connection", first: "preconnect-silent", diagnosis: "answers-nobody", when: timed, answer: nobody(func(u use) bool { return u.sent == "" })},
	{name: "408 to HEAD with its page", first: "head-timeout", diagnosis: "head-with-body", when: sends("head-timeout"), answer: always(func() []byte { return response("timeout") })},
	{name: "time for a head, but not for its first byte", first: "preconnect-silent", diagnosis: "no-head-timeout", when: timed, visit: func(v *visit) {
		if v.read() == nil {
			v.goOn()
		}
	}},
	{name: "dies on an empty connection", first: "preconnect-closed", diagnosis: "died", when: untimed, visit: func(v *visit) {
		if err := v.read(); err == io.EOF && len(v.got) == 0 {
			v.die()
			return
		}
		v.goOn()
	}},
	{name: "400 to an empty connection", first: "preconnect-closed", diagnosis: "answers-nobody", when: untimed, answer: nobody(func(u use) bool { return u.sent == "" })},
	{name: "400 to a head that was broken off", first: "leaves-in-the-head", diagnosis: "answers-nobody", when: untimed, answer: nobody(func(u use) bool { return u.sent != "" && u.sent[0] != 0x16 && !headEnds(u.sent) })},
	{name: "400 to a TLS hello", first: "tls-on-plain-port", diagnosis: "answers-nobody", when: untimed, answer: nobody(func(u use) bool { return u.sent != "" && u.sent[0] == 0x16 })},
	{name: "four reads per request", first: "byte-by-byte", diagnosis: "one-read", when: func(u use) bool { return untimed(u) && asks("/HelloWorld.html")(u) }, visit: func(v *visit) {
		reads := 0
		go v.upAs(func(p []byte) []byte {
			if reads++; reads == 5 && !headEnds(v.use().sent) {
				return []byte("\x00\r\n\r\n") // which is a 400
			}
			return p
		})
		v.down()
		io.Copy(io.Discard, v.client)
	}},

	// Files.
	{name: "hard-coded HelloWorld", first: "sample-page", diagnosis: "hard-coded", answer: func(*visit, []byte) []byte { return response("hello") }},
	{name: "HelloWorld for every file", first: "favicon", diagnosis: "hard-coded", when: unsampled, answer: fileAnswers},
	{name: "all answers learned by heart", first: "random-file", diagnosis: "hard-coded", when: asks("/random-"), answer: always(func() []byte { return response("hello") })},
	{name: "a list of files made at the start", first: "random-file", diagnosis: "wrong-status", when: asks("/random-"), answer: always(func() []byte { return response("not-found") })},
	{name: "closes the listener on 404", first: "favicon", diagnosis: "not-accepting", calm: true, when: func(u use) bool { return unsampled(u) && answered("HTTP/1.1 404")(u) }, answer: func(v *visit, answer []byte) []byte {
		v.ln.Close()
		return answer
	}},
	{name: "dies on 404", first: "favicon", diagnosis: "died", when: func(u use) bool { return unsampled(u) && answered("HTTP/1.1 404")(u) }, answer: func(v *visit, answer []byte) []byte {
		v.die()
		return answer
	}},
	{name: "path escape, raw", first: "escape-01", diagnosis: "path-escape", when: asks("/../secret.txt"), answer: always(leak)},
	{name: "path escape, encoded", first: "escape-04", diagnosis: "path-escape", when: asks("/%2e%2e/secret.txt"), answer: always(leak)},
	{name: "path escape, absolute", first: "escape-absolute", diagnosis: "path-escape", when: asks("//etc/passwd"), answer: always(func() []byte { return ok("application/octet-stream", "root:x:0:0:root:/root:/bin/sh\n") })},
	{name: "files are kept in memory", first: "file-changes", diagnosis: "stale", when: asks("/changes-"), answer: func(v *visit, answer []byte) []byte {
		kept, _ := v.shared.LoadOrStore(v.use().sent, answer)
		return kept.([]byte)
	}},
	{name: "takes a half-close for the end", first: "half-close", diagnosis: "half-close", when: func(u use) bool { return !u.has("-head-timeout") && u.sent == request("hello") }, visit: func(v *visit) {
		v.read()
		if v.use().sent == request("hello") {
			v.client.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			if v.read() == io.EOF {
				return
			}
		}
		v.goOn()
	}},
	{name: "dies when a client leaves", first: "leaves-in-the-middle", diagnosis: "leaver-harms", when: asks("/huge.bin"), visit: func(v *visit) {
		v.lock.Lock() // so that nobody is served before it is dead
		defer v.lock.Unlock()
		go v.up()
		if _, err := io.Copy(v.client, v.server); err != nil {
			v.die()
		}
	}},
	{name: "the size of a large file is not set", first: "large-file", diagnosis: "file-not-sent", when: asks("/large.txt"), answer: func(_ *visit, answer []byte) []byte {
		return answer[:bytes.Index(answer, []byte("\r\n\r\n"))+4]
	}},
	{name: "sends the whole buffer", first: "directory-file", diagnosis: "zeros-after-body", when: asks("/dir/page.html"), answer: func(_ *visit, answer []byte) []byte {
		_, body, _ := strings.Cut(string(answer), "\r\n\r\n")
		return ok("text/html; charset=utf-8", body+strings.Repeat("\x00", 100))
	}},
	{name: "a file of 16 MiB at most", first: "huge-file", diagnosis: "huge-file-cut", when: asks("/huge.bin"), visit: func(v *visit) {
		go v.up()
		v.downTo(16 << 20)
	}},
	{name: "a file is read whole", first: "huge-file-memory", diagnosis: "huge-file-memory", when: never, process: "whole"},
	{name: "serves a backslash", first: "backslash", diagnosis: "wrong-status", when: asks("/back%5Cslash.txt"), answer: always(func() []byte { return ok("text/plain; charset=utf-8", "a backslash in the name\n") })},
	{name: "takes the end of a file for an error", first: "large-file-ends", diagnosis: "ended-by-file", when: never, alone: true, stderr: func(line string) string {
		return strings.Replace(line, `"why":"answered"`, `"why":"EOF"`, 1)
	}},
	{name: "no event when it has answered", first: "log-json", diagnosis: "log", when: flagged("json"), stderr: func(line string) string {
		if strings.Contains(line, `"answered"`) {
			return ""
		}
		return line
	}},
	{name: "a line on standard error that is no JSON", first: "log-json", diagnosis: "log", when: flagged("json"), stderr: func(line string) string { return "hey\n" + line }},
	{name: "logs although it is off", first: "log-off", diagnosis: "log", when: flagged("off"), flags: swapFlag("off", "text")},
	{name: "fails at a request line of one word", first: "one-word", diagnosis: "request-line-read", when: func(u use) bool { return u.sent == "GET\r\nHost: localhost:6789\r\n\r\n" }, answer: always(statusPage500)},
	{name: "the method in capitals", first: "method-and-target", diagnosis: "request-line-read", when: flagged("text"), stderr: func(line string) string { return strings.Replace(line, "method=get", "method=GET", 1) }},
	{name: "the target ends at the question mark", first: "method-and-target", diagnosis: "request-line-read", when: flagged("text"), stderr: func(line string) string { return strings.Replace(line, "?1.4", "", 1) }},
	{name: "-v says nothing", first: "verbose", diagnosis: "verbose", when: flagged("-v"), flags: swapFlag("-v", "")},
	{name: "404 for what may not be read", first: "forbidden", diagnosis: "forbidden", when: asks("/forbidden.txt"), answer: always(func() []byte { return response("not-found") })},
	{name: "follows no link", first: "link-inside", diagnosis: "wrong-status", when: asks("/link-in.html"), answer: always(func() []byte { return response("not-found") })},
	{name: "follows every link", first: "link-outside", diagnosis: "path-escape", when: asks("/link-out.txt"), answer: always(leak)},
	{name: "follows a link to a directory", first: "link-directory-outside", diagnosis: "path-escape", when: asks("/link-dir/"), answer: always(leak)},
	{name: "opens a pipe and waits", first: "named-pipe", diagnosis: "not-a-file", when: asks("/fifo"), visit: func(v *visit) { io.Copy(io.Discard, v.client) }},

	// Methods.
	{name: "ignores the method", first: "head", diagnosis: "head-with-body", when: func(u use) bool { return !strings.HasPrefix(u.sent, "GET ") }, visit: func(v *visit) {
		first := true
		go v.upAs(func(p []byte) []byte {
			method, _, ok := strings.Cut(string(p), " ")
			if !first || !ok || !slices.Contains([]string{"HEAD", "POST", "PUT", "DELETE"}, method) {
				return p
			}
			first = false
			return bytes.Replace(p, []byte(method), []byte("GET"), 1)
		})
		v.down()
		io.Copy(io.Discard, v.client)
	}},
	{name: "HEAD with a body", first: "head", diagnosis: "head-with-body", when: func(u use) bool { return strings.HasPrefix(u.sent, "HEAD ") }, answer: func(_ *visit, answer []byte) []byte { return append(answer, verdict.HelloPage...) }},
	{name: "405 without Allow", first: "method-put", diagnosis: "field-missing", says: "Allow", when: func(u use) bool { return !strings.HasPrefix(u.sent, "GET ") }, answer: replaced("Allow: GET, HEAD\r\n", "")},

	// Closing.
	{name: "closes with unread bytes", first: "garbage-after", diagnosis: "reset", flags: func(args []string) []string { return slices.Insert(args, 1, "-linger", "0") }},
	{name: "reads no body before it closes", first: "post-4mb", diagnosis: "reset", when: func(u use) bool { return strings.HasPrefix(u.sent, "POST") && len(u.sent) > 60_000 }, visit: rude(60_000)},
	{name: "closes rudely after a bad head", first: "late-bytes", diagnosis: "reset", when: func(u use) bool { return !strings.HasPrefix(u.sent, "POST") && len(u.sent) > 60_000 }, visit: rude(60_000)},
	{name: "closes rudely after a head that is refused", first: "late-bytes-refused", diagnosis: "reset", when: func(u use) bool {
		return len(u.sent) > 60_000 && !strings.HasPrefix(u.sent, "POST") && !strings.HasPrefix(u.sent, request("not-found"))
	}, visit: rude(60_000)},
	{name: "closes rudely after a TLS hello", first: "tls-long-hello", diagnosis: "reset", when: func(u use) bool { return len(u.sent) > 8000 && u.sent[0] == 0x16 }, visit: rude(8000)},
	{name: "waits for a client that takes nothing", stage: 1, first: "stall", diagnosis: "stall", when: flagged("-stall"), flags: swapFlag("300ms", "1h")},
	{name: "waits for a client that takes nothing", stage: 2, first: "stall", diagnosis: "stall", when: flagged("-stall"), flags: swapFlag("300ms", "1h"), binary: "stage1-single"},
	{name: "one deadline for a whole answer", first: "slow-reader", diagnosis: "one-deadline", when: flagged("1s"), visit: func(v *visit) {
		v.client.SetWriteDeadline(time.Now().Add(time.Second))
		go v.up()
		v.down()
	}},
	{name: "drops whatever comes", first: "linger-bounded", diagnosis: "drops-on", when: flagged("30s"), visit: func(v *visit) {
		v.read()
		v.server.Write(v.got)
		answer, _ := io.ReadAll(v.server)
		v.client.Write(answer)
		v.client.CloseWrite()
		io.Copy(io.Discard, v.client)
	}},
	{name: "lingers for ever", first: "linger-ends", diagnosis: "lingers-on", when: flagged("-linger"), flags: swapFlag("200ms", "1h")},
	{name: "-delay is ignored", first: "delay", diagnosis: "delay", when: flagged("-delay"), flags: swapFlag("300ms", "0s")},
	{name: "-date is ignored", first: "date", diagnosis: "date", when: flagged("-date"), flags: swapFlag("-date", "")},
	{name: "a date in local time", first: "date", diagnosis: "date", when: flagged("-date"), answer: heads(func(h string) string { return strings.Replace(h, " GMT", " +0800", 1) })},

	// Persistent connections.
	{name: "answers on, without -keep-alive", first: "second-request-ignored", diagnosis: "one-too-many", when: sends("second-request-ignored"), answer: twice},
	{name: "answers on after a 400", first: "keep-alive-400-closes", diagnosis: "one-too-many", when: sends("keep-alive-400-closes"), answer: twice},
	{name: "goes on after close", first: "keep-alive-close", diagnosis: "one-too-many", when: sends("keep-alive-close"), answer: func(_ *visit, answer []byte) []byte {
		return append(bytes.Replace(answer, []byte("Connection: close\r\n"), nil, 1), response("index")...)
	}},
	{name: "the end of a large file ends the connection", first: "keep-alive-large", diagnosis: "ended-between", sees: `closed conn=1 why="the file became shorter"`, calm: true, when: sends("keep-alive-large"),
		answer: func(_ *visit, answer []byte) []byte { return answer[:bytes.LastIndex(answer, []byte("HTTP/1.1 "))] },
		stderr: func(line string) string {
			return strings.Replace(line, "why=answered", `why="the file became shorter"`, 1)
		}},
	{name: "-keep-alive is ignored", first: "keep-alive-in-turn", diagnosis: "persistence", when: flagged("-keep-alive"), flags: swapFlag("-keep-alive", "")},
	{name: "answers only the first request under keep-alive", first: "keep-alive-in-turn", diagnosis: "only-first", when: flagged("-keep-alive"), visit: func(v *visit) {
		v.read()
		v.server.Write(v.got)
		buf := make([]byte, 4096)
		n, _ := v.server.Read(buf)
		v.say(buf[:n])
	}},
	{name: "waits for the client to close", first: "keep-alive-close", diagnosis: "not-closed", when: func(u use) bool {
		return u.has("-keep-alive") && strings.HasPrefix(u.sent, request("keep-alive-close"))
	}, visit: func(v *visit) {
		go v.up()
		answer, _ := io.ReadAll(v.server)
		v.client.Write(answer)
		io.Copy(io.Discard, v.client)
	}},
	{name: "loses a pipelined second request", first: "keep-alive", diagnosis: "pipelined-lost", says: "only 1 of 2", when: flagged("-keep-alive"), visit: func(v *visit) {
		go v.upAs(func(p []byte) []byte {
			if end := bytes.Index(p, []byte("\r\n\r\n")); end >= 0 {
				return p[:end+4]
			}
			return p
		})
		v.down()
		io.Copy(io.Discard, v.client)
	}},
	{name: "no time-out between requests", first: "keep-alive-idle", diagnosis: "idle", when: flagged("-keep-alive"), flags: swapFlag("600ms", "1h")},
	{name: "-head-timeout between requests", first: "keep-alive-pause", diagnosis: "idle", when: flagged("-keep-alive"), flags: swapFlag("10s", "500ms")},
	{name: "no 408 for a second head", first: "keep-alive-timeout", diagnosis: "head-late", when: sends("keep-alive-timeout"), answer: func(_ *visit, answer []byte) []byte {
		return answer[:bytes.LastIndex(answer, []byte("HTTP/1.1 "))]
	}},

	// Concurrency.
	{name: "serial where concurrency is asked for", stage: 2, first: "last-is-first", diagnosis: "serial", binary: "stage1-single"},
	{name: "32 at once", stage: 2, first: "sixty-held", diagnosis: "serial", when: never, flags: func(args []string) []string { return slices.Insert(args, 1, "-max-conns", "32") }},
	{name: "reads in the accept loop", stage: 2, first: "silent-client-blocks-nobody", diagnosis: "serial", when: untimed, inLoop: func(v *visit) {
		if !slices.Contains(v.flags, "-head-timeout") {
			v.read()
		}
	}, visit: (*visit).goOn},
	{name: "a data race that mixes two answers", stage: 2, first: "many-at-once", diagnosis: "mixed-answers", when: closing, answer: func(v *visit, answer []byte) []byte {
		mine := offer{answer, make(chan []byte, 1)}
		select { // two that are there at the same time
		case v.offers <- mine:
			return <-mine.back
		case other := <-v.offers:
			other.back <- answer
			return other.answer
		case <-time.After(50 * time.Millisecond): // alone
			return answer
		}
	}},
	{name: "a data race that the race detector sees", stage: 2, first: "sixty-held", diagnosis: "data-race", when: func(u use) bool { return closing(u) && asks("/HelloWorld.html")(u) }, answer: func(v *visit, answer []byte) []byte {
		v.relay.mu.Lock()
		defer v.relay.mu.Unlock()
		if len(v.visits) >= 40 {
			v.lab.proc.stderr.Write([]byte("==================\nWARNING: DATA RACE\nWrite at 0x00c000014108 by goroutine 7:\n"))
		}
		return answer
	}},
	{name: "-max-conns is ignored", stage: 2, first: "max-conns", diagnosis: "max-conns", when: flagged("-max-conns"), flags: swapFlag("2", "1024")},
	{name: "gives no permit back", stage: 2, first: "max-conns", diagnosis: "permit-kept", when: flagged("-max-conns"), visit: func(v *visit) {
		n, _ := v.shared.LoadOrStore("permits", new(atomic.Int32))
		if n.(*atomic.Int32).Add(1) > 2 {
			io.Copy(io.Discard, v.client)
			return
		}
		v.pass()
	}},
	{name: "-max-conns 0 is taken", stage: 2, first: "max-conns-zero", diagnosis: "wrong-use", when: never, flags: swapFlag("0", "1")},
	{name: "drops answers when it stops", stage: 2, first: "finishes-answers", diagnosis: "answer-dropped", when: never, process: "stops at once"},
	{name: "sleeps for two and a half seconds when it stops", stage: 2, first: "finishes-answers", diagnosis: "stops-late", says: "time.Sleep", when: never, process: "sleeps long"},
	{name: "sleeps for a second and a half when it stops", stage: 2, first: "finishes-slow-answers", diagnosis: "answer-dropped", says: "time.Sleep", when: never, calm: true, process: "sleeps"},
	{name: "ignores a second Ctrl-C", stage: 2, first: "second-signal", diagnosis: "stops-late", when: never, calm: true, process: "one signal"},
	{name: "drops a request that is half sent when it stops", stage: 2, first: "finishes-half-sent", diagnosis: "answer-dropped", when: never, alone: true, calm: true, visit: func(v *visit) {
		up := make(chan struct{})
		go func() {
			defer close(up)
			v.up()
		}()
		buf := make([]byte, 1)
		answered := make(chan bool, 1)
		go func() {
			n, _ := v.server.Read(buf)
			answered <- n > 0
		}()
		select {
		case <-v.stopped:
			return
		case <-answered:
			v.client.Write(buf)
			v.down()
			<-up
		}
	}},
	{name: "waits for silent connections when it stops", stage: 2, first: "idle-connections-end", diagnosis: "stops-late", when: never, calm: true, process: "waits for the silent"},
}

// untimed and timed tell connections to servers with a short time for a head
// from the others.
func timed(u use) bool     { return u.has("-head-timeout") && !u.has("-keep-alive") }
func untimed(u use) bool   { return !u.has("-head-timeout") }
func unsampled(u use) bool { return !u.has("-samples") }
func closing(u use) bool   { return !u.has("-keep-alive") }
func answered(begin string) func(use) bool {
	return func(u use) bool { return bytes.HasPrefix(u.answer, []byte(begin)) }
}
func never(use) bool { return false }

func flagged(flag string) func(use) bool { return func(u use) bool { return u.has(flag) } }
func asks(target string) func(use) bool {
	return func(u use) bool { return strings.HasPrefix(u.line(), "GET "+target) }
}

// swapFlag replaces a word of the command line; by "" it is taken out.
func swapFlag(old, new string) func([]string) []string {
	return func(args []string) []string {
		if i := slices.Index(args, old); i >= 0 && new == "" {
			return slices.Delete(args, i, i+1)
		} else if i >= 0 {
			args[i] = new
		}
		return args
	}
}

// parts bends the head, with its empty line, and the body of each answer.
func parts(bend func(head, body string) string) func(*visit, []byte) []byte {
	return func(_ *visit, answer []byte) []byte {
		head, body, ok := strings.Cut(string(answer), "\r\n\r\n")
		if !ok {
			return answer
		}
		return []byte(bend(head+"\r\n\r\n", body))
	}
}

func heads(bend func(head string) string) func(*visit, []byte) []byte {
	return parts(func(h, b string) string { return bend(h) + b })
}

func replaced(old, new string) func(*visit, []byte) []byte {
	return heads(func(h string) string { return strings.Replace(h, old, new, 1) })
}

// only bends the answers with one status.
func only(status int, bend func(head, body string) string) func(*visit, []byte) []byte {
	return parts(func(h, b string) string {
		if strings.HasPrefix(h, fmt.Sprintf("HTTP/1.1 %d ", status)) {
			return bend(h, b)
		}
		return h + b
	})
}

// always answers the requests that the mistake is about with these bytes.
func always(answer func() []byte) func(*visit, []byte) []byte {
	return func(*visit, []byte) []byte { return answer() }
}

// nobody answers connections that should get no answer.
func nobody(is func(use) bool) func(*visit, []byte) []byte {
	return func(v *visit, answer []byte) []byte {
		if len(answer) == 0 && is(v.use()) {
			return bad
		}
		return answer
	}
}

// fileAnswers has the status of a right answer to GET, and HelloWorld for
// everything that is a file, or is not there.
func fileAnswers(_ *visit, answer []byte) []byte {
	if bytes.HasPrefix(answer, []byte("HTTP/1.1 200")) || bytes.HasPrefix(answer, []byte("HTTP/1.1 404")) {
		return response("hello")
	}
	return answer
}

// twice answers what comes behind the last request, too.
func twice(_ *visit, answer []byte) []byte { return append(answer, response("hello")...) }

func sends(name string) func(use) bool {
	return func(u use) bool { return u.sent == request(name) }
}

// resized changes Content-Length, or takes it out.
func resized(head string, n int) string {
	before, after, ok := strings.Cut(head, "Content-Length: ")
	_, after, _ = strings.Cut(after, "\r\n")
	switch {
	case !ok:
		return head
	case n < 0:
		return before + after
	}
	return before + "Content-Length: " + strconv.Itoa(n) + "\r\n" + after
}

func sized(count func(body string) int) func(h, b string) string {
	return func(h, b string) string { return resized(h, count(b)) + b }
}

func lengths(count func(body string) int) func(*visit, []byte) []byte { return parts(sized(count)) }

// rude reads that many bytes, and resets the connection when it has answered.
func rude(most int) func(*visit) {
	return func(v *visit) {
		for len(v.got) < most {
			if v.read() != nil {
				break
			}
		}
		v.server.Write(v.got)
		v.server.CloseWrite()
		answer, _ := io.ReadAll(v.server)
		v.client.Write(answer)
		reset(v.client)
	}
}

func request(name string) string  { r, _ := bytesOf(name); return string(r) }
func response(name string) []byte { _, r := bytesOf(name); return r }

var bad = response("no-version") // a 400

func statusPage500() []byte {
	return []byte("HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 0\r\n\r\n")
}

// arrow is the answer of a server in which a step is not written yet: an arrow has
// three bytes.
var arrow = func() string {
	page := "<!DOCTYPE html><title>500 Internal Server Error</title><h1>500 Internal Server Error</h1>\n<p>→ step 9.9</p>\n"
	return resized(string(statusPage500()), len(page)) + page
}()

// waits serves no connection that the mistake is about, and ends it only when its
// client has.
func waits(v *visit) {
	v.read()
	if v.when(v.use()) {
		io.Copy(io.Discard, v.client)
		return
	}
	v.goOn()
}

func leak() []byte { return ok("text/plain; charset=utf-8", verdict.Secret+"\n") }

func ok(contentType, body string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", contentType, len(body), body)
}

// unknown begins the names of the mistakes that are made of golden cases.
const unknown = "does not know: "

// mistake makes the mistake "does not know this case": the very request of a
// golden case is answered as by a server that misses its rule.
func (g golden) mistake() mistake {
	sent, want := request(g.name), exchange.ReadMessage(response(g.name))
	m := mistake{name: unknown + g.name, first: g.name}
	if g.name == "content-length-mode-short-empty" {
		m.diagnosis = "length-wrong" // for the length is 0
	}
	m.when = func(u use) bool {
		// An early answer may come before all of a long request.
		return slices.Equal(u.flags, g.flags) && (u.sent == sent || len(u.sent) >= 8<<10 && strings.HasPrefix(sent, u.sent))
	}
	line, _, _ := strings.Cut(sent, "\n")
	method, _, _ := strings.Cut(line, " ")
	ext := strings.ToLower(filepath.Ext(strings.Fields(line + " x x")[1]))
	instead := func(answer []byte, diagnosis string) mistake {
		m.answer, m.diagnosis = func(*visit, []byte) []byte { return bytes.Clone(answer) }, diagnosis
		return m
	}
	answers := bytes.Count(response(g.name), []byte("HTTP/1.1 "))
	connection, persists := want.Field("Connection")
	switch {
	case answers > 1:
		all := response(g.name)
		return instead(all[:bytes.LastIndex(all, []byte("HTTP/1.1 "))], "ended-between")
	case g.step == "1.9" && (!persists || connection == "keep-alive"):
		return instead(bytes.Replace(response(g.name), []byte("Connection: keep-alive\r\n"), []byte("Connection: close\r\n"), 1), "persistence")
	case g.step == "1.9" && want.Status != 400:
		m.answer, m.diagnosis = replaced("Connection: close\r\n", ""), "persistence"
		return m
	case strings.HasPrefix(g.name, "content-length-mode-none"):
		m.answer, m.diagnosis = replaced("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\n"), "field-extra"
		return m
	case strings.HasPrefix(g.name, "content-length-mode") && want.Status == 200:
		m.answer, m.diagnosis = heads(func(h string) string { return resized(h, 7) }), cmp.Or(m.diagnosis, "field-value")
		return m
	case method == "HEAD":
		m.answer, m.diagnosis = func(_ *visit, answer []byte) []byte { return append(answer, verdict.HelloPage...) }, "head-with-body"
		return m
	case strings.HasPrefix(g.name, "type-"):
		m.answer, m.diagnosis = heads(func(h string) string {
			before, after, _ := strings.Cut(h, "Content-Type: ")
			_, after, _ = strings.Cut(after, "\r\n")
			return before + "Content-Type: application/x-" + strings.Trim(ext+"unknown", ".") + "\r\n" + after
		}), "field-value"
		return m
	case strings.Contains(sent, "secret.txt"):
		return instead(leak(), "path-escape")
	case want.Status == 405:
		m.answer, m.diagnosis = replaced("Allow: GET, HEAD\r\n", ""), "field-missing"
		return m
	case want.Status == 301 || want.Status == 200:
		return instead(response("not-found"), "wrong-status")
	}
	return instead(response("index"), "wrong-status")
}
