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

func judge(t *testing.T, verdicts []verdict) {
	t.Helper()
	for _, v := range verdicts {
		text := ""
		if v.err != nil {
			text = v.err.Error()
		}
		if (text == "") != (v.want == "") || !strings.Contains(text, v.want) {
			t.Errorf("%s: %q, want %q", v.of, text, v.want)
		}
		if _, answered := v.err.(*Error); answered != (v.want != "" && v.want[0] >= '4' && v.want[0] <= '5') {
			t.Errorf("%s: a client gets a status: %v, want %q", v.of, answered, v.want)
		}
	}
}

func TestSizeAndTime(t *testing.T) {
	judge(t, []verdict{
		{"nothing", Size(0, 0), ""},
		{"the longest line", Size(8192, 8194), ""},
		{"a longer line", Size(8193, 8193), "414"},
		{"the largest head", Size(16, 16384), ""},
		{"a larger head", Size(16, 16385), "431"},
		{"both", Size(8193, 16385), "414"},
		{"a byte, then too slow", Time(1, os.ErrDeadlineExceeded), "408"},
		{"wrapped", Time(1, fmt.Errorf("read: %w", os.ErrDeadlineExceeded)), "408"},
		{"nothing in time", Time(0, os.ErrDeadlineExceeded), ""},
		{"the client has left", Time(9, io.EOF), ""},
	})
}

func TestRequestLine(t *testing.T) {
	var all []verdict
	for line, want := range map[string]string{
		"GET / HTTP/1.1": "", "get / HTTP/1.0": "", "!#$%&'*+-.^_`|~azAZ09 / HTTP/1.9": "", "GET /\xff HTTP/1.1": "",
		"": "400", "GET": "400", "GET /": "400", "GET / ": "400", "GET  / HTTP/1.1": "400", "GET /  HTTP/1.1": "400", " GET / HTTP/1.1": "400",
		"GET / HTTP/1.1 ": "400", "GET / x HTTP/1.1": "400", "GET\t/ HTTP/1.1": "400", "GET /\t HTTP/1.1": "400", "G(T / HTTP/1.1": "400", "G\xe9T / HTTP/1.1": "400",
		"GET / HTTP/1": "400", "GET / HTTP/1.": "400", "GET / HTTP/.11": "400", "GET / HTTP/1.10": "400", "GET / HTTP/1x1": "400", "GET / HTTP/x.1": "400",
		"GET / HTTP/1.x": "400", "GET / http/1.1": "400", "GET / HTTPS/1.1": "400", "GET / 1.1": "400",
		"GET / HTTP/0.9": "505", "PRI * HTTP/2.0": "505", "GET / HTTP/9.9": "505",
		"GET /\x01 HTTP/1.1": "400: octet 0x01", "GET / HTTP/1.1\r": "400: octet 0x0d", "GET /\r HTTP/2.0": "400: octet 0x0d", "GET /\x7f HTTP/1.1": "400: octet 0x7f",
	} {
		all = append(all, verdict{line, RequestLine(line), want})
	}
	judge(t, all)
}

func TestFieldLine(t *testing.T) {
	malformed := errors.New("it has no colon")
	judge(t, []verdict{
		{"a good one", FieldLine("Host: x", nil), ""},
		{"a tab, and octets above 0x7f", FieldLine("A:\tb \x80\xff太", nil), ""},
		{"malformed", FieldLine("Host", malformed), "400: it has no colon"},
		{"a NUL", FieldLine("A: \x00", nil), "400"},
		{"the first octet that may be there", FieldLine("A: \x1f", nil), "400: octet 0x1f"},
		{"DEL", FieldLine("A: \x7f", nil), "400: octet 0x7f"},
		{"a bare CR", FieldLine("A: b\rc", nil), "400: octet 0x0d"},
		{"a CR before the line end", FieldLine("A: b\r", nil), "400"},
		{"an octet in a malformed line", FieldLine("A\x1b", malformed), "400: octet 0x1b"},
	})
}

func TestHost(t *testing.T) {
	judge(t, []verdict{
		{"none in HTTP/1.1", Host(nil, 1), "400: 0 Host"},
		{"none in HTTP/1.0", Host(nil, 0), ""},
		{"two in HTTP/1.0", Host([]string{"a", "a"}, 0), "400: 2 Host"},
		{"two in HTTP/1.1", Host([]string{"a", "a"}, 1), "400: 2 Host"},
		{"a wrong one in HTTP/1.0", Host([]string{"a b"}, 0), `400: the Host "a b"`},
	})
	for authority, valid := range map[string]bool{
		"localhost": true, "localhost:6789": true, "localhost:": true, "127.0.0.1:80": true, "[::1]": true, "[::1]:80": true, "[::1]:": true,
		"[2001:db8::1]:6789": true, "a_b.c-d~e!$&'()*+,;=": true, "a%20b": true,
		"": false, ":80": false, "a:b": false, "a:80:80": false, "::1": false, "[]": false, "[::1": false, "[::1]]": false, "[::1]:a": false,
		"[127.0.0.1]": false, "[::1%25x]": false, "[::1%a/b]": false, "[::1]x": false, "a b": false, "a/b": false, "u@h": false, "a%2": false, "a%zz": false,
		"\xff": false, "太": false, "{": false, `a"b`: false, "a#b": false, "a?b": false, "a[b": false, "a@": false, "a`": false,
	} {
		if err := Host([]string{authority}, 1); (err == nil) != valid {
			t.Errorf("Host: %s: %v", authority, err)
		}
	}
}

func TestFraming(t *testing.T) {
	length := func(lengths ...string) error { return Framing(lengths, nil, 1) }
	coding := func(codings ...string) error { return Framing(nil, codings, 1) }
	judge(t, []verdict{
		{"no body", Framing(nil, nil, 1), ""},
		{"a length", length("36"), ""},
		{"zeros first", length("0000000000000000000000001"), ""},
		{"the largest", length("9223372036854775807"), ""},
		{"one more", length("9223372036854775808"), "400"},
		{"two that are equal", length("1", "1"), "400: 2 Content-Length"},
		{"a list", length("1, 1"), "400"},
		{"empty", length(""), "400"},
		{"a plus", length("+1"), "400"},
		{"a minus", length("-1"), "400"},
		{"hexadecimal", length("0x1"), "400"},
		{"an underscore", length("1_0"), "400"},
		{"chunked", coding("chunked"), ""},
		{"both", Framing([]string{"1"}, []string{"chunked"}, 1), "400: both"},
		{"chunked in HTTP/1.0", Framing(nil, []string{"chunked"}, 0), "400: Transfer-Encoding in an HTTP/1.0"},
		{"an empty Transfer-Encoding", Framing(nil, []string{}, 1), "400: chunked is not the last"},
		{"no chunked", coding("gzip"), "400: chunked is not the last"},
		{"chunked first", coding("chunked", "gzip"), "400: chunked is not the last"},
		{"chunked twice", coding("chunked", "chunked"), "400: chunked is not the last"},
		{"another coding", coding("gzip", "chunked"), `501: transfer coding "gzip"`},
	})
}

func TestTarget(t *testing.T) {
	var all []verdict
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
		all = append(all, verdict{of, Target(method, target, authority), want})
	}
	for path, want := range map[string]string{
		"/": "", "/a%20b": "", "/%e5%A4%aa": "", "/100%25": "", "/%252F": "", "/a/b//c": "", `/%5c`: "", "/+": "",
		"/%": "400", "/%2": "400", "/%zz": "400", "/%0": "400", "/%00": "400", "/a%2Fb": "400", "/a%2fb": "400", "/%ff": "400", "/%c0%ae": "400", "/%ed%a0%80": "400",
	} {
		all = append(all, verdict{path, Escapes(path), want})
	}
	judge(t, all)
}

func TestNameAndFile(t *testing.T) {
	var all []verdict
	for name, want := range map[string]string{
		"./": "", "a": "", "a/": "", "a/b.c": "", "a..": "", "a b": "", "~": "", "-": "",
		".a": "is not shown", "a/.b": "is not shown", "a/.b/c": "is not shown", ".a/": "is not shown", "...": "is not shown",
		`a\b`: "is not shown", `\`: "is not shown", "a/..\\b": "is not shown", "a\x00b/": "",
	} {
		all = append(all, verdict{name, Name(name), want})
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/a", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{dir: "is not a regular file, but d", dir + "/a": ""} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, verdict{name, File(info), want})
	}
	judge(t, all)
}

func TestCutTarget(t *testing.T) {
	for _, c := range []struct{ target, authority, path, query, location string }{
		{"/a", "", "/a", "", "/a"},
		{"/a?b?c", "", "/a", "?b?c", "/a"},
		{"/a?http://h/", "", "/a", "?http://h/", "/a"},
		{"?", "", "", "?", "/"},
		{"http://h:1/a?b", "h:1", "/a", "?b", "/a"},
		{"HTTP://h", "h", "", "", "/"},
		{"http://h?b/c", "h", "", "?b/c", "/"},
		{"http://", "", "http://", "", "/http://"},
		{"//host/dir", "", "//host/dir", "", "/host/dir"},
		{"http://h//host/dir", "h", "//host/dir", "", "/host/dir"},
		{`/\host?\`, "", `/\host`, `?\`, "/%5Chost"},
		{`\\host`, "", `\\host`, "", "/%5C%5Chost"},
	} {
		authority, _ := CutAbsolute(c.target)
		path, query := CutTarget(c.target)
		if authority != c.authority || path != c.path || query != c.query {
			t.Errorf("%s: authority %q, path %q, query %q", c.target, authority, path, query)
		}
		path, query = Unambiguous(c.target)
		if path != c.location || query != strings.ReplaceAll(c.query, `\`, "%5C") {
			t.Errorf("%s: unambiguous it is %q and %q", c.target, path, query)
		}
	}
}

func TestRemoveDots(t *testing.T) {
	const out = "leads out"
	for path, want := range map[string]string{
		"/": "./", "": "./", "/.": "./", "/a": "a", "/a/": "a/", "/a/b": "a/b", "//a///b": "a/b", "/a/./b": "a/b", "/a/./../b/.": "b/", "/a/..": "./", "/a/b/..": "a/",
		"/a//../b": "a/b", "/.a/../b": "b", "/...": "...", "/..a": "..a", "//..": "./", "///": "./", "/a/../b/../c": "c", `/..\a`: `..\a`,
		"/..": out, "/a/../..": out, "//../..": out, "/../a": out, "/a/../../b": out, "..": out,
	} {
		got, err := RemoveDots(path)
		if err != nil {
			got = out
			judge(t, []verdict{{path, err, out}})
		}
		if got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
