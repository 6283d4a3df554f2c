package golden

import (
	"bytes"
	"errors"
	"net"
	"syscall"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/verdict"
)

// dial connects, with a deadline for everything on the connection.
func (t *target) dial() (*net.TCPConn, error) {
	conn, err := exchange.Dial(t.addr)
	for err != nil && t.starting() {
		time.Sleep(exchange.Pause)
		conn, err = exchange.Dial(t.addr)
	}
	if err != nil && t.program.Foreign && !t.reached.Load() {
		if t.proc != nil && !t.tried {
			return nil, t.notStarted(t.proc.NotListening())
		} else if t.proc == nil {
			return nil, t.program.trouble("no server listens on %s", t.addr) // nor has one before
		}
	}
	if errors.Is(err, syscall.ECONNRESET) { // somebody listens, and closes at once
		return nil, verdict.Failf("reset", "the connection was reset while it was opened")
	}
	if err != nil {
		return nil, verdict.Failf("not-accepting", "cannot connect: %v", err)
	}
	t.reached.Store(true)
	return conn, nil
}

// dialAndSend connects and sends the first bytes.
func (t *target) dialAndSend(first []byte) (*net.TCPConn, error) {
	conn, err := t.dial()
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(first); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// talk sends the pieces of a request on a connection of its own, and hears the
// answer out.
func (t *target) talk(pieces ...[]byte) (exchange.Heard, error) {
	conn, err := t.dial()
	if f, ok := err.(*verdict.Failure); ok && f.Diagnosis == "reset" {
		return exchange.Heard{End: exchange.EndReset, Sent: bytes.Join(pieces, nil)}, nil
	}
	if err != nil {
		return exchange.Heard{}, err
	}
	defer t.hangUp(conn)
	return exchange.Talk(conn, pieces...), nil
}
