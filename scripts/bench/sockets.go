package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	answerTime = 10 * time.Second // to wait for the last answers, after the time of a load

	// mostRequests limits the requests of a load, and so the memory for its times.
	mostRequests = 4_000_000

	// connectors is how many clients connect at once. If a server's queue of
	// connections is full, a client waits a second before it tries again.
	connectors = 64
)

// fromSockets is the load generator for machines without wrk. It uses plain TCP
// sockets, and a goroutine for each client. If an answer is not the file, it ends
// with an error.
func (l load) fromSockets(ctx context.Context, addr string) (result, error) {
	visitors := make([]*visitor, l.conns)
	defer func() {
		for _, v := range visitors {
			v.leave()
		}
	}()
	last := time.Now().Add(l.time + 2*answerTime) // the end of every wait
	var connect errgroup.Group
	connect.SetLimit(connectors)
	for i := range visitors {
		visitors[i] = newVisitor(l, addr)
		if !l.close {
			connect.Go(func() error { return visitors[i].connect(last) })
		}
	}
	if err := connect.Wait(); err != nil {
		return result{}, err
	}
	var mu sync.Mutex // guards times
	var times []time.Duration
	start := time.Now()
	all, ctx := errgroup.WithContext(ctx)
	for _, v := range visitors {
		all.Go(func() error {
			mine, err := v.keepAsking(ctx, start.Add(l.time), last, mostRequests/l.conns)
			mu.Lock()
			defer mu.Unlock()
			times = append(times, mine...)
			return err
		})
	}
	err := all.Wait()
	took := time.Since(start).Seconds()
	if err != nil {
		return result{}, err
	}
	if len(times) == 0 {
		return result{}, errors.New("no answer came")
	}
	slices.Sort(times)
	rate := float64(len(times)) / took
	return result{Requests: rate, Bytes: rate * float64(l.size), P99: quantile(times, 0.99)}, nil
}

// A visitor is one client.
type visitor struct {
	load
	addr    string
	request []byte
	conn    net.Conn // nil while there is none
	in      *bufio.Reader
}

func newVisitor(l load, addr string) *visitor {
	request := "GET /" + l.path + " HTTP/1.1\r\nHost: " + addr + "\r\n"
	if l.close {
		request += "Connection: close\r\n"
	}
	const least, most = 4 << 10, 64 << 10 // bytes: little for thousands of clients, more for large files
	return &visitor{load: l, addr: addr, request: []byte(request + "\r\n"), in: bufio.NewReaderSize(nil, min(max(l.size, least), most))}
}

// connect connects. Everything on the connection must happen before deadline.
func (v *visitor) connect(deadline time.Time) (err error) {
	dialer := net.Dialer{Deadline: deadline}
	if v.conn, err = dialer.Dial("tcp", v.addr); err != nil {
		v.conn = nil
		return err
	}
	v.in.Reset(v.conn)
	return v.conn.SetDeadline(deadline)
}

func (v *visitor) leave() {
	if v != nil && v.conn != nil {
		v.conn.Close()
		v.conn = nil
	}
}

// keepAsking asks again and again until the time end, but at most most times. It
// returns how long each answer took.
func (v *visitor) keepAsking(ctx context.Context, end, last time.Time, most int) (times []time.Duration, err error) {
	for len(times) < most && ctx.Err() == nil {
		start := time.Now()
		if start.After(end) {
			break
		}
		if v.conn == nil {
			if err := v.connect(last); err != nil {
				return times, err
			}
		}
		if err := v.exchange(); err != nil {
			return times, err
		}
		if v.close {
			v.leave()
		}
		times = append(times, time.Since(start))
	}
	return times, ctx.Err()
}

// exchange sends a request and reads its answer, which must be the file. With
// close, the connection must end after it.
func (v *visitor) exchange() error {
	if _, err := v.conn.Write(v.request); err != nil {
		return err
	}
	length, err := v.readHead()
	switch {
	case err != nil:
		return fmt.Errorf("read the head of an answer: %w", err)
	case length != v.size:
		return fmt.Errorf("the answer has %d bytes, but the file has %d", length, v.size)
	}
	if v.body != nil {
		body, err := v.in.Peek(len(v.body)) // bodies to compare are small
		if err == nil && !bytes.Equal(body, v.body) {
			err = fmt.Errorf("it is %q", body)
		}
		if err != nil {
			return fmt.Errorf("read the body of an answer: %w", err)
		}
	}
	if _, err := v.in.Discard(length); err != nil {
		return fmt.Errorf("read the body of an answer: %w", err)
	}
	if v.close {
		if _, err := v.in.ReadByte(); err != io.EOF {
			return fmt.Errorf("the connection does not end after the answer: %v", err)
		}
	}
	return nil
}

// readHead reads a head up to the empty line and returns its Content-Length.
func (v *visitor) readHead() (length int, err error) {
	line, err := v.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if version, rest, _ := bytes.Cut(line, []byte(" ")); !bytes.HasPrefix(version, []byte("HTTP/1.")) || !bytes.HasPrefix(rest, []byte("200")) {
		return 0, fmt.Errorf("its first line is %q", line)
	}
	length = -1
	for {
		line, err := v.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			return length, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
}
