package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"weblab.example/scripts/golden"
)

// An exchange is what a client sends, and every byte of the right answer.
type exchange struct {
	name       string
	send, want []byte
}

// A script has everything that the clients of one server send.
type script struct {
	good      []exchange
	malformed []exchange // the server refuses them with an error
	single    []exchange // one GET each; a persistent connection would stay open after it, but want is the answer that closes
	large     exchange   // gets a file of 1 MiB
	huge      exchange   // gets a file of 64 MiB
	post      exchange   // gets a 405; send is the head without its last line end
}

var (
	refusal = regexp.MustCompile(`^HTTP/1\.1 (?:400|414|431|501|505) `)
	// closing matches the errors that end even a persistent connection.
	closing = regexp.MustCompile(`^HTTP/1\.1 (?:400|414|431|505) `)
	lasting = regexp.MustCompile(`^HTTP/1\.1 (?:200|301|404) `)
	// onlyGet matches one GET without a body. Together with special it finds requests that leave the connection open.
	onlyGet = regexp.MustCompile(`^GET [^ ]+ HTTP/1\.1\r\n(?:[^\r\n]+\r\n)+\r\n$`)
	special = regexp.MustCompile(`(?i)\n(?:connection|content-length|transfer-encoding|expect)[ \t]*:`)
)

// mostHead leaves room for one more field in a head, whose limit is 16 KiB.
const mostHead = 15 << 10

// newScript makes a script from the golden cases and their files.
func newScript(site string, keepAlive bool) (*script, error) {
	cases, err := golden.Cases()
	if err != nil {
		return nil, err
	}
	s := &script{}
	for _, c := range cases {
		e := exchange{c.Name, c.Request, c.Response}
		plain, persistent := len(c.Flags) == 0, slices.Equal(c.Flags, []string{"-keep-alive"})
		switch {
		case c.Name == "large-file":
			s.large = e.lastOne()
		case c.Name == "method-post":
			s.post = exchange{c.Name, bytes.TrimSuffix(e.send, []byte("\r\n")), e.want}
		}
		if plain && len(e.send) <= mostHead && onlyGet.Match(e.send) && !special.Match(e.send) && lasting.Match(e.want) {
			s.single = append(s.single, e)
		}
		if keepAlive && !persistent && !(plain && closing.Match(e.want)) || !keepAlive && !plain {
			continue
		}
		if refusal.Match(e.want) {
			s.malformed = append(s.malformed, e)
		} else {
			s.good = append(s.good, e)
		}
	}
	info, err := os.Stat(filepath.Join(site, "huge.bin"))
	if err != nil {
		return nil, err
	}
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n", info.Size())
	s.huge = exchange{"huge.bin", []byte("GET /huge.bin HTTP/1.1\r\nHost: localhost:6789\r\nConnection: close\r\n\r\n"), make([]byte, len(head)+int(info.Size()))}
	copy(s.huge.want, head)
	return s, nil
}

// closeField is in the last request on a connection, and in its answer.
var closeField = []byte("Connection: close\r\n")

// lastOne turns a single request into one that ends a persistent connection.
func (e exchange) lastOne() exchange {
	end := len(e.send) - len("\r\n")
	e.send = slices.Concat(e.send[:end], closeField, e.send[end:])
	return e
}

// openEnded turns a single request into one that leaves a persistent connection
// open: its answer does not say close.
func (e exchange) openEnded() exchange {
	e.want = bytes.Replace(e.want, closeField, nil, 1)
	return e
}

// errorText has the errors that these servers may send.
var errorText = map[int]string{
	400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 414: "URI Too Long",
	431: "Request Header Fields Too Large", 501: "Not Implemented", 505: "HTTP Version Not Supported",
}

func errorPage(status int) string {
	title := fmt.Sprintf("%d %s", status, errorText[status])
	return "<!DOCTYPE html><title>" + title + "</title><h1>" + title + "</h1>\n"
}

// errorAnswer is a whole answer with an error that ends the connection.
func errorAnswer(status int) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s",
		status, errorText[status], len(errorPage(status)), errorPage(status))
}

var answerHead = regexp.MustCompile(`^HTTP/1\.1 ([1-5][0-9]{2}) [A-Z][A-Za-z ]+\r\n` +
	`(?:Connection: (?:close|keep-alive)\r\n)?(?:Allow: GET, HEAD\r\n)?(?:Location: /[^\r\n]*\r\n)?` +
	`Content-Type: [^\r\n]+\r\nContent-Length: ([0-9]+)\r\n\r\n`)

// wellFormed checks the answers to random bytes. There may be none, or several. Each
// must have the fields of the kit's answers in their order, and as many bytes as it
// announces. An error must have its page.
func wellFormed(answers []byte) error {
	for at := 0; at < len(answers); {
		m := answerHead.FindSubmatch(answers[at:])
		if m == nil {
			return fmt.Errorf("no well-formed answer begins at byte %d: %.300q", at, answers[at:])
		}
		status, _ := strconv.Atoi(string(m[1])) // three digits
		length, err := strconv.Atoi(string(m[2]))
		body := answers[at+len(m[0]):]
		if err != nil || length > len(body) {
			return fmt.Errorf("an answer announces %s bytes, but %d came: %.300q", m[2], len(body), answers[at:])
		}
		if status >= 400 && string(body[:length]) != errorPage(status) {
			return fmt.Errorf("an error with a wrong page: %.300q", answers[at:])
		}
		at += len(m[0]) + length
	}
	return nil
}
