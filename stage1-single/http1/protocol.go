package http1

import (
	"io"
	"slices"
	"strings"
)

// This file has what HTTP promises beside a page: other methods than GET, no
// answer that gets lost, and more than one request on a connection.

// maxRest bounds what is read and dropped before a close, in bytes.
const maxRest = 16 << 20

// otherMethod answers the methods beside GET:
//
//	HEAD /a  → what GET /a gets, with HeadOnly: the head, and no body
//	POST /a  → 405, with Allow: GET, HEAD
//	FETCH /a → 501
//
// A 405 is for the methods that HTTP has, but files do not: POST, PUT, DELETE,
// CONNECT, OPTIONS, TRACE (RFC 9110 section 9) and PATCH (RFC 5789). Any other is a
// 501: case matters, and get is not GET. statusPage makes the two pages.
//
//lab:todo 1.7 answer HEAD, and say 405 or 501 to the other methods
func otherMethod(req *Request, site Getter) *Response {
	switch req.Method {
	case "HEAD":
		resp := site.Get(req.Target)
		resp.HeadOnly = true
		return resp
	case "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH":
		resp := statusPage(405, "the method is "+req.Method)
		resp.Allow = "GET, HEAD"
		return resp
	}
	return statusPage(501, "the method is "+req.Method)
}

// finish ends a connection without losing the answer that was just sent (RFC
// 9112 section 9.6). If bytes of the client are unread when a program closes, TCP
// sends a reset, and a reset destroys what the client has not read yet. So:
//
//	CloseWrite      sends FIN: the answer is complete; if it fails, return
//	read and drop   until the client closes, too, but at most maxRest bytes
//	Close           which Serve does
//
// The flag -linger says how long reading may take: package rig sees to that.
//
//lab:todo 1.8 close for writing, then read and drop what the client still sends
func finish(conn Conn) {
	if err := conn.CloseWrite(); err != nil {
		return
	}
	io.CopyN(io.Discard, conn, maxRest) // whatever ends this, the next thing is to close
}

// connectionOption decides whether the connection stays open after the answer
// to a request, and returns what the answer says about it in its field
// Connection (RFC 9112 section 9.3):
//
//	GET / HTTP/1.1                          → ""            it stays open, that is the rule
//	GET / HTTP/1.1 and Connection: close    → "close"
//	GET / HTTP/1.0                          → "close"       that is the rule in HTTP/1.0
//	GET / HTTP/1.0, Connection: keep-alive  → "keep-alive"  the client has asked for it
//
// In the request the field is a list (List reads it), and close counts more than
// keep-alive. A request with a body (req.hasBody) ends the connection, too: this server
// does not read the body, so it cannot find the next request behind it.
//
//lab:todo 1.9 decide from the request whether the connection stays open
func connectionOption(req *Request) string {
	options := List(req.Fields, "Connection")
	switch {
	case req.hasBody(), slices.Contains(options, "close"):
		return "close"
	case req.Minor >= 1:
		return ""
	case slices.Contains(options, "keep-alive"):
		return "keep-alive"
	}
	return "close"
}

// hasBody reports whether a body follows the head (RFC 9112 section 6).
func (req *Request) hasBody() bool {
	length := strings.Join(Values(req.Fields, "Content-Length"), "")
	return strings.Trim(length, "0") != "" || Values(req.Fields, "Transfer-Encoding") != nil
}
