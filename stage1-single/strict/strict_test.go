package strict

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// A verdict is an error of this package, and what it has to say: "" for none, or a
// part of its text. If that begins with a status, the client gets it, and the error
// is an *Error.
type verdict struct {
	of   string // what was asked, for the message
	err  error
	want string
}

func judge(t *testing.T, verdicts ...verdict) {
	t.Helper()
	for _, v := range verdicts {
		text := ""
		if v.err != nil {
			text = v.err.Error()
		}
		_, answered := v.err.(*Error)
		if status := v.want != "" && v.want[0] >= '4' && v.want[0] <= '5'; answered != status || (text == "") != (v.want == "") || !strings.Contains(text, v.want) {
			t.Errorf("%s: %q, want %q; a client gets a status: %v", v.of, text, v.want, answered)
		}
	}
}

func TestSizeAndTime(t *testing.T) {
	judge(t,
		verdict{"nothing", Size(0, 0), ""}, verdict{"the longest line", Size(8192, 8194), ""}, verdict{"a longer line", Size(8193, 8193), "414"},
		verdict{"the largest head", Size(16, 16384), ""}, verdict{"a larger head", Size(16, 16385), "431"}, verdict{"both", Size(8193, 16385), "414"},
		verdict{"a byte, then too slow", Time(1, os.ErrDeadlineExceeded), "408"}, verdict{"wrapped", Time(1, fmt.Errorf("read: %w", os.ErrDeadlineExceeded)), "408"},
		verdict{"nothing in time", Time(0, os.ErrDeadlineExceeded), ""}, verdict{"the client has left", Time(9, io.EOF), ""})
}

func TestRequestLine(t *testing.T) {
	for line, want := range map[string]string{
		"GET / HTTP/1.1": "", "get / HTTP/1.0": "", "!#$%&'*+-.^_`|~azAZ09 / HTTP/1.9": "", "GET /\xff HTTP/1.1": "",
		"": "400", "GET": "400", "GET /": "400", "GET / ": "400", "GET  / HTTP/1.1": "400", "GET /  HTTP/1.1": "400", " GET / HTTP/1.1": "400",
		"GET / HTTP/1.1 ": "400", "GET / x HTTP/1.1": "400", "GET\t/ HTTP/1.1": "400", "GET /\t HTTP/1.1": "400", "G(T / HTTP/1.1": "400", "G\xe9T / HTTP/1.1": "400",
		"GET / HTTP/1": "400", "GET / HTTP/1.": "400", "GET / HTTP/.11": "400", "GET / HTTP/1.10": "400", "GET / HTTP/1x1": "400", "GET / HTTP/x.1": "400",
		"GET / HTTP/1.x": "400", "GET / http/1.1": "400", "GET / HTTPS/1.1": "400", "GET / 1.1": "400",
		"GET / HTTP/0.9": "505", "PRI * HTTP/2.0": "505", "GET / HTTP/9.9": "505",
		"GET /\x01 HTTP/1.1": "400: octet 0x01", "GET / HTTP/1.1\r": "400: octet 0x0d", "GET /\r HTTP/2.0": "400: octet 0x0d", "GET /\x7f HTTP/1.1": "400: octet 0x7f",
	} {
		judge(t, verdict{line, RequestLine(line), want})
	}
}

func TestFieldLine(t *testing.T) {
	malformed := errors.New("it has no colon")
	judge(t, verdict{"malformed", FieldLine("Host", malformed), "400: it has no colon"}, verdict{"malformed, with an octet", FieldLine("A\x1b", malformed), "400: octet 0x1b"})
	for line, want := range map[string]string{
		"Host: x": "", "A:\tb \x80\xff太": "", "A: \x00": "400", "A: \x1f": "400: octet 0x1f", "A: \x7f": "400: octet 0x7f", "A: b\rc": "400: octet 0x0d", "A: b\r": "400",
	} {
		judge(t, verdict{line, FieldLine(line, nil), want})
	}
}

func TestHost(t *testing.T) {
	judge(t, verdict{"none in HTTP/1.1", Host(nil, 1), "400: 0 Host"}, verdict{"none in HTTP/1.0", Host(nil, 0), ""}, verdict{"a wrong one in HTTP/1.0", Host([]string{"a b"}, 0), `400: the Host "a b"`},
		verdict{"two in HTTP/1.0", Host([]string{"a", "a"}, 0), "400: 2 Host"}, verdict{"two in HTTP/1.1", Host([]string{"a", "a"}, 1), "400: 2 Host"})
	for authority, valid := range map[string]bool{
		"localhost": true, "localhost:6789": true, "localhost:": true, "127.0.0.1:80": true, "[::1]": true, "[::1]:80": true, "[::1]:": true,
		"[2001:db8::1]:6789": true, "a_b.c-d~e!$&'()*+,;=": true, "a%20b": true,
		"": false, ":80": false, "a:b": false, "a:80:80": false, "::1": false, "[]": false, "[::1": false, "[::1:80": false, "[::1]]": false, "[::1]:a": false,
		"[127.0.0.1]": false, "[::1%25x]": false, "[::1%a/b]": false, "[::1]x": false, "a b": false, "a/b": false, "u@h": false, "a%2": false, "a%zz": false,
		"\xff": false, "太": false, "{": false, `a"b`: false, "a#b": false, "a?b": false, "a[b": false, "a@": false, "a`": false,
	} {
		if err := Host([]string{authority}, 1); (err == nil) != valid {
			t.Errorf("Host: %s: %v", authority, err)
		}
	}
}

func TestFraming(t *testing.T) {
	judge(t, verdict{"no body", Framing(nil, nil, 1), ""}, verdict{"two that are equal", Framing([]string{"1", "1"}, nil, 1), "400: 2 Content-Length"},
		verdict{"both", Framing([]string{"1"}, []string{"chunked"}, 1), "400: both"}, verdict{"chunked in HTTP/1.0", Framing(nil, []string{"chunked"}, 0), "400: Transfer-Encoding in an HTTP/1.0"})
	for length, want := range map[string]string{
		"36": "", "0000000000000000000000001": "", "9223372036854775807": "", "9223372036854775808": "400", "1, 1": "400", "": "400", "+1": "400", "-1": "400", "0x1": "400", "1_0": "400",
	} {
		judge(t, verdict{"Content-Length: " + length, Framing([]string{length}, nil, 1), want})
	}
	for codings, want := range map[string]string{
		"chunked": "", "": "400: chunked is not the last", "gzip": "400: chunked is not the last", "chunked gzip": "400: chunked is not the last", "chunked chunked": "400: chunked is not the last",
		"gzip chunked": `501: transfer coding "gzip"`,
	} {
		judge(t, verdict{"Transfer-Encoding: " + codings, Framing(nil, strings.Fields(codings), 1), want})
	}
}

func TestTarget(t *testing.T) {
	for of, want := range map[string]string{
		"GET /": "", "POST /a?b#": "400", "GET /\xff": "400", "GET /太": "400", "GET /\x7f": "", "GET /a?\x80": "400", "FETCH //": "",
		"GET a": "400", "GET ?": "400", "GET *": "400", "OPTIONS *": "", "OPTIONS **": "400", "OPTIONS /": "", "OPTIONS h:1": "400", "CONNECT *": "400",
		"GET h:1": "400", "CONNECT h:1": "", "CONNECT h": "400", "CONNECT h:": "400", "CONNECT :1": "400", "CONNECT [::1]:1": "", "CONNECT []%20:1": "400", "CONNECT h:1/": "400",
		"GET http://h/a": "", "GET HTTP://h": "", "GET http://h?x": "", "GET http://h:1/": "", "GET http://[::1]:1/": "", "OPTIONS http://h": "", "CONNECT http://h/": "",
		"GET http://": "400", "GET http:///a": "400", "GET http://?a": "400", "GET http:/a": "400", "GET http:a": "400", "GET https://h/": "400", "GET ftp://h/": "400",
		"GET http://u@h/": "400", "GET http://h:x/": "400", "GET http://h/#a": "400", "GET http://h#a": "400", `GET http://h\/a`: "400",
	} {
		method, target, _ := strings.Cut(of, " ")
		authority, _ := CutAbsolute(target)
		judge(t, verdict{of, Target(method, target, authority), want})
	}
	for path, want := range map[string]string{
		"/": "", "/a%20b": "", "/%e5%A4%aa": "", "/100%25": "", "/%252F": "", "/a/b//c": "", `/%5c`: "", "/+": "",
		"/%": "400", "/%2": "400", "/%zz": "400", "/%0": "400", "/%00": "400", "/a%2Fb": "400", "/a%2fb": "400", "/%ff": "400", "/%c0%ae": "400", "/%ed%a0%80": "400",
	} {
		judge(t, verdict{path, Escapes(path), want})
	}
}

// TestName goes from the path, with its dots, to what nobody should see.
func TestName(t *testing.T) {
	for path, want := range map[string]string{
		"/": "./", "": "./", "/.": "./", "/a": "a", "/a/": "a/", "/a/b": "a/b", "//a///b": "a/b", "/a/./b": "a/b", "/a/./../b/.": "b/", "/a/..": "./", "/a/b/..": "a/",
		"/a//../b": "a/b", "/.a/../b": "b", "/b./a..": "b./a..", "/a b~-": "a b~-", "//..": "./", "///": "./", "/a/../b/../c": "c", "/a\\b/../c": "c",
		"/..": "leads out", "/a/../..": "leads out", "//../..": "leads out", "/../a": "leads out", "/a/../../b": "leads out", "..": "leads out",
		"/...": "is not shown", "/..a": "is not shown", "/.a": "is not shown", "/a/.b/c": "is not shown", "/.a/": "is not shown", `/..\a`: "is not shown", `/a\b`: "is not shown", `/a/\`: "is not shown",
	} {
		name, err := RemoveDots(path)
		if err == nil {
			err = Name(name)
		}
		if err != nil {
			judge(t, verdict{path, err, want})
		} else if name != want {
			t.Errorf("%s: %q, want %q", path, name, want)
		}
	}
}
