package rig

import (
	"cmp"
	"errors"
	"io"
	"os"
	"runtime"
	"time"

	"weblab.example/stage1-single/fast"
)

// Write writes p, unless the client takes no byte for as long as -stall.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.untilStalled(int64(len(p)), func(done int64) (int64, error) {
		n, err := c.tcp.Write(p[done:])
		return int64(n), err
	})
	return int(n), err
}

// ReadFrom is what io.CopyN calls to send the bytes of a file. They go piece by
// piece, and the kernel copies them from the file to the socket (sendfile).
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	part, ok := r.(*io.LimitedReader)
	var file *os.File
	if ok {
		file, ok = part.R.(*os.File)
	}
	if !ok {
		return io.Copy(struct{ io.Writer }{c}, r) // by Write
	}
	begin, _ := file.Seek(0, io.SeekCurrent) // pieces of it may have been sent; below, Seek has the same error
	return c.untilStalled(part.N, func(done int64) (int64, error) {
		if _, err := file.Seek(begin+done, io.SeekStart); err != nil { // more may have been read than was taken
			return 0, err
		}
		return io.CopyN(c.tcp, file, min(part.N-done, pieceSize))
	})
}

// untilStalled calls write, which continues after the first done bytes, until size bytes
// are written. It gives up when none was taken for as long as -stall. The system
// wakes up a writer only when there is room for many bytes, not for a few: so the
// deadlines are parts of -stall, and it is tried again while bytes go.
func (c *Conn) untilStalled(size int64, write func(done int64) (int64, error)) (done int64, err error) {
	tries := time.Duration(16)
	if runtime.GOOS == "windows" {
		tries = 1 // there nobody knows how much was taken before a deadline passed: golang.org/issue/24727
	}
	last := time.Now() // when a byte was taken
	for done < size && err == nil {
		c.tcp.SetWriteDeadline(time.Now().Add(c.listener.Stall / tries)) // fails if closed: writing says so, too
		var n int64
		if n, err = write(done); n > 0 {
			done += n
			c.sending = true
			last = time.Now()
		}
		if tries > 1 && errors.Is(err, os.ErrDeadlineExceeded) && time.Since(last) < c.listener.Stall {
			err = nil
		}
	}
	return done, err
}

// CloseWrite sends FIN. From then on the rest that the client sends can be read, for as
// long as -linger. If there is nothing to wait for, it is an error: the client has closed,
// too, or with -linger 0 this server closes at once.
func (c *Conn) CloseWrite() error {
	half, ok := c.tcp.(interface{ CloseWrite() error })
	if !ok || c.listener.Linger <= 0 {
		return errors.ErrUnsupported
	}
	c.closing = true
	looks := fast.LooksAmongOthers
	if c.listener.serving.Load() == 1 {
		looks = fast.LooksAlone
	}
	if err := half.CloseWrite(); err != nil || fast.ClosesSoon(c.tcp, looks) {
		return cmp.Or(err, io.EOF)
	}
	return c.tcp.SetReadDeadline(time.Now().Add(c.listener.Linger))
}

// finish closes for writing, and reads and drops what the client still sends.
func (c *Conn) finish() {
	if c.CloseWrite() == nil {
		io.CopyN(io.Discard, c, maxRest) // whatever ends it, the next thing is to close
	}
}

// Close closes the connection.
func (c *Conn) Close() error {
	if c.why == errTLS { // read the rest of the hello, so that no reset is sent
		c.finish()
	}
	c.stopWatch()
	err := c.tcp.Close()
	c.listener.serving.Add(-1)
	if c.logs() {
		c.log.Info("closed", "why", c.why.Error())
	}
	return err
}
