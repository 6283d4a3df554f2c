package golden

import (
	"testing"

	"weblab.example/scripts/internal/exchange"
)

// TestMild: what the textbook's checks let pass, and what they do not.
func TestMild(t *testing.T) {
	for _, c := range []struct {
		name, answer, end string
		pass              bool
	}{
		{"bare LF and no length", "HTTP/1.1 200 OK\n\nhi", exchange.EndFIN, true},
		{"a line end behind the body", "HTTP/1.0 200 Fine\r\nContent-Length: 99\r\n\r\nhi\r\n", exchange.EndFIN, true},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1;x\r\ni\r\n0\r\n\r\n", exchange.EndFIN, true},
		{"chunked, and left open", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", exchange.EndOpen, true},
		{"whole, and left open", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", exchange.EndOpen, true},
		{"without an end, and left open", "HTTP/1.1 200 OK\r\n\r\nhi", exchange.EndOpen, false},
		{"chunked, and another body", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nho\r\n0\r\n\r\n", exchange.EndFIN, false},
		{"another status", "HTTP/1.1 404 Not Found\r\n\r\nhi", exchange.EndFIN, false},
		{"no empty line", "HTTP/1.1 200 OK\r\nhi", exchange.EndFIN, false},
	} {
		if err := mild(exchange.Heard{Bytes: []byte(c.answer), End: c.end}, 200, []byte("hi")); (err == nil) != c.pass {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
