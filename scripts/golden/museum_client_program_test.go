//go:build kit

package golden

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// A pupil is a client as somebody may write it who reads the checks: right but
// for one mistake, which is a way through this code that students take. It runs
// in the test's own process, because thousands of runs are needed, or as a
// process of its own (see init).
type pupil struct {
	mistake string // one of clientMistakes; "" for none
	forgets bool   // or it forgets what it was asked for
	seen    *trace // may be nil
	ctx     context.Context
	stdout  io.Writer
	stderr  io.Writer

	bodyOnly, verbose, fail, head bool
	timeout, maxTime              time.Duration
	requests, parallel            int
	outFile, rawFile              string
	extra                         []string

	host, port, target string
	method             string
	request            []byte
	start              time.Time
}

// pupilVariable names the mistake of a pupil that is a process.
const pupilVariable = "WEBLAB_MUSEUM_CLIENT"

func init() {
	if mistake, ok := os.LookupEnv(pupilVariable); ok {
		p := pupil{mistake: mistake, ctx: context.Background(), stdout: os.Stdout, stderr: os.Stderr}
		os.Exit(p.main(os.Args[1:]))
	}
}

// does reports whether this is the pupil's mistake. All are in the table, or
// one of them would be shown by nothing.
func (p *pupil) does(mistake string) bool {
	if !slices.ContainsFunc(clientMistakes, func(m clientMistake) bool { return m.name == mistake }) {
		panic("no such mistake in the museum: " + mistake)
	}
	return p.mistake == mistake
}

func (p *pupil) main(args []string) (status int) {
	p.start = time.Now()
	if err := p.parse(args); err != nil {
		fmt.Fprintln(p.stderr, err)
		switch {
		case p.does("exit status 1 on wrong use"):
			return 1
		case p.does("exit status 0 whatever happens"):
			return 0
		}
		return 2
	}
	if p.forgets { // what it was asked for
		p.target, p.head, p.rawFile, p.extra = "HelloWorld.html", false, "", nil
		p.buildRequest()
	}
	if err := p.work(); err != nil {
		if p.does("error messages on standard output") {
			fmt.Fprintln(p.stdout, "error:", err)
			return 1
		}
		fmt.Fprintln(p.stderr, "error:", err)
		if p.does("exit status 0 whatever happens") || p.does("exit status 0 when the network fails") {
			return 0
		}
		return 1
	}
	if p.does("says on standard error that all is well") {
		fmt.Fprintln(p.stderr, "done")
	}
	return 0
}

// parse reads the command line. Its errors are wrong use.
func (p *pupil) parse(args []string) error {
	flags := flag.NewFlagSet("pupil", flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	flags.BoolVar(&p.bodyOnly, "body", false, "")
	flags.BoolVar(&p.verbose, "v", false, "")
	flags.BoolVar(&p.fail, "fail", false, "")
	flags.BoolVar(&p.head, "head", false, "")
	flags.DurationVar(&p.timeout, "timeout", 10*time.Second, "")
	flags.DurationVar(&p.maxTime, "max-time", 0, "")
	flags.IntVar(&p.requests, "n", 1, "")
	flags.IntVar(&p.parallel, "p", 0, "")
	flags.StringVar(&p.outFile, "o", "", "")
	flags.StringVar(&p.rawFile, "raw", "", "")
	flags.Func("H", "", func(line string) error {
		p.extra = append(p.extra, line)
		if strings.ContainsAny(line, "\r\n") {
			return errors.New("a control character in a field")
		}
		return isField(line)
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch args := flags.Args(); {
	case len(args) == 3:
		p.host, p.port, p.target = args[0], args[1], args[2]
	case len(args) == 1 && strings.HasPrefix(args[0], "https://") && !p.does("https:// without TLS"):
		return errors.New("there is no TLS here")
	case len(args) == 1:
		_, rest, _ := strings.Cut(args[0], "://")
		end := strings.IndexAny(rest+"/", "/?#")
		p.host, p.port, _ = strings.Cut(rest[:end], ":")
		p.target = rest[end:]
		if p.does("the whole URL as the target") {
			p.target = args[0]
		}
	default:
		return fmt.Errorf("%d arguments", len(args))
	}
	n, err := strconv.ParseUint(p.port, 10, 16)
	switch {
	case err != nil || n == 0:
		return fmt.Errorf("%q is no port", p.port)
	case strings.ContainsAny(p.host, "/?#"):
		return fmt.Errorf("%q is no host", p.host)
	case p.requests < 1 || p.timeout <= 0 || p.maxTime < 0:
		return errors.New("-n, -timeout or -max-time is too small")
	case p.parallel > 0 && p.outFile != "":
		return errors.New("-p with -o")
	case p.rawFile != "" && (p.head || len(p.extra) > 0):
		return errors.New("-raw with -head or -H")
	}
	p.buildRequest()
	if p.does("-n ignored") {
		p.requests = 1
	}
	if p.rawFile != "" {
		if p.request, err = os.ReadFile(p.rawFile); err == nil {
			p.method = strings.Fields(string(p.request) + " ?")[0]
		}
	}
	return err
}

// isField says what is wrong with a field line.
func isField(line string) error {
	name, _, ok := strings.Cut(line, ":")
	switch {
	case !ok:
		return fmt.Errorf("no colon in %q", line)
	case strings.ContainsAny(name, " \t"):
		return fmt.Errorf("whitespace in the name of %q", line)
	}
	return nil
}

func (p *pupil) buildRequest() {
	p.method = "GET"
	if p.head && !p.does("-head asks with GET") {
		p.method = "HEAD"
	}
	target := p.encode(p.target)
	version, connection, host := "HTTP/1.1", "close", net.JoinHostPort(p.host, p.port)
	if p.requests > 1 {
		connection = "keep-alive"
	}
	switch {
	case p.does("HTTP/1.0 in the request"):
		version = "HTTP/1.0"
	case p.does("Host hard-coded"):
		host = "localhost:6789"
	case p.does("no port in Host"):
		host = p.host
	}
	lines := []string{"Host: " + host, "Connection: " + connection}
	switch {
	case p.does("Host missing"):
		lines = lines[1:]
	case p.does("Connection missing"):
		lines = lines[:1]
	case p.does("field names in small letters"):
		lines = []string{"host: " + host, "connection: " + connection}
	}
	for _, line := range p.extra {
		i := slices.IndexFunc(lines, func(l string) bool {
			was, _, _ := strings.Cut(l, ":")
			is, _, _ := strings.Cut(line, ":")
			return was == is || strings.EqualFold(was, is) && !p.does("-H compares letter case")
		})
		if i < 0 || p.does("-H only adds") {
			lines = append(lines, line)
		} else {
			lines[i] = line
		}
	}
	eol := "\r\n"
	if p.does("bare LF in the request") {
		eol = "\n"
	}
	request := p.method + " " + target + " " + version + eol + strings.Join(lines, eol) + eol
	if !p.does("no empty line after the request") && !p.does("no empty line, no time-out") {
		request += eol
	}
	p.request = []byte(request)
}

var escape = regexp.MustCompile("^%[0-9A-Fa-f]{2}")

// encode makes a target of what was typed.
func (p *pupil) encode(file string) string {
	if !p.does("the fragment is sent") {
		file, _, _ = strings.Cut(file, "#")
	}
	if (!strings.HasPrefix(file, "/") || p.does("a second / before the file")) &&
		!p.does("no / before the file") && !(strings.Contains(file, "://") && p.does("the whole URL as the target")) {
		file = "/" + file
	}
	var b strings.Builder
	for i := range len(file) {
		c := file[i]
		isEscape := escape.MatchString(file[i:])
		switch {
		case p.does("the target as it was typed"):
			isEscape = true
		case p.does("escapes are escaped again"):
			isEscape = false
		case c <= ' ' && p.does("spaces and line ends as they were typed"):
			isEscape = true
		case c == '%' && p.does("every % kept"):
			isEscape = true
		}
		if !isEscape && (c <= ' ' || c >= 0x7f || strings.IndexByte("%\"<>[\\]^`{|}", c) >= 0) {
			if r, n := utf8.DecodeRuneInString(file[i:]); n > 1 && p.does("characters escaped, not bytes") {
				fmt.Fprintf(&b, "%%%X", r)
			} else {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// work makes the connections and prints what comes.
func (p *pupil) work() (err error) {
	if p.parallel > 0 {
		return p.inParallel()
	}
	create := func() error {
		if p.outFile == "" || p.does("-o ignored") {
			return nil
		}
		file, err := os.Create(p.outFile)
		p.stdout = file
		return err
	}
	defer func() {
		if file, ok := p.stdout.(*os.File); ok && p.outFile != "" {
			err = errors.Join(err, file.Close())
		}
	}()
	if p.does("-o makes the file first") {
		if err := create(); err != nil {
			return err
		}
	}
	s, err := p.connect()
	if err != nil {
		return err
	}
	defer s.Close()
	if !p.does("-o makes the file first") {
		if err := create(); err != nil {
			return err
		}
	}
	s.out = &writer{to: p.stdout}
	if p.does("chatter on standard output") {
		fmt.Fprintf(p.stdout, "Connected to %s:%s\n", p.host, p.port)
	}
	for i := 1; i <= p.requests; i++ {
		if i > 1 && p.does("a connection for each request") {
			out := s.out
			if s, err = p.connect(); err != nil {
				return err
			}
			defer s.Close()
			s.out = out
		}
		if err := s.exchange(i); err != nil {
			return err
		}
	}
	if p.does("print() adds a line end") {
		fmt.Fprintln(p.stdout)
	}
	return nil
}

// inParallel makes several connections at once, and says what happened when.
func (p *pupil) inParallel() error {
	p.bodyOnly = true
	var mu sync.Mutex
	var failed error
	var all sync.WaitGroup
	one := func(i int) {
		since := func(t time.Time) float64 { return float64(t.Sub(p.start).Microseconds()) / 1000 }
		line := fmt.Sprintf("connection %d: ", i)
		s, err := p.connect()
		if err == nil {
			defer s.Close()
			connected := time.Now()
			s.out = &writer{to: io.Discard}
			if p.does("-p prints the bodies") {
				s.out.to = &locked{mu: &mu, to: p.stdout}
			}
			err = s.exchange(1)
			if p.does("-p: the first byte is seen at the end") {
				s.first = time.Now()
			}
			line += fmt.Sprintf("connected %.1f ms, first byte %.1f ms, end %.1f ms, %d bytes ", since(connected), since(s.first), since(time.Now()), s.out.n)
		}
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			line += err.Error()
			failed = errors.New("a connection failed")
		}
		fmt.Fprintln(p.stderr, line)
	}
	for i := range p.parallel {
		if p.does("-p makes one connection after the other") {
			one(i + 1)
			continue
		}
		all.Go(func() { one(i + 1) })
	}
	all.Wait()
	return failed
}

// locked is a writer for several connections.
type locked struct {
	mu *sync.Mutex
	to io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(p)
}

// writer counts what is written and keeps the error.
type writer struct {
	to  io.Writer
	n   int64
	err error
}

func (w *writer) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	w.n += int64(n)
	w.err = errors.Join(w.err, err)
	return n, err
}

// A stream is a connection as the pupil reads it.
type stream struct {
	net.Conn
	p       *pupil
	in      *bufio.Reader
	out     *writer
	section time.Time // when what is being read must be whole; zero: each read anew
	first   time.Time // when the first byte came
	over    bool      // the response is complete, and what comes now is too much
	text    []byte    // the lines of the head, as they came
}

var errMaxTime = errors.New("time out: -max-time")

func (p *pupil) connect() (*stream, error) {
	dialer := net.Dialer{Timeout: p.timeout}
	conn, err := dialer.DialContext(p.ctx, "tcp", net.JoinHostPort(p.host, p.port))
	if err != nil {
		return nil, fmt.Errorf("cannot connect: %w", err)
	}
	s := &stream{Conn: conn, p: p}
	s.in = bufio.NewReader(s)
	context.AfterFunc(p.ctx, func() { conn.Close() }) // the check has given up
	return s, nil
}

func (s *stream) Read(b []byte) (int, error) {
	p := s.p
	limit := s.section
	if limit.IsZero() || p.does("a time-out for each recv only") && !s.over {
		limit = time.Now().Add(p.timeout)
	}
	all := p.start.Add(p.maxTime)
	if p.maxTime > 0 && all.Before(limit) && !p.does("-max-time ignored") {
		limit = all
	}
	switch {
	case p.does("no empty line, no time-out"), p.does("waits for the close, no time-out"), p.does("reads first, no time-out"):
		limit = time.Time{}
	case p.does("no time-out but after the end") && !s.over, p.does("no time-out after the end") && s.over:
		limit = time.Time{}
	}
	s.SetReadDeadline(limit) // an error shows in Read
	n, err := s.Conn.Read(b)
	if s.first.IsZero() {
		s.first = time.Now()
		// Close with RST: of thousands of runs none leaves a port in TIME_WAIT.
		s.Conn.(*net.TCPConn).SetLinger(0)
	}
	if p.seen != nil {
		p.seen.note(b[:n], err)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && limit.Equal(all) {
		err = errMaxTime
	}
	return n, err
}

// within bounds all the reads that follow; 0 bounds each anew.
func (s *stream) within(d time.Duration) {
	s.section = time.Time{}
	if d > 0 {
		s.section = time.Now().Add(d)
	}
}
