package verdict

import (
	"strings"
	"testing"

	"weblab.example/scripts/internal/exchange"
)

// TestBrowser: what a browser shows, what it forgives, and what it does not.
func TestBrowser(t *testing.T) {
	const page = "太\nhi"
	for _, c := range []struct{ name, answer, end, want string }{
		{"right", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n" + page, exchange.EndFIN, ""},
		{"bare LF and no length", "HTTP/1.1 200 OK\n\n" + page, exchange.EndFIN, "bare-lf no-length"},
		{"a line end behind the body", "HTTP/1.0 200 Fine\r\nContent-Length: 6\r\n\r\n" + page + "\r\n", exchange.EndFIN, "crlf-after-body"},
		{"more behind the body", "HTTP/1.0 200 Fine\r\nContent-Length: 6\r\n\r\n" + page + "xyz", exchange.EndFIN, "bytes-after-body"},
		{"a line end before the body", "HTTP/1.1 200 OK\r\n\r\n\r\n" + page, exchange.EndFIN, "no-length extra-empty-line"},
		{"counts characters", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + page, exchange.EndFIN, "length-counts-characters"},
		{"counts characters and 24", "HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\n" + page, exchange.EndFIN, "length-plus-24"},
		{"any other length", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + page, exchange.EndFIN, "length-wrong"},
		{"an empty line before it all", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n" + page, exchange.EndFIN, "bytes-before-status-line"},
		{"a free phrase", "HTTP/1.1 200 All is well\r\nContent-Length: 6\r\n\r\n" + page, exchange.EndFIN, ""},
		{"another status' phrase", "HTTP/1.1 200 Not Found\r\nContent-Length: 6\r\n\r\n" + page, exchange.EndFIN, "wrong-phrase"},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n太\r\n3;x\r\n\nhi\r\n0\r\n\r\n", exchange.EndFIN, ""},
		{"chunked, and left open", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n" + page + "\r\n0\r\n\r\n", exchange.EndOpen, ""},
		{"whole, and left open", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n" + page, exchange.EndOpen, ""},
		{"left open against its word", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\n" + page, exchange.EndOpen, "not-closed"},
		{"without an end, and left open", "HTTP/1.1 200 OK\r\n\r\n" + page, exchange.EndOpen, "no-length not-closed"},
		{"reset behind it", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n" + page, exchange.EndReset, "reset"},
		{"twice", "HTTP/1.1 200 OK\r\n\r\n" + page + page, exchange.EndFIN, "FAILED body-repeated"},
		{"twice, and a browser sees one", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n" + page + page, exchange.EndFIN, "body-repeated"},
		{"chunked, and another body", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nho\r\n0\r\n\r\n", exchange.EndFIN, "FAILED body-differs"},
		{"another body, and all that is forgiven", "HTTP/1.1 200 Not Found\nContent-Length: 99\n\nho", exchange.EndFIN, "FAILED body-differs"},
		{"a part of the body", "HTTP/1.1 200 OK\n\n太", exchange.EndFIN, "FAILED body-cut"},
		{"a part of the body, and no more comes", "HTTP/1.1 200 OK\n\n太", exchange.EndOpen, "FAILED stalls"},
		{"another status", "HTTP/1.1 404 Not Found\r\n\r\n" + page, exchange.EndFIN, "FAILED wrong-status"},
		{"no empty line", "HTTP/1.1 200 OK\n" + page, exchange.EndFIN, "FAILED no-empty-line"},
		{"no status line", page, exchange.EndFIN, "FAILED no-status-line"},
		{"nothing", "", exchange.EndFIN, "FAILED no-answer"},
	} {
		habits, failed := Browser(exchange.Heard{Bytes: []byte(c.answer), End: c.end}, 200, []byte(page))
		if got := said(habits, failed); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	for _, c := range []struct{ answer, want string }{
		{"HTTP/1.1 404 Not Found\r\n\r\ngone", ""},
		{"HTTP/1.1 404 OK\r\n\r\ngone", "wrong-phrase"},
		{"HTTP/1.1 404 Not Found\r\n\r\n", "404-bare"},
		{"HTTP/1.1 404 Not Found\r\n", "404-bare"},
		{"HTTP/1.1 404 Not Found", "404-bare"},
		{"HTTP/1.1 404 OK", "404-bare wrong-phrase"},
		{"HTTP/1.1 200 OK\r\n\r\n404 Not Found", "FAILED wrong-status"},
		{"404 Not Found", "FAILED no-status-line"},
	} {
		habits, failed := Browser(exchange.Heard{Bytes: []byte(c.answer), End: exchange.EndFIN}, 404, nil)
		if got := said(habits, failed); got != c.want {
			t.Errorf("%q: %s, want %s", c.answer, got, c.want)
		}
	}
}

// said are the names of what was found.
func said(habits []*Failure, failed *Failure) string {
	var names []string
	for _, f := range habits {
		names = append(names, f.Diagnosis)
	}
	if failed != nil {
		names = []string{"FAILED", failed.Diagnosis}
	}
	return strings.Join(names, " ")
}
