package rig

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"html"
	"os"
	"strings"
	"time"

	"weblab.example/stage1-single/http1"
)

// isGap reports whether a panic is that of a function that is not written yet.
func isGap(p any) bool {
	text, _ := p.(string)
	return strings.HasPrefix(text, "step ") && strings.Contains(text, "is not written yet")
}

// ExitAtGap is deferred by the main of every stage. It prints which step is not written
// yet, and ends the program with status 3. Any other panic is raised again.
func ExitAtGap() {
	p := recover()
	if isGap(p) {
		fmt.Fprintln(os.Stderr, p)
		os.Exit(3)
	}
	if p != nil {
		panic(p)
	}
}

// Catch is deferred by http1.Serve. A panic ends this connection only: it is logged, and
// answered with 500 if nothing was sent yet.
func (c *Conn) Catch() {
	p := recover()
	if p == nil {
		return
	}
	if c.sending {
		c.logPanic(p)
	} else {
		page, body := c.page500(p)
		c.logRequest("")
		c.logPanic(p)
		_, err := c.Write(page)
		c.Sent(body, err)
		c.finish()
	}
	c.why = fmt.Errorf("the server's own code ended it: %v", p)
}

// page500 makes the bytes of a 500. The student's own code does that, or if that is not
// written yet either, they are given.
func (c *Conn) page500(p any) (page []byte, size int64) {
	defer func() {
		if p := recover(); p != nil {
			c.logPanic(p)
			body := "<!DOCTYPE html><title>500</title><h1>The server runs, but its answers are not written yet</h1>\n" + gapText(p)
			size = int64(len(body))
			page = fmt.Appendf(nil, "HTTP/1.1 500 Internal Server Error\r\n"+"Connection: close\r\n"+
				"Content-Type: text/html; charset=utf-8\r\n"+"Content-Length: %d\r\n"+"\r\n"+"%s", len(body), body)
		}
	}()
	c.status, c.closes = 500, true
	resp := http1.Page(500, gapText(p))
	resp.HeadOnly = c.forHead
	var made bytes.Buffer
	size, _ = resp.WriteTo(&made) // a buffer takes all
	return made.Bytes(), size
}

// gapText says which step is missing. What else a panic says is for the log alone.
func gapText(p any) string {
	if isGap(p) {
		return "<p>→ " + html.EscapeString(p.(string)) + "</p>\n" // the arrow has three bytes: a length in characters is seen
	}
	return ""
}

// serveSample answers for -samples: it shows what step 1.2 makes of responses. Given code
// reads the request.
func (c *Conn) serveSample() {
	defer c.Close()
	defer c.Catch()
	in := bufio.NewReader(c)
	line, err := in.ReadString('\n')
	for rest := line; err == nil && strings.TrimSpace(rest) != ""; rest, err = in.ReadString('\n') {
	}
	if words := strings.Fields(line); err == nil && len(words) > 1 {
		resp := sample(words[1])
		c.WillSend(resp)
		c.Sent(resp.WriteTo(c))
		c.finish()
	}
}

func sample(target string) *http1.Response {
	status := map[string]int{"/": 200, "/405": 405, "/301": 301}[target]
	resp := http1.Page(cmp.Or(status, 404), "<p>太棒了: /404 /405 /301 /head /empty /no-length</p>\n")
	switch target {
	case "/405":
		resp.Allow = "GET, HEAD"
	case "/301":
		resp.Location = "/"
	case "/head":
		resp.HeadOnly = true
	case "/empty":
		resp.Status, resp.Body, resp.ContentLength = 200, nil, 0
	case "/no-length":
		resp.Connection, resp.ContentLength = "", -1
	}
	return resp
}

// experiment waits, and bends a response that is about to be sent.
func (o *Options) experiment(resp *http1.Response) {
	time.Sleep(o.Delay)
	if o.Date {
		resp.Date = time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") // RFC 9110 section 5.6.7
	}
	size := max(resp.Size, int64(len(resp.Body)))
	switch {
	case resp.Status != 200 || o.ContentLength == "exact":
		return
	case o.ContentLength == "none":
		resp.ContentLength = -1
	case o.ContentLength == "short":
		resp.ContentLength = max(0, size-12)
	case o.ContentLength == "long":
		resp.ContentLength = size + 24
	}
	resp.Connection = "close" // with a wrong length only the close can end the body
}
