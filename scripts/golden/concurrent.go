package golden

import (
	"bytes"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/verdict"
)

// concurrentChecks lists what only stage 2 must do.
func concurrentChecks() []Check {
	return []Check{
		{Step: "2.1", Name: "last-is-first", Weight: 2, Want: "of three requests held half-sent, the last one is completed and answered first", run: lastIsFirst(3)},
		{Step: "2.1", Name: "sixty-held", Weight: 1, Want: "of sixty requests held half-sent, the last one is completed and answered first", run: lastIsFirst(60)},
		{Step: "2.1", Name: "silent-client-blocks-nobody", Weight: 1, Want: "while a connection is silent, others are answered at once", run: silentBlocksNobody},
		{Step: "2.1", Name: "many-at-once", Weight: 1, Want: "sixty clients at once each get their own bytes", run: manyAtOnce},
		{Step: "2.1", Name: "loop-ends", Weight: 1, Want: "the loop ends when the server is asked to stop", Flags: []string{noServer}, run: loopEnds},
		{Step: "2.2", Name: "max-conns", Weight: 1, Want: "a connection beyond -max-conns waits, and is answered when its turn comes", Flags: []string{"-max-conns", "2"}, run: maxConns},
		{Step: "2.2", Name: "max-conns-zero", Want: "-max-conns 0 is wrong use: exit status 2", Flags: []string{noServer}, run: maxConnsZero}, // given code
		{Step: "2.3", Name: "stops", Weight: 1, Want: "Ctrl-C or SIGTERM while nothing is under way: exit status 0 at once", Flags: []string{noServer}, run: stops},
		{Step: "2.3", Name: "finishes-answers", Weight: 4, Want: "asked to stop, it accepts nothing more, finishes the answer under way, and exits with 0", Flags: []string{noServer}, run: finishesAnswers},
		{Step: "2.3", Name: "finishes-slow-answers", Weight: 2, Want: "asked to stop, it finishes an answer whose client takes two seconds for it", Flags: []string{noServer}, run: finishesSlowAnswers},
		{Step: "2.3", Name: "second-signal", Weight: 1, Want: "asked to stop twice, it ends at once", Flags: []string{noServer}, run: secondSignal},
		{Step: "2.3", Name: "finishes-half-sent", also: "1.9", Want: "asked to stop, it still answers a request that is half sent, and says close", Flags: []string{noServer}, run: finishesHalfSent},
		{Step: "2.3", Name: "idle-connections-end", also: "1.9", Want: "asked to stop, it does not wait for connections that are silent", Flags: []string{noServer}, run: idleConnectionsEnd},
	}
}

// hold opens connections and sends half of a request on each.
func hold(l *lab, n int) (conns []*net.TCPConn, rest []byte, err error) {
	request, _ := bytesOf("hello")
	half := len(request) / 2
	for range n {
		conn, err := l.dial()
		if err == nil {
			conns = append(conns, conn)
			_, err = conn.Write(request[:half])
		}
		if err != nil {
			closeAll(conns)
			return nil, nil, err
		}
	}
	return conns, request[half:], nil
}

func closeAll(conns []*net.TCPConn) {
	for _, c := range conns {
		c.Close()
	}
}

// lastIsFirst proves concurrency by order, with no clock: A, B and C are held
// half-sent and completed in the order C, B, A, each after the answer before.
func lastIsFirst(n int) func(*lab) error {
	return func(l *lab) error {
		conns, rest, err := hold(l, n)
		if err != nil {
			return err
		}
		defer closeAll(conns)
		_, response := bytesOf("hello")
		for i, conn := range slices.Backward(conns) {
			if _, err := conn.Write(rest); err != nil {
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
}

func silentBlocksNobody(l *lab) error {
	conn, err := l.dial() // and say nothing
	if err != nil {
		return err
	}
	defer conn.Close()
	start := time.Now()
	if err := l.answers("hello", "serial"); err != nil {
		return err
	}
	if took := time.Since(start); took > 2*time.Second { // the head timeout is 5 s
		return verdict.Failf("serial", "the answer came after %v", took)
	}
	return nil
}

// loopEnds looks at nothing but the end: how it comes is for step 2.3.
func loopEnds(l *lab) error {
	s, err := l.serve()
	if err != nil {
		return err
	}
	defer s.proc.kill()
	if err := s.proc.signal(syscall.SIGTERM); err != nil {
		return err
	}
	if _, err := s.proc.wait(3 * time.Second); err != nil {
		return verdict.Failf("does-not-stop", "after %v: %v\n%s", syscall.SIGTERM, err, s.proc.stderr)
	}
	return nil
}

// manyAtOnce has clients ask for different files at the same time: answers
// that share a variable get mixed up.
func manyAtOnce(l *lab) error {
	names := []string{"hello", "directory-file", "not-found", "type-html", "query", "not-found-directory"}
	return atOnce(60, func(i int) error {
		request, response := bytesOf(names[i%len(names)])
		h, err := l.talk(request)
		if err == nil {
			err = verdict.Want(h, response)
		}
		if err != nil && h.End != "" && !bytes.Equal(h.Bytes, response) {
			err = verdict.Because(err, "mixed-answers")
		}
		return err
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

func maxConns(l *lab) error {
	conns, rest, err := hold(l, 2)
	if err != nil {
		return err
	}
	defer closeAll(conns)
	request, response := bytesOf("hello")
	third, err := l.dialAndSend(request)
	if err != nil {
		return err
	}
	defer third.Close()
	if early := readWithin(third, quiet); early != "" {
		return verdict.Failf("max-conns", "while two connections were held half-sent, the third %s", early)
	}
	if _, err := conns[0].Write(rest); err != nil {
		return err
	}
	if err := verdict.Want(exchange.HearOut(conns[0]), response); err != nil {
		return err
	}
	conns[0].Close()
	h := exchange.HearOut(third)
	if len(h.Bytes) == 0 && h.End == exchange.EndOpen {
		return verdict.Failf("permit-kept", "one of two connections was answered and closed; %v later the third still had no answer", exchange.Patience)
	}
	return verdict.Because(verdict.Want(h, response), "max-conns")
}

func maxConnsZero(l *lab) error {
	status, stderr, err := l.runToEnd("-max-conns", "0")
	if err == nil && (status != 2 || !strings.Contains(stderr, "max-conns")) {
		err = verdict.Failf("wrong-use", "with -max-conns 0: exit status %d, standard error %.300q", status, stderr)
	}
	return err
}

func finishesAnswers(l *lab) error {
	s, err := l.serve()
	if err != nil {
		return err
	}
	defer s.proc.kill()
	var conns []*net.TCPConn
	defer func() { closeAll(conns) }()
	for range 3 {
		conn, err := askHuge(s)
		if err != nil {
			return err
		}
		conns = append(conns, conn)
	}
	if err := s.proc.signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := refuses(s); err != nil {
		return err
	}
	for _, conn := range conns {
		if err := readHuge(conn, []byte("H")); err != nil {
			return verdict.Because(err, "answer-dropped")
		}
		conn.Close()
	}
	// Together with finishesSlowAnswers this finds every wait for a fixed time.
	status, err := s.proc.wait(1500 * time.Millisecond)
	if err != nil || status != 0 {
		return verdict.Failf("stops-late", "the last answer was over: %v, exit status %d\n%s", err, status, s.proc.stderr)
	}
	return nil
}

func finishesSlowAnswers(l *lab) error {
	s, err := l.serve()
	if err != nil {
		return err
	}
	defer s.proc.kill()
	conn, err := askHuge(s)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := s.proc.signal(syscall.SIGTERM); err != nil {
		return err
	}
	time.Sleep(2 * time.Second) // the stimulus: a slow client
	return verdict.Because(readHuge(conn, []byte("H")), "answer-dropped")
}

// refuses waits until a server accepts no more connections.
func refuses(l *lab) error {
	for deadline := time.Now().Add(exchange.Patience); time.Now().Before(deadline); time.Sleep(exchange.Pause) {
		conn, err := net.DialTimeout("tcp", l.addr, time.Second)
		if err != nil {
			return nil
		}
		conn.Close()
	}
	return verdict.Failf("stops-late", "it still did after %v", exchange.Patience)
}

func secondSignal(l *lab) error {
	s, err := l.serve()
	if err != nil {
		return err
	}
	defer s.proc.kill()
	conn, err := askHuge(s) // an answer that is never read to its end
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := s.proc.signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := refuses(s); err != nil { // so the first signal has been seen
		return err
	}
	if err := s.proc.signal(syscall.SIGTERM); err != nil {
		return err
	}
	if _, err := s.proc.wait(3 * time.Second); err != nil {
		return verdict.Failf("stops-late", "after the second signal: %v\n%s", err, s.proc.stderr)
	}
	return nil
}

func finishesHalfSent(l *lab) error {
	s, err := l.serve("-keep-alive")
	if err != nil {
		return err
	}
	defer s.proc.kill()
	conns, rest, err := hold(s, 1)
	if err != nil {
		return err
	}
	defer closeAll(conns)
	if err := s.answers("keep-alive-close", "serial"); err != nil {
		return err
	}
	if err := s.proc.signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := refuses(s); err != nil {
		return err
	}
	time.Sleep(2 * quiet) // the stimulus: longer than a silent connection is listened to
	if _, err := conns[0].Write(rest); err != nil {
		return verdict.Failf("answer-dropped", "the rest of the request could not be sent: %v", err)
	}
	_, response := bytesOf("hello")
	return verdict.Because(verdict.Want(exchange.HearOut(conns[0]), response), "answer-dropped")
}

func idleConnectionsEnd(l *lab) error {
	s, err := l.serve("-keep-alive", "-head-timeout", "1m", "-idle-timeout", "1m")
	if err != nil {
		return err
	}
	defer s.proc.kill()
	conn, err := persist(s)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := s.proc.signal(syscall.SIGTERM); err != nil {
		return err
	}
	status, err := s.proc.wait(3 * time.Second)
	if err != nil || status != 0 {
		return verdict.Failf("stops-late", "a persistent connection was idle: %v, exit status %d\n%s", err, status, s.proc.stderr)
	}
	return nil
}
