package golden

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/verdict"
)

// A script is what the server in a check says to a client, on one connection.
type script struct {
	answers []string      // to the first request, to the second, ...; sent as it is
	bytes   bool          // send each answer one byte at a time
	later   string        // sent in a segment of its own, after the last answer
	drip    string        // sent one byte at a time, after the last answer
	hold    int           // no answer before so many connections have asked
	then    string        // how the connection ends: "" is FIN; "reset", "open"
	pause   time.Duration // between the bytes, and before what comes later
}

// A clientCase is one run of the client: what it is started with, what the
// server says, and what must come out.
type clientCase struct {
	step, name, want string
	points           int
	args             string // {addr}, {host} and {port} are the server's; "" is {host} {port} HelloWorld.html
	server           script

	requests    []string // what the server must have got; nil is not compared
	connections int      // how many must have come; 0 is not compared
	stdout      string
	anyOut      bool     // standard output is not compared
	stderr      []string // what standard error must speak of, in any letter case
	quiet       bool     // standard error must be empty
	status      int      // exit status; anyStatus is not compared
	check       func(*clientRun) error
	system      string // a file that only some systems have
	also        string // another step that it needs
	free        bool   // a client passes that does nothing for it: no weight
}

const anyStatus = -1

const (
	helloRequest  = "GET /HelloWorld.html HTTP/1.1\r\n" + "Host: {addr}\r\n" + "Connection: close\r\n" + "\r\n"
	keepRequest   = "GET /HelloWorld.html HTTP/1.1\r\n" + "Host: {addr}\r\n" + "Connection: keep-alive\r\n" + "\r\n"
	helloBody     = "太棒了，服务器正常工作！"
	helloResponse = "HTTP/1.1 200 OK\r\n" + "Connection: close\r\n" + "Content-Type: text/html; charset=utf-8\r\n" + "Content-Length: 36\r\n" + "\r\n" + helloBody
	keepResponse  = "HTTP/1.1 200 OK\r\n" + "Content-Length: 36\r\n" + "\r\n" + helloBody
	notFound      = "HTTP/1.1 404 Not Found\r\n" + "Content-Length: 5\r\n" + "\r\n" + "nope\n"
	noContent     = "HTTP/1.1 204 No Content\r\n" + "\r\n"
	chunkedHead   = "HTTP/1.1 200 OK\r\n" + "Transfer-Encoding: chunked\r\n" + "\r\n"

	tabAndOctets = "HTTP/1.1 200 \xff\tOK\r\n" + "X: \t\x80\ta\r\n" + "Content-Length: 2\r\n" + "\r\n" + "ok"

	// A request as nobody would write it, and yet -raw sends it as it is.
	rawRequest = "FETCH  x HTTP/1.1\n" + "Host : raw\r\n" + "\xff\n" + "\n"
	rawHead    = "\r\n" + "HEAD /x HTTP/1.0\r\n" + "\r\n"
	rawConnect = "CONNECT x:1 HTTP/1.1\r\n" + "Host: x:1\r\n" + "Connection: close\r\n" + "\r\n"
)

// chunkedHello has its body in two chunks, cut inside a character.
var chunkedHello = chunkedHead + "7\r\n" + helloBody[:7] + "\r\n" + "1D\r\n" + helloBody[7:] + "\r\n" + "0\r\n" + "\r\n"

// target is a case in which the file that is asked for becomes a target.
func target(name, want, args, target string) clientCase {
	return clientCase{step: "3.1", name: name, want: want, args: args, server: script{answers: []string{noContent}},
		requests: []string{"GET " + target + " HTTP/1.1\r\n" + "Host: {addr}\r\n" + "Connection: close\r\n" + "\r\n"}, anyOut: true, status: anyStatus}
}

// printed is a case in which the whole of a response must be printed.
func printed(step, name, want, args, response string) clientCase {
	return clientCase{step: step, name: name, want: want, args: args, server: script{answers: []string{response}}, stdout: response, quiet: true}
}

// early is a case in which a response ends too soon.
func early(name, want, response string, says ...string) clientCase {
	return clientCase{step: "3.5", name: name, want: want, server: script{answers: []string{response}}, stdout: response, stderr: append(says, "ended early"), status: 1}
}

// controlOctet is a case in which a line has a control octet where none may be.
func controlOctet(where, response string) clientCase {
	c := clientCase{step: "S.5", name: "control-octet-" + where, want: "a control octet is an error in this place: " + where, server: script{answers: []string{response}},
		anyOut: true, stderr: []string{"control"}, status: 1}
	if strings.HasPrefix(response, chunkedHead) {
		c.also = "3.4"
	}
	return c
}

// bareCR is a case in which a CR is no part of a line end. Some readers end the
// line there.
func bareCR(where, response string) clientCase {
	c := controlOctet(where, response)
	c.name, c.want = "bare-cr-"+where, "a CR alone ends no line, it is an error in this place: "+where
	return c
}

var clientCases = []clientCase{
	// step 3.1
	{step: "3.1", name: "request", want: "the request is these bytes", points: 3, server: script{answers: []string{noContent}},
		requests: []string{helloRequest}, anyOut: true, status: anyStatus},
	target("slash-added", "a / is put before the file", "{host} {port} dir/page.html", "/dir/page.html"),
	target("slash-kept", "a file that begins with a / gets no second one", "{host} {port} /dir/page.html", "/dir/page.html"),
	target("url", "one argument that begins with http:// is a URL", "http://{addr}/dir/page.html", "/dir/page.html"),
	target("url-without-path", "a URL without a path asks for /", "http://{addr}", "/"),
	target("url-query-without-path", "a URL with a query and no path asks for / with it", "http://{addr}?a=b", "/?a=b"),
	target("url-query", "the query is sent", "http://{addr}/a?b=c&d=/?", "/a?b=c&d=/?"),
	target("url-fragment", "the fragment stays at home", "http://{addr}/a?b#c", "/a?b"),
	target("fragment", "the fragment stays at home when host, port and file are given, too", "{host} {port} a#b", "/a"),
	target("escapes-kept", "%XX is kept", "{host} {port} with%20space%2F.html", "/with%20space%2F.html"),
	target("percent-escaped", "a % that begins no escape is escaped", "{host} {port} 100%", "/100%25"),
	target("utf-8-escaped", "letters beyond ASCII are escaped, octet by octet", "{host} {port} 你好.html", "/%E4%BD%A0%E5%A5%BD.html"),
	target("percent-one-digit", "a % with a single digit behind it is escaped", "{host} {port} a%4", "/a%254"),
	target("escape-at-end", "an escape at the end is kept", "{host} {port} a%41", "/a%41"),
	target("delimiters-escaped", "quotes, brackets and what else may not stand in a target are escaped", "{host} {port} a\"<b>^`{|}\\[]\x7f", "/a%22%3Cb%3E%5E%60%7B%7C%7D%5C%5B%5D%7F"),
	target("url-scheme-case", "HTTP:// is http://", "HTTP://{addr}/a", "/a"),
	{step: "3.1", name: "line-end-escaped", want: "a line end in the file's name must not end the request line", points: 2,
		args: "{host} {port} a\\x20HTTP/1.1\\x0d\\x0aX:\\x20b", server: script{answers: []string{noContent}}, anyOut: true, status: anyStatus,
		requests: []string{"GET /a%20HTTP/1.1%0D%0AX:%20b HTTP/1.1\r\n" + "Host: {addr}\r\n" + "Connection: close\r\n" + "\r\n"}},
	{step: "3.1", name: "head", want: "-head asks with HEAD", args: "-head {host} {port} a", server: script{answers: []string{noContent}},
		requests: []string{"HEAD /a HTTP/1.1\r\n" + "Host: {addr}\r\n" + "Connection: close\r\n" + "\r\n"}, anyOut: true, status: anyStatus},
	{step: "3.1", name: "field-added", want: "-H adds a field", args: "-H Accept:\\x20text/html {host} {port} a", server: script{answers: []string{noContent}},
		requests: []string{"GET /a HTTP/1.1\r\n" + "Host: {addr}\r\n" + "Connection: close\r\n" + "Accept: text/html\r\n" + "\r\n"}, anyOut: true, status: anyStatus},
	{step: "3.1", name: "field-replaced", want: "-H takes the place of a field of that name, in any letter case", args: "-H host:\\x20example.com {host} {port} a",
		server: script{answers: []string{noContent}}, requests: []string{"GET /a HTTP/1.1\r\n" + "host: example.com\r\n" + "Connection: close\r\n" + "\r\n"}, anyOut: true, status: anyStatus},
	{step: "3.1", name: "connection-replaced", want: "-H takes the place of Connection, too", args: "-H Connection:\\x20x {host} {port} a",
		server: script{answers: []string{noContent}}, requests: []string{"GET /a HTTP/1.1\r\n" + "Host: {addr}\r\n" + "Connection: x\r\n" + "\r\n"}, anyOut: true, status: anyStatus},
	{step: "3.1", name: "raw", want: "-raw sends a file as it is", args: "-raw {raw} {host} {port} a", server: script{answers: []string{noContent}},
		requests: []string{rawRequest}, anyOut: true, status: anyStatus},
	{step: "3.1", name: "https", want: "https:// is wrong use, and the message says that there is no TLS", args: "https://{addr}/", stderr: []string{"TLS"}, status: 2},
	{step: "3.1", name: "two-arguments", want: "two arguments are wrong use", args: "{host} {port}", stderr: []string{"argument"}, status: 2},
	{step: "3.1", name: "bad-port", want: "a port that is no number is wrong use", args: "{host} http HelloWorld.html", stderr: []string{"port"}, status: 2},
	{step: "3.1", name: "port-zero", want: "port 0 is wrong use", args: "{host} 0 HelloWorld.html", stderr: []string{"port"}, status: 2},
	{step: "3.1", name: "bad-host", want: "a host with a slash in it is wrong use", args: "a/b {port} HelloWorld.html", stderr: []string{"host"}, status: 2},
	{step: "3.1", name: "no-requests", want: "-n 0 is wrong use", args: "-n 0 {host} {port} a", stderr: []string{"-n"}, status: 2},
	{step: "3.1", name: "max-time-negative", want: "a negative -max-time is wrong use", args: "-max-time -1s {host} {port} a", stderr: []string{"max-time"}, status: 2},
	{step: "3.1", name: "raw-with-field", want: "-raw sends the file as it is: with -H it is wrong use", args: "-raw {raw} -H X:y {host} {port} a", stderr: []string{"-raw"}, status: 2},
	{step: "3.1", name: "raw-missing", want: "a file that is not there is wrong use", args: "-raw {out} {host} {port} a", stderr: []string{"out"}, status: 2},
	{step: "3.1", name: "timeout-zero", want: "no time at all is wrong use", args: "-timeout 0 {host} {port} a", stderr: []string{"timeout"}, status: 2},
	{step: "3.1", name: "parallel-to-file", want: "-p has nothing to write to -o: wrong use", args: "-p 2 -o {out} {host} {port} a", stderr: []string{"-p"}, status: 2},
	{step: "3.1", name: "bad-field", want: "a -H that is no field is wrong use", args: "-H nonsense {host} {port} a", stderr: []string{"nonsense"}, status: 2},
	{step: "3.1", name: "field-with-line-end", want: "a -H with a line end in it is wrong use", args: "-H X:a\\x0d\\x0aY:b {host} {port} a", stderr: []string{"control"}, status: 2},

	// step 3.2
	{step: "3.2", name: "head-printed", want: "a head is printed as it came", points: 2, server: script{answers: []string{"HTTP/1.1 204 No Content\r\n" + "X:  a \r\n" + "\r\n"}},
		stdout: "HTTP/1.1 204 No Content\r\n" + "X:  a \r\n" + "\r\n", status: anyStatus, check: tookEmptyLine},
	{step: "3.2", name: "head-byte-by-byte", want: "a head may come one byte at a time", server: script{answers: []string{noContent}, bytes: true}, stdout: noContent, status: anyStatus},
	{step: "3.2", name: "head-lf-only", want: "a head with bare LF is understood", server: script{answers: []string{"HTTP/1.1 204 No Content\nX: a\n\n"}}, stdout: "HTTP/1.1 204 No Content\nX: a\n\n", status: anyStatus},
	{step: "3.2", name: "no-reason", want: "a status line needs no reason phrase", server: script{answers: []string{"HTTP/1.1 204\r\n\r\n"}}, stdout: "HTTP/1.1 204\r\n\r\n", status: anyStatus},
	{step: "3.2", name: "no-status-line", want: "what does not begin with a status line is an error", server: script{answers: []string{"404 Not Found\r\n\r\n"}}, anyOut: true, stderr: []string{"status line"}, status: 1},
	{step: "3.2", name: "space-before-first-field", want: "whitespace before the first field continues nothing: an error", server: script{answers: []string{"HTTP/1.1 200 OK\r\n X: y\r\n\r\n"}}, anyOut: true, stderr: []string{"whitespace"}, status: 1},

	// step 3.3
	{step: "3.3", name: "content-length", want: "a body by Content-Length is printed, byte for byte, and nothing else", points: 3, server: script{answers: []string{helloResponse}},
		requests: []string{helloRequest}, stdout: helloResponse, quiet: true},
	{step: "3.3", name: "content-length-byte-by-byte", want: "a response may come one byte at a time", server: script{answers: []string{helloResponse}, bytes: true}, stdout: helloResponse, quiet: true},
	{step: "3.3", name: "content-length-open", want: "with Content-Length nobody waits for the close", points: 3, args: "-H Connection:\\x20keep-alive {host} {port} HelloWorld.html",
		server: script{answers: []string{keepResponse}, then: "open"}, stdout: keepResponse, quiet: true, check: tookLessThan(exchange.Patience)},
	{step: "3.3", name: "content-length-small-letters", want: "content-length in small letters counts, too", args: "-H Connection:\\x20keep-alive {host} {port} HelloWorld.html",
		server: script{answers: []string{"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"}, then: "open"}, stdout: "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", quiet: true, check: tookLessThan(exchange.Patience)},
	printed("3.3", "content-length-zero", "Content-Length: 0 is an empty body", "", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
	printed("3.3", "content-length-twice", "two equal Content-Length fields count once", "", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length:2\r\n\r\nok"),
	printed("3.3", "content-length-list", "a Content-Length with a list of equal numbers counts once", "", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok"),
	printed("3.3", "until-close", "without a length the body ends with the stream", "", "HTTP/1.1 200 OK\r\n\r\n"+helloBody),
	printed("3.3", "until-close-http-1-0", "without a length an HTTP/1.0 body ends with the stream, too", "", "HTTP/1.0 200 OK\r\nServer: old\r\n\r\n"+helloBody),
	printed("3.3", "until-close-empty", "a body that ends with the stream may be empty", "", "HTTP/1.1 200 OK\r\n\r\n"),
	printed("3.3", "long-field", "a field of 8 KiB is printed like any other", "", "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("a", 8<<10)+"\r\nContent-Length: 2\r\n\r\nok"),
	{step: "3.3", name: "until-close-byte-by-byte", want: "a body until the close may come one byte at a time", server: script{answers: []string{"HTTP/1.1 200 OK\n\n" + helloBody}, bytes: true}, stdout: "HTTP/1.1 200 OK\n\n" + helloBody, quiet: true},
	printed("3.3", "head-has-no-body", "the answer to HEAD has no body, whatever its length says", "-head {host} {port} HelloWorld.html", helloResponse[:len(helloResponse)-36]),
	{step: "3.3", name: "204-has-no-body", want: "a 204 has no body", args: "-H Connection:\\x20keep-alive {host} {port} HelloWorld.html", server: script{answers: []string{noContent}, then: "open"},
		stdout: noContent, quiet: true, check: tookLessThan(exchange.Patience)},
	printed("3.3", "304-has-no-body", "a 304 has no body, whatever its length says", "", "HTTP/1.1 304 Not Modified\r\nContent-Length: 36\r\n\r\n"),
	printed("3.3", "all-bytes", "all 256 byte values come out as they went in", "", "HTTP/1.1 200 OK\r\nContent-Length: 256\r\n\r\n"+allBytes),
	printed("3.3", "404-is-an-answer", "a 404 is an answer: exit status 0", "", notFound),
	{step: "3.3", name: "body", want: "-body prints the body alone", points: 2, args: "-body {host} {port} HelloWorld.html", server: script{answers: []string{helloResponse}}, stdout: helloBody, quiet: true},
	{step: "3.3", name: "out-file", want: "-o writes to a file instead", args: "-o {out} {host} {port} HelloWorld.html", server: script{answers: []string{helloResponse}}, stdout: "", quiet: true, check: wroteFile(helloResponse)},
	{step: "3.3", name: "fail", want: "-fail makes a 404 exit status 1", args: "-fail {host} {port} HelloWorld.html", server: script{answers: []string{notFound}}, stdout: notFound, stderr: []string{"404"}, status: 1},
	{step: "3.3", name: "fail-400", want: "-fail makes a 400 exit status 1", args: "-fail {host} {port} HelloWorld.html", server: script{answers: []string{"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"}}, anyOut: true, stderr: []string{"400"}, status: 1},
	{step: "3.3", name: "raw-head", want: "-raw takes the method from the file: the answer to HEAD has no body", args: "-raw {rawhead} {host} {port} a", server: script{answers: []string{keepResponse[:len(keepResponse)-36]}},
		stdout: keepResponse[:len(keepResponse)-36], quiet: true},
	{step: "3.3", name: "raw-connect", want: "a 2xx to CONNECT ends with its head: what follows would be a tunnel", args: "-raw {rawconnect} {host} {port} a",
		server: script{answers: []string{"HTTP/1.1 200 OK\r\nContent-Length: 36\r\n\r\n"}}, stdout: "HTTP/1.1 200 OK\r\nContent-Length: 36\r\n\r\n", quiet: true},
	{step: "3.3", name: "disk-full", want: "what cannot be written is an error", args: "-o /dev/full {host} {port} HelloWorld.html", server: script{answers: []string{helloResponse}}, anyOut: true, stderr: []string{"write"}, status: 1, system: "/dev/full"},
	{step: "3.3", name: "fail-200", want: "-fail leaves a 200 at exit status 0", args: "-fail {host} {port} HelloWorld.html", server: script{answers: []string{helloResponse}}, stdout: helloResponse, quiet: true},
	{step: "3.3", name: "verbose", want: "-v says on standard error what is sent and what comes", args: "-v {host} {port} HelloWorld.html", server: script{answers: []string{helloResponse}}, stdout: helloResponse,
		stderr: []string{`GET /HelloWorld.html HTTP/1.1\r\n`, `Content-Length: 36\r\n`}},
	{step: "3.3", name: "bad-content-length", want: "a Content-Length that is no number is an error", server: script{answers: []string{"HTTP/1.1 200 OK\r\nContent-Length: 36 bytes\r\n\r\n" + helloBody}}, anyOut: true, stderr: []string{"Content-Length"}, status: 1},

	// step 3.4
	{step: "3.4", name: "chunked", want: "a chunked response is printed as it came", points: 2, server: script{answers: []string{chunkedHello}}, stdout: chunkedHello, quiet: true},
	{step: "3.4", name: "chunked-body", want: "-body removes the chunked coding, also when a chunk ends inside a character", points: 3, args: "-body {host} {port} HelloWorld.html", server: script{answers: []string{chunkedHello}}, stdout: helloBody, quiet: true},
	{step: "3.4", name: "chunked-byte-by-byte", want: "a chunked response may come one byte at a time", args: "-body {host} {port} HelloWorld.html", server: script{answers: []string{chunkedHello}, bytes: true}, stdout: helloBody, quiet: true},
	{step: "3.4", name: "chunked-open", want: "the last chunk ends it: nobody waits for the close", args: "-H Connection:\\x20keep-alive -body {host} {port} HelloWorld.html",
		server: script{answers: []string{chunkedHello}, then: "open"}, stdout: helloBody, quiet: true, check: tookLessThan(exchange.Patience)},
	{step: "3.4", name: "chunk-extensions", want: "chunk extensions and leading zeros are passed over", args: "-body {host} {port} HelloWorld.html",
		server: script{answers: []string{chunkedHead + "0005;a=b;c=\"d\"\r\nhello\r\n6 ; x\r\n world\r\n000;last\r\n\r\n"}}, stdout: "hello world", quiet: true},
	{step: "3.4", name: "trailers", want: "the trailer section is read to its end", args: "-body {host} {port} HelloWorld.html",
		server: script{answers: []string{chunkedHead + "5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n"}}, stdout: "hello", quiet: true},
	{step: "3.4", name: "chunked-empty", want: "a chunked body may be empty", args: "-body {host} {port} HelloWorld.html", server: script{answers: []string{chunkedHead + "0\r\n\r\n"}}, stdout: "", quiet: true},
	{step: "3.4", name: "chunked-counts", want: "Transfer-Encoding counts, not Content-Length", args: "-body {host} {port} HelloWorld.html",
		server: script{answers: []string{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTRANSFER-ENCODING: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"}}, stdout: "hello", quiet: true},
	{step: "3.4", name: "coding-before-chunked", want: "another coding before chunked is left as it is, the chunks are taken off", args: "-body {host} {port} HelloWorld.html",
		server: script{answers: []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"}}, stdout: "hello", quiet: true},
	{step: "3.4", name: "coding-after-chunked", want: "a coding after chunked: the body ends with the stream", args: "-body {host} {port} HelloWorld.html",
		server: script{answers: []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n5\r\nhello\r\n"}}, stdout: "5\r\nhello\r\n", quiet: true},
	{step: "3.4", name: "coding-and-length", want: "a coding that is not chunked: the body ends with the stream, whatever Content-Length says", args: "-body {host} {port} HelloWorld.html",
		server: script{answers: []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhello"}}, stdout: "hello", quiet: true},
	{step: "3.4", name: "bad-length-beside-chunked", want: "beside chunked a bad Content-Length does not matter", args: "-body {host} {port} HelloWorld.html",
		server: script{answers: []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n5\r\nhello\r\n0\r\n\r\n"}}, stdout: "hello", quiet: true},
	{step: "3.4", name: "chunked-in-http-1-0", want: "HTTP/1.0 has no Transfer-Encoding: the body is what came", args: "-body {host} {port} HelloWorld.html",
		server: script{answers: []string{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"}}, stdout: "5\r\nhello\r\n0\r\n\r\n", quiet: true},
	{step: "3.4", name: "coding-kelvin-sign", want: "only A to Z have small letters: chunked with a Kelvin sign is another coding", args: "-body {host} {port} HelloWorld.html",
		server: script{answers: []string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chun\u212aed\r\n\r\n5\r\nhello\r\n0\r\n\r\n"}}, stdout: "5\r\nhello\r\n0\r\n\r\n", quiet: true},
	{step: "3.4", name: "chunk-size-64-bits", want: "a chunk of 2^64-1 bytes is an error", server: script{answers: []string{chunkedHead + "FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"}}, anyOut: true, stderr: []string{"chunk"}, status: 1},
	{step: "3.4", name: "chunk-size-bad", want: "a chunk size that is no number is an error", server: script{answers: []string{chunkedHead + "five\r\nhello\r\n0\r\n\r\n"}}, anyOut: true, stderr: []string{"chunk"}, status: 1},
	{step: "3.4", name: "chunk-size-space-first", want: "a space before the size of a chunk is an error", server: script{answers: []string{chunkedHead + " 5\r\nhello\r\n0\r\n\r\n"}}, anyOut: true, stderr: []string{"chunk"}, status: 1},
	{step: "3.4", name: "trailer-bad", want: "a trailer that is no field is an error", server: script{answers: []string{chunkedHead + "0\r\nno field\r\n\r\n"}}, anyOut: true, stderr: []string{"colon"}, status: 1},
	{step: "3.4", name: "chunk-size-overflow", want: "a chunk size that no 64-bit number holds is an error", server: script{answers: []string{chunkedHead + "10000000000000005\r\nhello\r\n0\r\n\r\n"}}, anyOut: true, stderr: []string{"chunk"}, status: 1},
	{step: "3.4", name: "chunk-size-negative", want: "a negative chunk size is an error", server: script{answers: []string{chunkedHead + "-5\r\nhello\r\n0\r\n\r\n"}}, anyOut: true, stderr: []string{"chunk"}, status: 1},
	{step: "3.4", name: "chunk-too-long", want: "a chunk that goes on after its size is an error", server: script{answers: []string{chunkedHead + "4\r\nhello\r\n0\r\n\r\n"}}, anyOut: true, stderr: []string{"chunk"}, status: 1},
	{step: "3.4", name: "interim", want: "1xx responses are printed and passed over", points: 2, server: script{answers: []string{
		"HTTP/1.1 100 Continue\r\n\r\n" + "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + noContent}},
		stdout: "HTTP/1.1 100 Continue\r\n\r\n" + "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + noContent, status: anyStatus},
	{step: "3.4", name: "interim-body", want: "-body prints nothing of a 1xx response", args: "-body {host} {port} HelloWorld.html", server: script{answers: []string{"HTTP/1.1 100 Continue\r\n\r\n" + helloResponse}}, stdout: helloBody, quiet: true},
	{step: "3.4", name: "switching-protocols", want: "after 101 it is no longer HTTP: there is nothing to wait for", server: script{answers: []string{"HTTP/1.1 101 Switching Protocols\r\n\r\n"}, then: "open"},
		stdout: "HTTP/1.1 101 Switching Protocols\r\n\r\n", quiet: true, check: tookLessThan(exchange.Patience)},

	// step 3.5
	early("too-short", "fewer bytes than Content-Length: how many of how many is said", "HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n"+helloBody, "36", "60"),
	early("no-last-chunk", "chunked without a last chunk", chunkedHead+"5\r\nhello\r\n", "5"),
	early("inside-a-chunk", "the stream ends inside a chunk", chunkedHead+"A\r\nhello", "5"),
	early("inside-the-head", "the stream ends inside the head", "HTTP/1.1 200 OK\r\nContent-Length: 3"),
	early("status-line-only", "a status line that ends the stream", "HTTP/1.1 404 Not Found\r\n"),
	early("status-line-no-end", "a status line without a line end", "HTTP/1.1 404 Not Found"),
	early("inside-the-status-line", "half of a status line", "HTTP/1"),
	early("inside-an-interim-head", "an interim response, then nothing of the final one", "HTTP/1.1 100 Continue\r\n\r\nHTTP"),
	early("after-an-interim-head", "an interim response, and then the end", "HTTP/1.1 100 Continue\r\n\r\n"),
	early("inside-the-trailers", "the stream ends inside the trailer section", chunkedHead+"0\r\nX: y\r\n"),
	{step: "3.5", name: "no-answer", want: "a connection that is closed without an answer is an error", server: script{answers: []string{""}}, stderr: []string{"no answer"}, status: 1},
	{step: "3.5", name: "too-long", want: "bytes after the end are counted and not printed", points: 2, server: script{answers: []string{"HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n" + helloBody}},
		stdout: "HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n" + helloBody[:24], stderr: []string{"12"}, status: 1},
	{step: "3.5", name: "too-long-later", want: "bytes after the end are counted when they come in a later segment, too", points: 2, server: script{answers: []string{keepResponse}, later: "more", pause: 100 * time.Millisecond},
		stdout: keepResponse, stderr: []string{"4"}, status: 1},
	{step: "3.5", name: "too-long-chunked", want: "bytes after a chunked body are counted and not printed", args: "-body {host} {port} HelloWorld.html", server: script{answers: []string{chunkedHello + "\r\n"}}, stdout: helloBody, stderr: []string{"2"}, status: 1},
	{step: "3.5", name: "too-long-by-far", want: "when much comes after the end, it is read up to a limit", server: script{answers: []string{keepResponse + strings.Repeat("a", 200_000)}},
		stdout: keepResponse, stderr: []string{"at least 65536"}, status: 1},
	{step: "3.5", name: "body-after-204", want: "bytes after a 204 are counted and not printed", server: script{answers: []string{noContent + "hello"}}, stdout: noContent, stderr: []string{"5"}, status: 1},
	{step: "3.5", name: "never-closed", want: "Connection: close is waited for, but not for ever", server: script{answers: []string{helloResponse}, then: "open"}, stdout: helloResponse, quiet: true, check: tookLessThan(exchange.Patience)},
	{step: "3.5", name: "reset-in-the-middle", want: "a reset in the middle of a body: what came is printed, and the reset is said", points: 2, server: script{answers: []string{"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n" + helloBody}, then: "reset", pause: 100 * time.Millisecond},
		stdout: "HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n" + helloBody, stderr: []string{"ended early", "reset", "RST", "36", "60"}, status: 1},
	{step: "3.5", name: "reset-after-the-end", want: "a reset after a complete response is no error", server: script{answers: []string{helloResponse}, then: "reset", pause: 100 * time.Millisecond}, stdout: helloResponse, stderr: []string{"reset"}},
	{step: "3.5", name: "refused", want: "a refused connection is an error that names the address", args: "127.0.0.1 {closed} HelloWorld.html", stderr: []string{"connect", "127.0.0.1"}, status: 1},
	{step: "3.5", name: "refused-to-file", want: "a refused connection makes no file for -o", args: "-o {out} 127.0.0.1 {closed} HelloWorld.html", stderr: []string{"connect"}, status: 1, check: wroteNoFile},
	{step: "3.5", name: "timeout-head", want: "a head that does not come in time is an error", args: "-timeout 1s {host} {port} HelloWorld.html", server: script{answers: []string{"HTTP/1.1 200 OK\r\n"}, then: "open"}, stdout: "HTTP/1.1 200 OK\r\n", stderr: []string{"time"}, status: 1},
	{step: "3.5", name: "timeout-head-drip", want: "-timeout is for the whole head, not for each byte", args: "-timeout 300ms {host} {port} HelloWorld.html",
		server: script{answers: []string{"HTTP/1.1 200 OK\r\n" + "X: " + strings.Repeat("a", 200)}, bytes: true, pause: 50 * time.Millisecond, then: "open"}, anyOut: true, stderr: []string{"time"}, status: 1, check: tookLessThan(exchange.Patience)},
	{step: "3.5", name: "timeout-chunk-line-drip", want: "-timeout is for the whole of a chunk-size line", args: "-timeout 300ms {host} {port} HelloWorld.html",
		server: script{answers: []string{chunkedHead}, drip: "5;" + strings.Repeat("a", 200), pause: 50 * time.Millisecond, then: "open"}, anyOut: true, stderr: []string{"time"}, status: 1, check: tookLessThan(exchange.Patience)},
	{step: "3.5", name: "timeout-trailer-drip", want: "-timeout is for the whole trailer section", args: "-timeout 300ms {host} {port} HelloWorld.html",
		server: script{answers: []string{chunkedHead + "0\r\n"}, drip: strings.Repeat("X: y\r\n", 50), pause: 50 * time.Millisecond, then: "open"}, anyOut: true, stderr: []string{"time"}, status: 1, check: tookLessThan(exchange.Patience)},
	{step: "3.5", name: "timeout-body", want: "a body that stops is an error after -timeout", args: "-timeout 1s {host} {port} HelloWorld.html", server: script{answers: []string{keepResponse[:50]}, then: "open"}, stdout: keepResponse[:50], stderr: []string{"time", fmt.Sprint(50 - len(keepResponse) + 36), "36"}, status: 1},
	{step: "3.5", name: "slow-body", want: "a body that is slow, but never stops, is no error", args: "-timeout 1s -body {host} {port} HelloWorld.html",
		server: script{answers: []string{"HTTP/1.1 200 OK\r\n\r\n"}, drip: strings.Repeat("slow", 15), pause: 20 * time.Millisecond}, stdout: strings.Repeat("slow", 15), quiet: true},
	{step: "3.5", name: "slow-chunk", want: "a chunk that is slow, but never stops, is no error", args: "-timeout 1s -body {host} {port} HelloWorld.html",
		server: script{answers: []string{chunkedHead + "3c\r\n"}, drip: strings.Repeat("slow", 15) + "\r\n0\r\n\r\n", pause: 20 * time.Millisecond}, stdout: strings.Repeat("slow", 15), quiet: true},
	{step: "3.5", name: "max-time", want: "-max-time bounds the whole", args: "-max-time 300ms -body {host} {port} HelloWorld.html",
		server: script{answers: []string{"HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("a", 800)}, bytes: true, pause: 10 * time.Millisecond}, anyOut: true, stderr: []string{"-max-time"}, status: 1, check: tookLessThan(exchange.Patience)},
	{step: "3.5", name: "too-long-later-asked-to-stay", want: "bytes after the end are counted when only the response says close, too", args: "-n 2 {host} {port} HelloWorld.html", server: script{answers: []string{helloResponse}, later: "extra", pause: 100 * time.Millisecond},
		stdout: helloResponse, stderr: []string{"5 bytes"}, status: 1},
	{step: "3.5", name: "too-long-later-http-1-0", want: "bytes after the end are counted in HTTP/1.0, which says close by saying nothing", args: "-n 2 {host} {port} HelloWorld.html", server: script{answers: []string{"HTTP/1.0" + keepResponse[8:]}, later: "extra", pause: 100 * time.Millisecond},
		stdout: "HTTP/1.0" + keepResponse[8:], stderr: []string{"5 bytes"}, status: 1},
	{step: "3.5", name: "too-long-later-raw", want: "bytes after the end are counted after a request of -raw, too", args: "-raw {rawhead} {host} {port} a", server: script{answers: []string{keepResponse[:len(keepResponse)-36]}, later: "extra", pause: 100 * time.Millisecond},
		stdout: keepResponse[:len(keepResponse)-36], stderr: []string{"5 bytes"}, status: 1},

	// step 3.6
	{step: "3.6", name: "two-requests", want: "-n 2 sends two requests on one connection", points: 3, args: "-n 2 {host} {port} HelloWorld.html", server: script{answers: []string{keepResponse, helloResponse}},
		requests: []string{keepRequest, keepRequest}, stdout: keepResponse + helloResponse, quiet: true},
	{step: "3.6", name: "ten-requests", want: "-n 10 sends ten requests on one connection", args: "-n 10 -body {host} {port} HelloWorld.html", server: script{answers: []string{keepResponse, chunkedHello, keepResponse, noContent, keepResponse, keepResponse, notFound, keepResponse, keepResponse, keepResponse}, then: "open"},
		stdout: strings.Repeat(helloBody, 5) + "nope\n" + strings.Repeat(helloBody, 3), quiet: true},
	{step: "3.6", name: "http-1-0-keep-alive", want: "HTTP/1.0 with keep-alive stays open, too", args: "-n 2 -body {host} {port} HelloWorld.html",
		server: script{answers: []string{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nb"}, then: "open"}, stdout: "ab", quiet: true},
	{step: "3.6", name: "fail-first", want: "-fail counts for each answer", args: "-n 2 -fail {host} {port} HelloWorld.html", server: script{answers: []string{notFound, keepResponse}}, anyOut: true, stderr: []string{"404"}, status: 1},
	{step: "3.6", name: "gone-after-fin", want: "the second request after Connection: close: the end of the stream is seen, and explained", points: 3, args: "-n 2 {host} {port} HelloWorld.html", server: script{answers: []string{helloResponse}},
		stdout: helloResponse, stderr: []string{"request 2", "wish"}, status: 1},
	{step: "3.6", name: "gone-after-reset", want: "the second request on a connection that was reset: RST is named", points: 3, args: "-n 2 {host} {port} HelloWorld.html", server: script{answers: []string{keepResponse, "\x00"}, then: "reset"},
		stdout: keepResponse, stderr: []string{"request 2", "RST", "wish"}, status: 1},
	{step: "3.6", name: "too-long-persistent", want: "bytes after the first response are no second response", args: "-n 2 {host} {port} HelloWorld.html", server: script{answers: []string{keepResponse + "extra" + keepResponse}, then: "open"},
		stdout: keepResponse, stderr: []string{"bytes"}, status: 1},
	{step: "3.6", name: "parallel", want: "-p 3 makes three connections at once and prints no body", args: "-p 3 {host} {port} HelloWorld.html", server: script{answers: []string{helloResponse}, hold: 3}, stdout: "",
		stderr: []string{"connected", "first byte", "end", "36 bytes"}, connections: 3, check: parallel},
	{step: "3.6", name: "parallel-refused", want: "with -p a connection that fails is exit status 1", args: "-p 2 127.0.0.1 {closed} HelloWorld.html", stderr: []string{"connection 1", "connection 2"}, status: 1},
	{step: "3.6", name: "parallel-cut", want: "with -p a response that is cut short is exit status 1", args: "-p 1 {host} {port} HelloWorld.html", server: script{answers: []string{keepResponse[:60]}}, stdout: "", stderr: []string{"ended early"}, status: 1},
	{step: "3.6", name: "first-byte", want: "the first byte is the first, and the end the end", args: "-p 1 {host} {port} HelloWorld.html",
		server: script{answers: []string{keepResponse[:50]}, later: keepResponse[50:], pause: 500 * time.Millisecond}, stdout: "", check: firstByteIsFirst},

	// step S.5
	{step: "S.5", name: "version-2-0", want: "HTTP/2.0 in a status line is an error", server: script{answers: []string{"HTTP/2.0 200 OK\r\n\r\n"}}, anyOut: true, stderr: []string{"status line"}, status: 1},
	{step: "S.5", name: "version-1-10", want: "HTTP/1.10 in a status line is an error", server: script{answers: []string{"HTTP/1.10 200 OK\r\n\r\n"}}, anyOut: true, stderr: []string{"status line"}, status: 1},
	{step: "S.5", name: "other-version", want: "HTTP/2 in a status line is an error", server: script{answers: []string{"HTTP/2 200 OK\r\n\r\n"}}, anyOut: true, stderr: []string{"status line"}, status: 1},
	{step: "S.5", name: "status-four-digits", want: "a status has three digits, not four", server: script{answers: []string{"HTTP/1.1 2000 OK\r\n\r\n"}}, anyOut: true, stderr: []string{"status line"}, status: 1},
	{step: "S.5", name: "status-two-digits", want: "a status has three digits, not two", server: script{answers: []string{"HTTP/1.1 20 OK\r\n\r\n"}}, anyOut: true, stderr: []string{"status line"}, status: 1},
	{step: "S.5", name: "status-under-100", want: "a status is 100 or more", server: script{answers: []string{"HTTP/1.1 099 Low\r\n\r\n"}}, anyOut: true, stderr: []string{"status line"}, status: 1},
	{step: "S.5", name: "content-length-plus", want: "a Content-Length has no sign", server: script{answers: []string{"HTTP/1.1 200 OK\r\nContent-Length: +36\r\n\r\n" + helloBody}}, anyOut: true, stderr: []string{"Content-Length"}, status: 1, free: true},
	{step: "S.5", name: "content-length-empty", want: "a Content-Length is not empty", server: script{answers: []string{"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n" + helloBody}}, anyOut: true, stderr: []string{"Content-Length"}, status: 1},
	{step: "S.5", name: "two-content-lengths", want: "two different Content-Lengths are an error", server: script{answers: []string{"HTTP/1.1 200 OK\r\nContent-Length: 36\r\nContent-Length: 12\r\n\r\n" + helloBody}}, anyOut: true, stderr: []string{"Content-Length"}, status: 1},
	{step: "S.5", name: "folded-field", want: "a folded field line belongs to the one before", server: script{answers: []string{"HTTP/1.1 204 No Content\r\nX: a\r\n\tb: c\r\n\r\n"}},
		stdout: "HTTP/1.1 204 No Content\r\nX: a\r\n\tb: c\r\n\r\n", status: anyStatus},
	printed("S.5", "folded-field-and-body", "a folded field does no harm to the others", "", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok"),
	{step: "S.5", name: "endless-line", want: "a line without an end is an error, and is not held in memory", server: script{answers: []string{"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 8<<20)}, then: "open"}, anyOut: true, stderr: []string{"line"}, status: 1},
	{step: "S.5", name: "endless-fields", want: "field lines without an end are an error", server: script{answers: []string{"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: a\r\n", 1<<20)}, then: "open"}, anyOut: true, stderr: []string{"section"}, status: 1},
	{step: "S.5", name: "chunk-line-endless", want: "a chunk-size line without an end is an error, and is not held in memory", server: script{answers: []string{chunkedHead + "5;" + strings.Repeat("a", 8<<20)}, then: "open"}, anyOut: true, stderr: []string{"line"}, status: 1, also: "3.4"},
	printed("S.5", "folded-length", "the next line may have the value of a field", "", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\t2\r\n\r\nok"),
	controlOctet("status-line", "HTTP/1.1 200 O\x00K\r\nContent-Length: 0\r\n\r\n"),
	controlOctet("field-line", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\x00\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
	controlOctet("folded-line", "HTTP/1.1 200 OK\r\nX: a\r\n b\x1b[2J\r\nContent-Length: 0\r\n\r\n"),
	controlOctet("trailer", chunkedHead+"2\r\nok\r\n0\r\nX: a\x7f\r\n\r\n"),
	controlOctet("chunk-line", chunkedHead+"2;a=\x0b\r\nok\r\n0\r\n\r\n"),
	bareCR("status-line", "HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n"),
	bareCR("field-line", "HTTP/1.1 200 OK\r\nX: a\rContent-Length: 2\r\n\r\nok"),
	bareCR("before-a-line-end", "HTTP/1.1 200 OK\r\nX: a\r\r\nContent-Length: 0\r\n\r\n"),
	bareCR("trailer", chunkedHead+"2\r\nok\r\n0\r\nX: a\rY: b\r\n\r\n"),
	bareCR("chunk-line", chunkedHead+"2;a\rb\r\nok\r\n0\r\n\r\n"),
	{step: "S.5", name: "tab-and-octets", want: "a tab is no mistake, and octets above 0x7f are none", server: script{answers: []string{tabAndOctets}}, stdout: tabAndOctets, quiet: true, free: true},
}

var allBytes = func() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}()

func clientChecks() []Check {
	var checks []Check
	for _, c := range clientCases {
		check := Check{Step: c.step, Name: c.name, Weight: max(1, c.points), Want: c.want, Flags: []string{noServer}, system: c.system, also: c.also, run: c.run}
		if c.free || c.system != "" || c.also != "" {
			check.Weight = 0
		}
		if c.step == "S.5" && strings.HasPrefix(strings.Join(c.server.answers, ""), chunkedHead) {
			check.Weight, check.also = 0, "3.4" // strict needs the core alone
		}
		checks = append(checks, check)
	}
	// Last in their steps: what fails here alone is no simpler mistake.
	return append(checks,
		Check{Step: "3.3", Name: "memory", system: "memory", Flags: []string{noServer}, run: clientMemory,
			Want: "a body of 100 MB is streamed: it needs no more memory than a small one"},
		Check{Step: "3.5", Name: "cut-anywhere", Weight: 2, Flags: []string{noServer}, run: cutAnywhere,
			Want: "wherever a response is cut, by FIN or by RST: what came is printed, and exit status 1"})
}

// A clientRun is what came out of one run of the client.
type clientRun struct {
	requests       []string
	stdout, stderr string
	status         int
	took           time.Duration
	hung           error  // it had to be killed
	dir            string // where it may write
	addr           string
	connections    int
}

// run plays the server of a case, runs the client, and compares.
func (c clientCase) run(l *lab) error {
	r, err := c.play(l)
	if err != nil {
		return err
	}
	err = c.compare(r)
	if r.connections > max(1, c.server.hold) {
		err = verdict.Because(err, "another-connection", r.connections)
	}
	return err
}

// compare looks for the first thing that is wrong with a run.
func (c clientCase) compare(r *clientRun) error {
	for i, want := range c.requests {
		want = strings.ReplaceAll(want, "{addr}", r.addr)
		got := ""
		if i < len(r.requests) {
			got = r.requests[i]
		}
		if got != want {
			f := verdict.Request(want, got)
			if got == "" && i > 0 {
				f = &verdict.Failure{Diagnosis: "one-request-only", Args: []any{i, len(c.requests)}}
			}
			f.Seen = fmt.Sprintf("request %d: %s%s", i+1, verdict.Difference([]byte(want), []byte(got)), r.said())
			return f
		}
	}
	if r.hung != nil {
		return verdict.Failf(c.waited(), "%v\nstandard output: %.300q%s", r.hung, r.stdout, r.said())
	}
	if !c.anyOut && r.stdout != c.stdout {
		f := verdict.Output(strings.Join(c.server.answers, "")+c.server.later, c.stdout, r.stdout, strings.Contains(c.args, "-body"))
		switch {
		case strings.Contains(c.args, "-o {out}"):
			f = &verdict.Failure{Diagnosis: "out-file"}
		case strings.Contains(c.args, "-p "):
			f = &verdict.Failure{Diagnosis: "parallel"}
		case c.late(r):
			f = &verdict.Failure{Diagnosis: c.waited()}
		case f.Diagnosis == "client-cut" && regexp.MustCompile(" is not written yet|after the end of the response|ended early").MatchString(r.stderr):
			// It went on, with what it had.
		case c.status != 1 && r.status != 0 && (f.Diagnosis == "client-cut" || f.Diagnosis == "client-silent"):
			f = &verdict.Failure{Diagnosis: "client-gave-up", Args: []any{len(r.stdout), len(c.stdout), r.status}}
		}
		f.Seen = fmt.Sprintf("standard output: %s\nexit status %d%s", verdict.Difference([]byte(c.stdout), []byte(r.stdout)), r.status, r.said())
		return f
	}
	if c.status != anyStatus && r.status != c.status {
		id := "exit-status"
		switch {
		case r.status == 0 && slices.Contains(c.stderr, "ended early"):
			id = "truncated-taken"
		case r.status == 0:
			id = "exit-0-on-failure"
		case c.status == 0 && c.late(r):
			id = c.waited()
		case c.status == 0 && c.headAlone():
			id = "no-body-comes"
		case c.status == 0:
			id = "exit-1-when-well"
		}
		return verdict.Failf(id, "exit status %d, want %d%s", r.status, c.status, r.said())
	}
	for _, word := range c.stderr {
		if !strings.Contains(strings.ToLower(r.stderr), strings.ToLower(word)) {
			id := "not-said"
			if c.anyOut && c.late(r) { // its own time-out ended it, and not the limit that it should have
				id = c.waited()
			}
			return verdict.Failf(id, "standard error does not speak of %q: %.500q", word, r.stderr)
		}
	}
	if c.quiet && r.stderr != "" {
		return verdict.Failf("says-too-much", "standard error: %.500q", r.stderr)
	}
	if c.check != nil {
		return c.check(r)
	}
	return nil
}

// said is what came on standard error, if anything did.
func (r *clientRun) said() string {
	if r.stderr == "" {
		return ""
	}
	return fmt.Sprintf("\nstandard error: %.500s", r.stderr)
}

// waited is the diagnosis for a client that was waiting when it should have ended.
func (c clientCase) waited() string {
	switch {
	case c.server.hold > 1:
		return "parallel"
	case c.server.then != "open":
		return "end-not-seen"
	case c.status == 1:
		return "client-no-limit"
	}
	return "waits-for-close"
}

// late reports whether a client waited for a connection that stays open until
// a time-out of its own came.
func (c clientCase) late(r *clientRun) bool {
	return c.server.then == "open" && r.took > exchange.Patience
}

// headAlone reports whether the response has a length, and yet no body.
func (c clientCase) headAlone() bool {
	m := exchange.ReadMessage([]byte(strings.Join(c.server.answers, "")))
	length, _ := m.Field("Content-Length")
	return len(m.Body) == 0 && strings.Trim(length, "0") != ""
}

// cutAnywhere cuts two small responses after each of their bytes, with FIN and
// at some with RST.
func cutAnywhere(l *lab) error {
	var cases []clientCase
	for _, response := range []string{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", chunkedHead + "2\r\nok\r\n0\r\n\r\n"} {
		for at := 1; at < len(response); at++ {
			c := early("", "", response[:at])
			cases = append(cases, c)
			if at%3 == 0 { // a third of them, because every run takes its time
				c.server.then, c.server.pause = "reset", 20*time.Millisecond
				cases = append(cases, c)
			}
		}
	}
	var all errgroup.Group
	all.SetLimit(8)
	for _, c := range cases {
		all.Go(func() error {
			err := c.run(l)
			if f, ok := err.(*verdict.Failure); ok {
				f.Seen = fmt.Sprintf("cut after %d bytes (%s): %s", len(c.stdout), cmp.Or(c.server.then, "FIN"), f.Seen)
			}
			return err
		})
	}
	return all.Wait()
}

// play runs the client against the case's server.
func (c clientCase) play(l *lab) (*clientRun, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer ln.Close()
	r := &clientRun{addr: ln.Addr().String()}
	if r.dir, err = os.MkdirTemp(l.site.above, "client-"); err != nil {
		return nil, err
	}
	args, err := c.arguments(l, r)
	if err != nil {
		return nil, err
	}

	start := time.Now()
	proc, stdout, err := l.startClient(args)
	if err != nil {
		return nil, err
	}
	defer proc.kill()
	var mu sync.Mutex
	all := make(chan bool) // closed when as many connections are there as the script holds
	go func() {
		for n := 1; ; n++ {
			conn, err := ln.Accept()
			if err != nil {
				return // the case is over
			}
			if n == max(1, c.server.hold) {
				close(all)
			}
			go func() {
				select {
				case <-all:
				case <-proc.done:
				}
				requests := c.server.serve(conn.(*net.TCPConn), proc.done)
				mu.Lock()
				defer mu.Unlock()
				r.requests = append(r.requests, requests...)
				r.connections++
			}()
		}
	}()
	r.status, r.hung = proc.wait(3 * exchange.Patience)
	r.took = time.Since(start)
	proc.kill() // if it hangs: then its output is complete, too
	// The server's side is about to see the client's end, if it has not yet.
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		mu.Lock()
		complete := len(r.requests) >= len(c.requests) && r.connections >= c.connections
		mu.Unlock()
		if complete {
			break
		}
	}
	mu.Lock()
	defer mu.Unlock()
	done := *r
	done.stdout, done.stderr = stdout.String(), proc.stderr.String()
	return &done, nil
}

// arguments fills in a case's arguments. \x20 stands for a byte that would
// not survive the splitting into words.
func (c clientCase) arguments(l *lab, r *clientRun) ([]string, error) {
	host, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		return nil, err
	}
	fill := []string{"{addr}", r.addr, "{host}", host, "{port}", port, "{closed}", closedPort, "{out}", filepath.Join(r.dir, "out"),
		`\x20`, " ", `\x0d`, "\r", `\x0a`, "\n"}
	for name, content := range map[string]string{"raw": rawRequest, "rawhead": rawHead, "rawconnect": rawConnect} {
		if !strings.Contains(c.args, "{"+name+"}") {
			continue
		}
		file := filepath.Join(r.dir, name)
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			return nil, err
		}
		fill = append(fill, "{"+name+"}", file)
	}
	words := strings.Fields(c.args)
	if c.args == "" {
		words = []string{"{host}", "{port}", "HelloWorld.html"}
	}
	if l.program.Foreign && (len(words) != 3 || words[0] != "{host}" || words[1] != "{port}") {
		return nil, notHere("this program has none of the kit's flags")
	}
	for i := range words {
		words[i] = strings.NewReplacer(fill...).Replace(words[i])
	}
	return words, nil
}

// closedPort is a port on which nobody listens. One that was free a moment ago
// would not do: the system may give it to the server of another case.
const closedPort = "1"

// serve plays the script on one connection, and returns the requests that came.
func (s script) serve(conn *net.TCPConn, clientDone <-chan struct{}) (requests []string) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(3 * exchange.Patience))
	send := func(answer string, bytewise bool) bool {
		if !bytewise {
			_, err := io.WriteString(conn, answer)
			return err == nil
		}
		for i := range len(answer) {
			if _, err := conn.Write([]byte{answer[i]}); err != nil {
				return false
			}
			time.Sleep(max(s.pause, time.Millisecond)) // the stimulus: a segment for each byte
		}
		return true
	}
	var rest []byte
	for _, answer := range s.answers {
		var request []byte
		var err error
		request, rest, err = readRequest(conn, rest)
		if len(request) > 0 {
			requests = append(requests, string(request))
		}
		if err != nil {
			return requests
		}
		if answer == "\x00" { // no answer, but the end that the script has
			break
		}
		if !send(answer, s.bytes) {
			return requests
		}
	}
	time.Sleep(s.pause)
	if !send(s.later, false) || !send(s.drip, true) {
		return requests
	}
	switch s.then {
	case "reset":
		conn.SetLinger(0) // makes Close send RST
		return requests
	case "open":
		<-clientDone
		return requests
	}
	conn.CloseWrite()
	io.Copy(io.Discard, conn) // until the client closes
	return requests
}

// readRequest reads a request's head. rest is what came behind the one before.
func readRequest(conn net.Conn, rest []byte) (request, more []byte, err error) {
	buf := make([]byte, 4096)
	for {
		for _, empty := range []string{"\r\n\r\n", "\n\n"} {
			if end := bytes.Index(rest, []byte(empty)) + len(empty); end >= len(empty) {
				return rest[:end], rest[end:], nil
			}
		}
		n, err := conn.Read(buf)
		rest = append(rest, buf[:n]...)
		if err != nil {
			return rest, nil, err
		}
	}
}

// tookEmptyLine finds out whether the empty line was taken for the end of the head,
// which no output shows yet.
func tookEmptyLine(r *clientRun) error {
	if strings.Contains(r.stderr, `field line ""`) {
		return verdict.Failf("empty-line-read", "exit status %d%s", r.status, r.said())
	}
	return nil
}

func tookLessThan(d time.Duration) func(*clientRun) error {
	return func(r *clientRun) error {
		if r.took > d {
			id := "waits-for-close"
			if r.status != 0 { // there was nothing to wait for but the time-out
				id = "client-no-limit"
			}
			return verdict.Failf(id, "it took %v", r.took.Round(time.Millisecond))
		}
		return nil
	}
}

func wroteFile(want string) func(*clientRun) error {
	return func(r *clientRun) error {
		got, err := os.ReadFile(filepath.Join(r.dir, "out"))
		if err != nil || string(got) != want {
			return verdict.Failf("out-file", "%v\n%s", err, verdict.Difference([]byte(want), got))
		}
		return nil
	}
}

func wroteNoFile(r *clientRun) error {
	if _, err := os.Stat(filepath.Join(r.dir, "out")); err == nil {
		return verdict.Failf("out-file", "the file of -o was made")
	}
	return nil
}

func parallel(r *clientRun) error {
	if lines := strings.Count(r.stderr, "first byte"); lines != 3 || r.connections != 3 {
		return verdict.Failf("parallel", "%d connections came, and %d lines:\n%s", r.connections, lines, r.stderr)
	}
	return nil
}

var timeline = regexp.MustCompile(`first byte ([0-9.]+) ms.*end ([0-9.]+) ms`)

// firstByteIsFirst looks at the times: the end came 500 ms after the head.
func firstByteIsFirst(r *clientRun) error {
	var first, end float64
	if m := timeline.FindStringSubmatch(r.stderr); m != nil {
		first, _ = strconv.ParseFloat(m[1], 64) // the expression lets only numbers through
		end, _ = strconv.ParseFloat(m[2], 64)
	}
	if end-first < 300 {
		return verdict.Failf("parallel", "standard error: %s", r.stderr)
	}
	return nil
}

// maxGrowth is how much more memory a program may need for a large body than
// for a small one, in bytes. The whole of the body would show.
const maxGrowth = 32 << 20

// clientMemory sends a body of 100 MB, and looks at the client's memory when
// it has read nearly all of it.
func clientMemory(l *lab) error {
	const size = 100_000_000
	switch {
	case l.program.Foreign:
		return notHere("this program has none of the kit's flags")
	case l.program.function != nil:
		return notHere("a function has no memory of its own")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer ln.Close()
	addr := ln.Addr().(*net.TCPAddr)
	out := filepath.Join(l.site.above, "memory")
	proc, _, err := l.startClient([]string{"-body", "-o", out, "127.0.0.1", strconv.Itoa(addr.Port), "big"})
	if err != nil {
		return err
	}
	defer proc.kill()
	ln.(*net.TCPListener).SetDeadline(time.Now().Add(exchange.Patience))
	conn, err := ln.Accept()
	if err != nil {
		return verdict.Failf("request-none", "%v\n%s", err, proc.stderr)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * exchange.Patience))
	if _, _, err := readRequest(conn, nil); err != nil {
		return err
	}
	before, memErr := peakMemory(proc.cmd.Process.Pid)
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size) // an error shows in the body
	block := bytes.Repeat([]byte("0123456789abcdef"), 6250)
	for range size/len(block) - 1 {
		if _, err := conn.Write(block); err != nil {
			return verdict.Failf("body-not-read", "%v\n%s", err, proc.stderr)
		}
	}
	after, _ := peakMemory(proc.cmd.Process.Pid) // memErr has said whether that can be known
	if _, err := conn.Write(block); err != nil {
		return err
	}
	conn.Close()
	status, err := proc.wait(2 * exchange.Patience)
	info, statErr := os.Stat(out)
	if err = errors.Join(err, statErr); err != nil || status != 0 || info.Size() != size {
		return verdict.Failf("body-not-read", "%v, exit status %d\n%s", err, status, proc.stderr)
	}
	if memErr != nil {
		return memErr
	}
	if after-before > maxGrowth {
		return verdict.Failf("client-memory", "for a body of 100 MB the client needed %d MB more", (after-before)>>20)
	}
	return nil
}

// peakMemory is the most memory that a process has used so far, in bytes.
func peakMemory(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, notHere("only Linux tells how much memory another process has used (/proc)")
	}
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	var kB int64
	if _, err := fmt.Sscanf(line, "%d kB", &kB); err != nil {
		return 0, notHere("no VmHWM in /proc: " + err.Error())
	}
	return kB << 10, nil
}
