package oracle

import (
	"fmt"
	"strings"
	"testing"
)

const (
	get  = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	head = "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"
)

func TestRequests(t *testing.T) {
	for _, c := range []struct{ name, sent, want string }{
		{"nothing", "", "[]"},
		{"empty lines", "\r\n\n\r\n", "[]"},
		{"16 KiB of empty lines", strings.Repeat("\r\n", 8192), "[]"},
		{"more", get + strings.Repeat("\r\n", 8193), "[{GET true} { false}]"},
		{"more, and then a request", strings.Repeat("\r\n", 8193) + get, "[{GET true}]"},
		{"three", get + head + "\r\n\n" + get, "[{GET true} {HEAD true} {GET true}]"},
		{"a target that is no URI", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n" + get, "[{GET true} {GET true}]"},
		{"bare LF", strings.ReplaceAll(get, "\r", "") + get, "[{GET true} {GET true}]"},
		{"a request in a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 27\r\n\r\n" + get + get, "[{POST true} {GET true}]"},
		{"a request in a chunk", "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1b\r\n" + get + "\r\n0\r\n\r\n" + get, "[{GET true} {GET true}]"},
		{"a body that is not whole", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n" + get, "[{POST true}]"},
		{"garbage, then a request", "garbage\r\n\r\n" + get, "[{garbage\r false}]"},
		{"a head that is not whole", get + "HEAD / HT", "[{GET true} {HEAD false}]"},
		{"a bare CR", get + "\r" + get, "[{GET true} {\rGET false}]"},
	} {
		if got := fmt.Sprint(Requests([]byte(c.sent))); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestResponses(t *testing.T) {
	const (
		ok  = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
		bad = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"
	)
	for _, c := range []struct{ name, sent, got, want, says string }{
		{"nothing", get, "", "[]", ""},
		{"two", get + get, ok + "hi" + bad + "hi", "[200 400]", ""},
		{"HEAD", head + get, ok + ok + "hi", "[200 200]", ""},
		{"HEAD with a body", head + get, ok + "hi" + ok + "hi", "[200]", "not a valid line of a head"},
		{"HEAD that could not be read", head, bad, "[400]", ""},
		{"HEAD that could not be read, with a body", head, bad + "hi", "[400]", "a head without its end"},
		{"more than were asked for", get, ok + "hi" + ok + "hi", "[200 200]", ""},
		{"a body that is not whole", get, ok + "h", "[]", "unexpected EOF"},
		{"a byte too many", get, ok + "hi!", "[200]", "a head without its end"},
		{"after a close", get + get, bad + "hi" + ok + "hi", "[400]", "after an answer that closes"},
		{"bare LF", get, strings.ReplaceAll(ok, "\r", "") + "hi", "[]", "a head without its end"},
		{"one bare LF", get, strings.Replace(ok, "OK\r", "OK", 1) + "hi", "[]", "not a valid line of a head"},
		{"a bare CR", get, strings.Replace(ok, "OK", "O\rK", 1) + "hi", "[]", "not a valid line of a head"},
		{"another version", get, strings.Replace(ok, "1.1", "1.0", 1) + "hi", "[]", "not a valid line of a head"},
		{"a status of two digits", get, strings.Replace(ok, "200", "20", 1) + "hi", "[]", "not a valid line of a head"},
		{"a folded line", get, strings.Replace(ok, "\r\n\r\n", "\r\n a\r\n\r\n", 1) + "hi", "[]", "not a valid line of a head"},
		{"a space before the colon", get, strings.Replace(ok, "h:", "h :", 1) + "hi", "[]", "not a valid line of a head"},
		{"two lengths", get, strings.Replace(ok, "\r\n\r\n", "\r\nContent-Length: 3\r\n\r\n", 1) + "hi", "[]", "Content-Length"},
	} {
		statuses, err := Responses([]byte(c.got), Requests([]byte(c.sent)))
		if got := fmt.Sprint(statuses); got != c.want || (err != nil) != (c.says != "") || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: %s, %v, want %s, %q", c.name, got, err, c.want, c.says)
		}
	}
}
