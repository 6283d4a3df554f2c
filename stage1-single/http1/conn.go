// Package http1 speaks HTTP/1.1 by hand on a TCP connection. Read it in the
// order in which a request travels:
//
//   - conn.go: the exchange: read a request, find the answer, send it, close
//   - request.go: bytes from the socket become a [Request]
//   - site.go: the target of the request names a file
//   - response.go: a [Response] becomes bytes on the socket
//
// protocol.go can wait: it has what HTTP promises beside a page. So can the packages
// strict and fast, which refuse and remember, and package rig, which is given. The rules are those of RFC
// 9110 (what a message means) and RFC 9112 (how it looks on the wire).
package http1

import (
	"bufio"
	"io"
	"strings"

	"weblab.example/stage1-single/strict"
)

// readSize is how much is read at a time, in bytes. Most heads are shorter.
const readSize = 1 << 10

// A Conn is a TCP connection to a client. Serve reads and writes as if every client
// were fast: package rig gives each wait a time limit. For the log, Serve tells it how
// far the exchange has come.
type Conn interface {
	io.ReadWriteCloser
	CloseWrite() error // sends FIN: this side sends nothing more
	Catch()            // is deferred: a panic becomes a 500, and ends this connection only

	MayPersist() bool           // may another request follow?
	GotRequest(*Request)        // a request was read, or a part of one
	WillSend(*Response)         // this response is about to be sent
	Sent(body int64, err error) // it was sent, with so many bytes of its body
}

// A Getter finds the answer to a GET: a [Site] does, or something in front of one.
type Getter interface {
	Get(target string) *Response
}

// Serve answers the requests that come on a connection, and closes it. Without
// the flag -keep-alive there is one request.
func Serve(conn Conn, site Getter) {
	defer conn.Close()
	defer conn.Catch()
	in := bufio.NewReaderSize(conn, readSize) // one for all requests: it may hold the next one already
	for {
		req, err := ReadRequest(in)
		conn.GotRequest(req)
		resp := answer(req, err, site)
		if resp == nil {
			return // there is nobody to answer
		}
		if err == nil && conn.MayPersist() {
			resp.Connection = connectionOption(req) // instead of close
		}
		if err := send(conn, resp); err != nil {
			return // the client has left
		}
		if resp.Connection == "close" {
			finish(conn)
			return
		}
	}
}

// answer finds the response to a request. If reading it ended with an error that is no
// refusal, the client has left or said nothing: then there is no response.
func answer(req *Request, err error, site Getter) *Response {
	if refused, ok := err.(*strict.Error); ok {
		resp := statusPage(refused.Status, refused.Reason)
		resp.HeadOnly = strings.HasPrefix(req.Head, "HEAD ") // whatever else is wrong with it
		return resp
	}
	switch {
	case err != nil:
		return nil
	case req.Method == "GET":
		return site.Get(req.Target)
	}
	return otherMethod(req, site)
}

// send sends a response.
func send(conn Conn, resp *Response) error {
	defer resp.File.Close() // if there is one; it was only read, so an error costs nothing
	conn.WillSend(resp)
	body, err := resp.WriteTo(conn)
	conn.Sent(body, err)
	return err
}
