package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// A reader takes responses off a connection, and writes to out what comes:
// every octet, or with bodyOnly the body without its chunked coding.
type reader struct {
	conn     *timedConn
	in       *bufio.Reader
	out      *output
	bodyOnly bool
	verbose  bool

	section string // to which the lines belong that are read now
	size    int    // of it so far, in bytes
}

// lineCost is what a line counts beside its bytes: each takes memory of its own.
const lineCost = 32

// begin begins a section of lines, for all of which there is one deadline. The
// function that it returns ends the section.
func (r *reader) begin(section string) (end func()) {
	r.section, r.size = section, 0
	return r.conn.allWithin(r.conn.each)
}

// readLine reads one line and returns it without its line end: CRLF, or the
// bare LF of textbook servers. If the stream ends before, the error is io.EOF.
func (r *reader) readLine() (string, error) {
	var line []byte
	for {
		piece, err := r.in.ReadSlice('\n')
		line = append(line, piece...)
		r.size += len(piece)
		if !r.bodyOnly {
			r.out.Write(piece) // output keeps its error
		}
		if bad := checkSize(r.section, r.size); bad != nil {
			return "", bad
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if err != nil {
			return "", err
		}
		if r.verbose {
			fmt.Fprintf(os.Stderr, "< %q\n", line)
		}
		r.size += lineCost
		text := strings.TrimSuffix(string(line[:len(line)-1]), "\r")
		return text, checkOctets(r.section, text)
	}
}

// fieldLine reads a field line.
func (r *reader) fieldLine() (string, error) {
	line, err := r.readLine()
	if err == nil && line != "" {
		err = r.joinFolded(&line)
	}
	return line, err
}
