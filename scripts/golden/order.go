package golden

import (
	"bytes"
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
// variable get mixed up. "20 pages" is for the textbook's server.
func manyAtOnce(t *target, argument string) error {
	many, how, _ := strings.Cut(argument, " ")
	n, _ := strconv.Atoi(many) // as the case says
	names := []string{"hello", "directory-file", "not-found", "type-html", "query", "not-found-directory"}
	if how == "pages" {
		names = []string{"hello", "directory-file", "type-css", "type-txt"}
	}
	return atOnce(n, func(i int) error {
		request, response := bytesOf(names[i%len(names)])
		if how == "pages" {
			request = bytes.Replace(request, []byte("\r\n\r\n"), []byte("\r\nConnection: close\r\n\r\n"), 1)
		}
		h, err := t.talk(request)
		switch {
		case err != nil:
		case how == "pages":
			if _, failed := verdict.Browser(h, 200, exchange.ReadMessage(response).Body); failed != nil {
				err = failed
			}
		default:
			err = verdict.Want(h, response)
		}
		f, failed := err.(*verdict.Failure)
		switch {
		case failed && how == "pages" && slices.Contains(waited, f.Diagnosis):
			return verdict.Because(f, "serial")
		case failed && h.End != "" && (how == "pages" || !bytes.Equal(h.Bytes, response)):
			return verdict.Because(f, "mixed-answers")
		}
		return err
	})
}

// waited are diagnoses of a client that had no answer, and waited on, while others had theirs.
var waited = []string{"no-answer-open", "not-closed"}

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
