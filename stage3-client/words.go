package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// cutShort turns an error of the connection in the middle of a response into
// one that says what had come by then. Other errors, and nil, stay as they are.
func cutShort(err error, format string, args ...any) error {
	if !isNetwork(err) {
		return err
	}
	return endedEarly(err, fmt.Sprintf(format, args...))
}

// noAnswer is the error of the i-th request on a connection when no byte of an
// answer came.
func noAnswer(i int, sendErr, err error) error {
	switch {
	case isGone(err) && i > 1:
		return onlyAWish(i, howGone(sendErr, err))
	case isGone(err):
		return fmt.Errorf("no answer; %s", howGone(sendErr, err))
	case errors.Is(sendErr, os.ErrDeadlineExceeded):
		return errors.New("time out: the server did not take the request within -timeout, and did not answer")
	}
	return errors.New(trouble(err))
}

// trouble puts into words what ended a connection.
func trouble(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "time out: what should have come did not come within -timeout"
	case isReset(err):
		return "connection reset: the server's system sent RST (Windows calls it 10054)"
	case errors.Is(err, net.ErrClosed):
		return "time out: it was not over within -max-time"
	case isBrokenPipe(err):
		return "broken pipe: the connection was reset (RST) before this was sent"
	}
	return err.Error()
}

// isGone reports whether an error says that there is no connection any more.
func isGone(err error) bool { return err == io.EOF || isReset(err) || isBrokenPipe(err) }

// isNetwork reports whether an error is the connection's, and not one of what
// came on it.
func isNetwork(err error) bool {
	return isGone(err) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed)
}

// Windows has error numbers of its own: WSAECONNRESET, and WSAECONNABORTED
// for what is a broken pipe elsewhere.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.Errno(10054))
}

func isBrokenPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.Errno(10053))
}
