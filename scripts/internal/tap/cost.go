package tap

import (
	"context"
	"io"
	"net"
	"slices"
	"time"
)

// Cost measures what a tap adds to a request of 400 bytes on a connection that is there: the
// median time of an echo, without a tap and through one.
func Cost(requests int) (direct, tapped time.Duration, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, err
	}
	defer ln.Close()
	go func() { // until ln is closed
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				io.Copy(conn, conn)
			}()
		}
	}()
	t, err := Open("127.0.0.1:0", func(ctx context.Context) (*net.TCPConn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", ln.Addr().String())
		if err != nil {
			return nil, err
		}
		return conn.(*net.TCPConn), nil
	})
	if err != nil {
		return 0, 0, err
	}
	defer t.Close()
	if direct, err = echoTime(ln.Addr().String(), requests); err == nil {
		tapped, err = echoTime(t.Addr, requests)
	}
	return direct, tapped, err
}

// echoTime is the median time until a request has come back.
func echoTime(addr string, requests int) (time.Duration, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	request, took := make([]byte, 400), []time.Duration(nil)
	for range requests {
		begin := time.Now()
		conn.Write(request) // if it fails, nothing comes back
		if _, err := io.ReadFull(conn, request); err != nil {
			return 0, err
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
