package main

import (
	"strings"
	"testing"

	"weblab.example/stage1-single/http1"
)

// TestStrict: each function alone, with what it refuses and with the nearest that
// it does not.
func TestStrict(t *testing.T) {
	lengths := func(values ...string) error {
		fields := []http1.Field{{Name: "X", Value: "no length"}}
		for _, v := range values {
			fields = append(fields, http1.Field{Name: "content-LENGTH", Value: v})
		}
		length, _ := contentLength(fields) // an error is one of checkLengths, too
		return checkLengths(length, fields)
	}
	for _, c := range []struct {
		name   string
		err    error
		refuse bool
	}{
		{"as large as may be", checkSize("the head", 256<<10), false},
		{"a byte more", checkSize("the head", 256<<10+1), true},

		{"no octet", checkOctets("x", ""), false},
		{"tab, space, tilde, above ASCII", checkOctets("x", "\t ~\x80\xa0\xff太"), false},
		{"NUL at the end", checkOctets("x", "Transfer-Encoding: chunked\x00"), true},
		{"CR in the middle", checkOctets("x", "X: a\rContent-Length: 2"), true},
		{"LF", checkOctets("x", "a\nb"), true},
		{"ESC at the beginning", checkOctets("x", "\x1b[2J"), true},
		{"the last below the space", checkOctets("x", "a\x1f"), true},
		{"DEL", checkOctets("x", "a\x7f"), true},
		{"vertical tab", checkOctets("x", "a\x0bb"), true},

		{"a status line", checkStatusLine("HTTP/1.1 200 OK"), false},
		{"no reason", checkStatusLine("HTTP/1.0 404 "), false},
		{"no space", checkStatusLine("HTTP/1.9 999"), false},
		{"any reason", checkStatusLine("HTTP/1.1 100 \xff  HTTP/1.1 200"), false},
		{"HTTP/2", checkStatusLine("HTTP/2 200 OK"), true},
		{"HTTP/2.0", checkStatusLine("HTTP/2.0 200 OK"), true},
		{"HTTP/1.10", checkStatusLine("HTTP/1.10 200 OK"), true},
		{"HTTP/1.", checkStatusLine("HTTP/1. 200 OK"), true},
		{"http/1.1", checkStatusLine("http/1.1 200 OK"), true},
		{"a space before", checkStatusLine(" HTTP/1.1 200 OK"), true},
		{"two digits", checkStatusLine("HTTP/1.1 20 OK"), true},
		{"four digits", checkStatusLine("HTTP/1.1 2000 OK"), true},
		{"under 100", checkStatusLine("HTTP/1.1 099 OK"), true},
		{"two spaces", checkStatusLine("HTTP/1.1  200 OK"), true},
		{"a sign", checkStatusLine("HTTP/1.1 +20 OK"), true},
		{"a tab", checkStatusLine("HTTP/1.1 200\tOK"), true},

		{"no length", lengths(), false},
		{"a length", lengths("0"), false},
		{"one that is the largest", lengths("9223372036854775807"), false},
		{"equal ones", lengths("5", "5 ,\t5"), false},
		{"two different ones", lengths("5", "6"), true},
		{"a zero, and another", lengths("0", "6"), true},
		{"different ones in a list", lengths("5, 6"), true},
		{"an empty one", lengths(""), true},
		{"an empty item", lengths("5,"), true},
		{"a sign", lengths("+5"), true},
		{"a negative one", lengths("-5"), true},
		{"hexadecimal", lengths("0x5"), true},
		{"too large", lengths("9223372036854775808"), true},
	} {
		if (c.err != nil) != c.refuse {
			t.Errorf("%s: %v, want an error: %v", c.name, c.err, c.refuse)
		}
	}
}

// TestJoinFolded reads one field line, and looks at what is left.
func TestJoinFolded(t *testing.T) {
	for _, c := range []struct{ name, in, line, left string }{
		{"not folded", "X: a\r\nY: b\r\n", "X: a", "Y: b\r\n"},
		{"a space", "X: a\r\n  b\r\n\r\n", "X: a   b", "\r\n"},
		{"a tab, bare LF", "X: a\n\tb\n\n", "X: a \tb", "\n"},
		{"twice", "X: a\r\n b\r\n c\r\nY: d\r\n", "X: a  b  c", "Y: d\r\n"},
		{"nothing but whitespace", "X: a\r\n \r\n\r\n", "X: a  ", "\r\n"},
		{"the empty line is no field line", "\r\n HTTP", "", " HTTP"},
	} {
		r, out := newReader(strings.NewReader(c.in), false)
		line, err := r.fieldLine()
		left, _ := r.in.Peek(r.in.Buffered()) // no error: they are there
		if line != c.line || err != nil || string(left) != c.left || out.String() != strings.TrimSuffix(c.in, c.left) {
			t.Errorf("%s: %q, %v, left %q, printed %q", c.name, line, err, left, out)
		}
	}
	for _, in := range []string{"X: a\r\n", "X: a\r\n b", "X: a\r\n b\x00\r\n", "X: a\r\n " + strings.Repeat("b", maxSection)} {
		r, _ := newReader(strings.NewReader(in), false)
		if line, err := r.fieldLine(); err == nil {
			t.Errorf("%.20q: %q and no error", in, line)
		}
	}
}

// TestSections: what counts for the limit of a section, and where the next begins.
func TestSections(t *testing.T) {
	interim := strings.Repeat("HTTP/1.1 100\n\n", 3000)
	for _, c := range []struct {
		name, response string
		says           string // "" for no error
	}{
		{"each line has a cost", "HTTP/1.1 200\nContent-Length: 0\n" + strings.Repeat("a:\n", 7400) + "\n", ""},
		{"too many lines", "HTTP/1.1 200\nContent-Length: 0\n" + strings.Repeat("a:\n", 7500) + "\n", "the head is too long"},
		{"interim responses", interim + "HTTP/1.1 204\n\n", ""},
		{"interim responses belong to the head", interim + interim + "HTTP/1.1 204\n\n", "the head is too long"},
		{"a long line in each chunk", chunked + strings.Repeat("1;"+strings.Repeat("a", 200<<10)+"\na\n", 3) + "0\n\n", ""},
		{"a line that is too long", chunked + "1;" + strings.Repeat("a", 257<<10) + "\na\n0\n\n", "a line of the chunked coding is too long"},
		{"a long head and long trailers", "HTTP/1.1 200\nX: " + strings.Repeat("a", 200<<10) + chunked[12:] + "0\nX: " + strings.Repeat("a", 200<<10) + "\n\n", ""},
		{"trailers that are too long", chunked + "0\nX: " + strings.Repeat("a", 257<<10) + "\n\n", "the trailer section is too long"},
	} {
		r, _ := newReader(strings.NewReader(c.response), true)
		_, err := r.receive("GET")
		if (c.says == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
}

const chunked = "HTTP/1.1 200\nTransfer-Encoding: chunked\n\n"
