package golden

import (
	"bytes"
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/verdict"
)

// oneAtATime proves that a server is serial: while half of A's request is
// held, B hears nothing. Then A gets its answer, and after it B.
func oneAtATime(t *target, _ string) error {
	request, _ := bytesOf("hello")
	a, err := t.dial()
	if err != nil {
		return err
	}
	defer a.Close()
	half := len(request) / 2
	if _, err := a.Write(request[:half]); err != nil {
		return err
	}
	b, err := t.dialAndSend(request)
	if err != nil {
		return err
	}
	defer b.Close()
	early := readWithin(b, quiet)
	if early != "" && (readWithin(a, time.Millisecond) == "" || holds(a)) {
		return verdict.Failf("not-serial", "while the server held A's connection, B %s", early)
	}
	if _, err := a.Write(request[half:]); err != nil && early == "" {
		return err
	}
	heardA := exchange.HearOut(a)
	a.Close() // a server that lingers waits for that
	heardB := exchange.HearOut(b)
	seen := fmt.Sprintf("A sent the rest of its request: %s; B: %s", heardA.Said(), heardB.Said())
	switch {
	case early != "":
		return nil // A was served before its request was whole, and so is B
	case heardA.End == exchange.EndOpen:
		return leftOpen(heardA, seen)
	case heardB.End == exchange.EndOpen || len(heardA.Bytes) > 0 && len(heardB.Bytes) == 0:
		return verdict.Failf("only-once", "%s", seen)
	}
	return nil
}

// holds reports whether a server still has a connection, on which it may have
// sent an answer. If it has not, the system answers what comes with a reset.
func holds(conn net.Conn) bool {
	for range 3 {
		if _, err := conn.Write([]byte("x")); err != nil {
			return false
		}
		time.Sleep(exchange.Pause) // the stimulus: time for the reset to come
	}
	return true
}

// lastIsFirst proves concurrency by order, with no clock: so many requests are held
// half-sent, and are completed the last one first, each after the answer before.
func lastIsFirst(t *target, many string) error {
	n, _ := strconv.Atoi(many) // as the case says
	request, response := bytesOf("hello")
	half := len(request) / 2
	var conns []net.Conn
	for range n {
		conn, err := t.dialAndSend(request[:half])
		if err != nil {
			return err
		}
		defer conn.Close()
		conns = append(conns, conn)
	}
	for i, conn := range slices.Backward(conns) {
		if _, err := conn.Write(request[half:]); err != nil {
			return err
		}
		h := exchange.HearOut(conn)
		err := verdict.Want(h, response)
		switch {
		case i == n-1 && h.End == exchange.EndOpen:
			err = verdict.Because(err, "serial")
		case len(h.Bytes) == 0 || exchange.ReadMessage(h.Bytes).Status == 408:
			err = verdict.Because(err, "mixed-answers")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// manyAtOnce has so many clients ask for different files at the same time: answers that
// share a variable get mixed up. All are connected, one after the other, before the first of
// them asks: a queue of one (listen(1)) loses none of them.
func manyAtOnce(t *target, value string) error {
	words := strings.Fields(value)
	n, _ := strconv.Atoi(words[0]) // as the case says
	names := words[1:]
	failures := make([]error, n)
	var connected, all sync.WaitGroup
	connected.Add(n)
	for i := range n {
		all.Go(func() {
			conn, err := t.dial()
			connected.Done()
			if failures[i] = err; err != nil {
				return
			}
			defer conn.Close()
			connected.Wait()
			failures[i] = t.asksAmongMany(conn, names, i%len(names))
		})
		time.Sleep(exchange.Pause)
	}
	all.Wait()
	return cmp.Or(failures...)
}

// asksAmongMany asks for one of the files, and looks whether another one comes. A stage of
// the kit must send the bytes of the case, any other server what a browser would show.
func (t *target) asksAmongMany(conn *net.TCPConn, names []string, own int) error {
	request, response := bytesOf(names[own])
	request = bytes.Replace(request, []byte("\r\n\r\n"), []byte("\r\nConnection: close\r\n\r\n"), 1)
	want := exchange.ReadMessage(response)
	h := exchange.Talk(conn, request)
	if !t.program.Foreign {
		err := verdict.Want(h, response)
		if !bytes.Equal(h.Bytes, response) {
			err = verdict.Because(err, "mixed-answers")
		}
		return err
	}
	_, failed := verdict.Browser(h, want.Status, want.Body)
	if failed == nil {
		return nil
	}
	for _, name := range names {
		_, other := bytesOf(name)
		if page := exchange.ReadMessage(other).Body; !bytes.Equal(page, want.Body) && bytes.Contains(h.Bytes, page) {
			return verdict.Because(failed, "mixed-answers")
		}
	}
	return failed
}
