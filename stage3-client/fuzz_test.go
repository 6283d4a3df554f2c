package main

import (
	"bytes"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzChunked reads a chunked body three times: with readChunked, with
// readChunked a byte at a time, and with the standard library's reader. The
// first two agree in everything. Where the library's accepts what this one does,
// the body is the same.
//
// Neither accepts all that the other does, and that is meant (TestChunkedOracle
// has an example of each):
//
//   - This one takes a bare LF as a line end, as textbook servers send it. The
//     library's is used between two readers, of whom one may see an end of line
//     where the other sees none; behind this client comes no other reader.
//   - This one takes spaces before an extension: RFC 9112 section 7.1.1 calls
//     them bad, and has them read over.
//   - This one takes any number of zeros before the size, and as much extension
//     as maxSection has room for in each line: it keeps none of it. The
//     library's takes 16 digits, and not much more extension than data.
//   - This one takes no control octets in an extension.
//   - This one reads the trailer section, which says that the body is whole, and
//     refuses a bad one. The library's leaves it to its caller.
func FuzzChunked(f *testing.F) {
	for _, seed := range []string{
		"0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "5\nhello\n0\n\n", "5;a=b\r\nhello\r\n1 ;\t\r\n!\r\n000\r\nA: b\r\n c\r\n\r\n",
		"8000000000000000\r\n", "ffffffffffffffff\r\n", "10000000000000005\r\nhello\r\n0\r\n\r\n", "-1\r\n", "+5\r\nhello", "0x5\r\nhello", "\r\n", ";\r\n",
		"5\r\r\nhello\r\n0\r\n\r\n", "5\r\nhello!\r\n0\r\n\r\n", "5\r\nhel", "5\r\nhello\r\n", "0\r\nA: b\r\n", "0\r\nno colon\r\n\r\n", "0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		body, n, left, err := chunkedBody(bytes.NewReader(in))
		if n != int64(len(body)) || n > int64(len(in)) {
			t.Fatalf("%q: %d bytes counted, %d written", in, n, len(body))
		}
		again, m, leftAgain, errAgain := chunkedBody(iotest.OneByteReader(bytes.NewReader(in)))
		if !bytes.Equal(body, again) || n != m || !bytes.Equal(left, leftAgain) || errText(err) != errText(errAgain) {
			t.Fatalf("%q: %q, %q left, %v; byte by byte %q, %q left, %v", in, body, left, err, again, leftAgain, errAgain)
		}
		theirs, theirErr := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(in)))
		if err == nil && theirErr == nil && !bytes.Equal(body, theirs) {
			t.Fatalf("%q: body %q; httputil: %q", in, body, theirs)
		}
		// What came before a mistake is the same too: the shorter begins the longer.
		if k := min(len(body), len(theirs)); !bytes.Equal(body[:k], theirs[:k]) {
			t.Fatalf("%q: body begins %q; httputil: %q", in, body, theirs)
		}
		if err == nil && !bytes.HasSuffix(in, left) {
			t.Fatalf("%q: %q is left, which is not its end", in, left)
		}
	})
}

// chunkedBody is the body that readChunked writes, how long it says that this
// is, and what it has not read of the input.
func chunkedBody(in io.Reader) (body []byte, n int64, left []byte, err error) {
	r, out := newReader(in, true)
	n, err = r.readChunked()
	left, _ = io.ReadAll(r.in) // of a reader in memory
	return out.Bytes(), n, left, err
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestChunkedOracle says where this client and the standard library's reader of
// chunks do not agree, so that it is seen if that changes.
func TestChunkedOracle(t *testing.T) {
	for _, c := range []struct {
		name, in     string
		ours, theirs bool // is it accepted?
	}{
		{"both end lines with CR LF", "5\r\nhello\r\n0\r\n\r\n", true, true},
		{"a bare LF behind a size", "5\nhello\r\n0\n\n", true, false},
		{"a bare LF behind data", "5\r\nhello\n0\r\n\r\n", true, false},
		{"spaces before an extension", "5 \t;a\r\nhello\r\n0\r\n\r\n", true, false},
		{"spaces behind a size", "5 \t\r\nhello\r\n0\r\n\r\n", true, true},
		{"a second CR", "5\r\r\nhello\r\n0\r\n\r\n", false, false},
		{"a size of 2^63", "8000000000000000\r\nhello", false, false},
		{"a size of 17 digits", "00000000000000005\r\nhello\r\n0\r\n\r\n", true, false},
		{"a trailer that is none", "0\r\nno colon\r\n\r\n", false, true},
		{"no trailer section", "0\r\n", false, true},
		{"data that goes on", "5\r\nhello!\r\n0\r\n\r\n", false, false},
		{"a line end that is missing", "5\r\nhello0\r\n\r\n", false, false},
		{"a sign", "+5\r\nhello\r\n0\r\n\r\n", false, false},
		{"no digits", "\r\n\r\n", false, false},
		{"a control octet in an extension", "5;a\x00\r\nhello\r\n0\r\n\r\n", false, true},
		{"a CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n", false, false},
		{"a tab and octets above ASCII in an extension", "5;\t\xff\r\nhello\r\n0\r\n\r\n", true, true},
		{"much extension", strings.Repeat("1;"+strings.Repeat("a", 4000)+"\r\na\r\n", 10) + "0\r\n\r\n", true, false},
	} {
		_, _, _, err := chunkedBody(strings.NewReader(c.in))
		_, theirErr := io.ReadAll(httputil.NewChunkedReader(strings.NewReader(c.in)))
		if (err == nil) != c.ours || (theirErr == nil) != c.theirs {
			t.Errorf("%s: %v; httputil: %v; want accepted: %v, %v", c.name, err, theirErr, c.ours, c.theirs)
		}
	}
}
