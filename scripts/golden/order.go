package golden

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strconv"
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
	case heardA.End == exchange.EndOpen && len(heardA.Bytes) == 0:
		return verdict.Failf("no-answer-open", "%s", seen)
	case heardA.End == exchange.EndOpen:
		return verdict.Failf(verdict.Stays(heardA), "%s", seen)
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

// manyAtOnce has clients ask for different files at the same time: answers that share a
// variable get mixed up.
func manyAtOnce(t *target, many string) error {
	n, _ := strconv.Atoi(many) // as the case says
	names := []string{"hello", "directory-file", "not-found", "type-html", "query", "not-found-directory"}
	return atOnce(n, func(i int) error {
		request, response := bytesOf(names[i%len(names)])
		h, err := t.talk(request)
		if err == nil {
			err = verdict.Want(h, response)
		}
		if err != nil && h.End != "" && !bytes.Equal(h.Bytes, response) {
			return verdict.Because(err, "mixed-answers")
		}
		return err
	})
}

// manyPages is the same for the textbook's server. All clients are connected, one after the
// other, before the first of them asks: a queue of one (listen(1)) loses none of them.
func manyPages(t *target, many string) error {
	n, _ := strconv.Atoi(many) // as the case says
	pages := []string{"hello", "directory-file"}
	var connected sync.WaitGroup
	connected.Add(n)
	return atOnce(n, func(i int) error {
		time.Sleep(time.Duration(i) * exchange.Pause)
		conn, err := t.dial()
		connected.Done()
		if err != nil {
			return err
		}
		defer conn.Close()
		connected.Wait()
		request, response := bytesOf(pages[i%2])
		request = bytes.Replace(request, []byte("\r\n\r\n"), []byte("\r\nConnection: close\r\n\r\n"), 1)
		_, other := bytesOf(pages[1-i%2])
		h := exchange.Talk(conn, request)
		_, failed := verdict.Browser(h, 200, exchange.ReadMessage(response).Body)
		switch {
		case failed == nil:
			return nil
		case bytes.Contains(h.Bytes, exchange.ReadMessage(other).Body):
			return verdict.Because(failed, "mixed-answers")
		}
		return failed
	})
}

// atOnce calls f n times at once, and returns the first error in their order.
func atOnce(n int, f func(i int) error) error {
	failures := make([]error, n)
	var all sync.WaitGroup
	for i := range failures {
		all.Go(func() { failures[i] = f(i) })
	}
	all.Wait()
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}
