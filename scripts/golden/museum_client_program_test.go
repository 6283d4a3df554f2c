//go:build kit

package golden

import (
	"bufio"
	"bytes"
	"cmp"
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
	"syscall"
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
		isEscape, _ := regexp.MatchString("^%[0-9A-Fa-f]{2}", file[i:])
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

// exchange sends the i-th request and reads the response to it.
func (s *stream) exchange(i int) error {
	p := s.p
	if p.does("reads first, then sends") || p.does("reads first, no time-out") {
		if _, err := s.in.Peek(1); err != nil {
			return p.explain(err)
		}
	}
	if p.verbose {
		fmt.Fprintf(p.stderr, "%q\n", p.request)
	}
	s.over = false
	s.SetWriteDeadline(time.Now().Add(p.timeout)) // an error shows in Write
	_, sendErr := s.Write(p.request)
	switch {
	case p.does("one recv and stop"):
		return s.recv(1)
	case p.does("two recvs and stop"):
		return s.recv(2)
	case p.does("prints what comes until the close"):
		_, err := io.Copy(s.out, s.in)
		return p.explain(err)
	}
	s.within(p.timeout)
	h, err := s.readHead()
	for err == nil && h.status < 200 && h.status != 101 && !p.does("an interim response taken for the final one") {
		if h, err = s.readHead(); h == nil && err != nil {
			h, err = &head{}, p.endedEarly(err, "only an interim response came")
		}
	}
	s.within(0)
	if h == nil && isEnd(err) {
		if i > 1 && !p.does("the end before the second answer is not explained") {
			err = fmt.Errorf("%w: no answer to request %d; keep-alive is only a wish", p.explain(cmp.Or(sendErr, err)), i)
		} else {
			err = fmt.Errorf("no answer: %w", p.explain(err))
		}
	}
	if err == nil && (h.status == 101 || !p.does("an interim response taken for the final one") || h.status >= 200) {
		err = s.readBody(h)
	}
	if err == nil {
		err = s.readOn(h)
	}
	switch {
	case s.out.err != nil:
		return fmt.Errorf("cannot write: %w", s.out.err)
	case err != nil:
		return p.explain(err)
	case h.status >= 400 && (p.fail || p.does("a 404 is an error")):
		return fmt.Errorf("the status is %d", h.status)
	}
	return nil
}

// recv is what the first page of many a tutorial does.
func (s *stream) recv(times int) error {
	p := s.p
	buf := make([]byte, 4096)
	for range times {
		n, err := s.in.Read(buf)
		s.out.Write(buf[:n]) // keeps its error
		if err != nil && err != io.EOF {
			return p.explain(err)
		}
	}
	return nil
}

// A head is a response's, as it is understood.
type head struct {
	minor, status int
	fields        [][2]string // the name in small letters
}

// list is the items of all fields of a name.
func (h *head) list(name string) (items []string) {
	for _, f := range h.fields {
		if f[0] == name {
			for item := range strings.SplitSeq(f[1], ",") {
				items = append(items, strings.Trim(item, " \t"))
			}
		}
	}
	return items
}

func (h *head) ends() bool {
	options := strings.ToLower(strings.Join(h.list("connection"), ","))
	return strings.Contains(options, "close") || h.minor == 0 && !strings.Contains(options, "keep-alive")
}

var statusLine = regexp.MustCompile(`^HTTP/1\.([0-9]) ([1-9][0-9][0-9])( .*)?$`)

// readHead reads the head of a response. It is nil when nothing came.
func (s *stream) readHead() (*head, error) {
	p := s.p
	h := &head{}
	s.text = nil
	line, err := s.readLine(p.prints() == "now", 256<<10)
	switch {
	case err != nil && line == "":
		return nil, err
	case err != nil:
		return h, p.endedEarly(err, "inside the status line")
	}
	m := statusLine.FindStringSubmatch(line)
	if m == nil || m[3] == "" && p.does("a reason phrase is needed") {
		return h, fmt.Errorf("%.60q is no status line", line)
	}
	h.minor, _ = strconv.Atoi(m[1]) // the expression lets only digits through
	h.status, _ = strconv.Atoi(m[2])
	if h.fields, err = s.readFields(p.prints() == "now"); err != nil {
		return h, p.endedEarly(err, "inside the head")
	}
	text := string(s.text)
	switch {
	case p.does("prints the body alone"), p.does("prints the body of a 200, and the head of others") && h.status == 200:
		text = ""
	case p.does("prints the fields from a map"):
		text = line + "\r\n"
		for _, f := range h.fields {
			text += f[0] + ": " + f[1] + "\r\n"
		}
		text += "\r\n"
	case p.does("line ends become LF"):
		text = strings.ReplaceAll(text, "\r\n", "\n")
	case p.does("line ends become CR CR LF"):
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if p.prints() == "later" {
		io.WriteString(s.out, text) // keeps its error
	}
	return h, nil
}

// prints says when a head is printed: as it comes, when it is read, or never.
func (p *pupil) prints() string {
	switch {
	case p.bodyOnly && !p.does("the head printed with -body"):
		return "never"
	case p.does("prints the body alone"), p.does("prints the body of a 200, and the head of others"), p.does("prints the fields from a map"),
		p.does("line ends become LF"), p.does("line ends become CR CR LF"), p.does("looks for CR LF only"):
		return "later"
	}
	return "now"
}

// readFields reads field lines and the empty line behind them.
func (s *stream) readFields(show bool) (fields [][2]string, err error) {
	var lines []string
	for left := 256 << 10; ; {
		line, err := s.readLine(show, left)
		if err != nil {
			return nil, err
		}
		if line == "" {
			break
		}
		left -= len(line)
		if len(lines) > 0 && strings.Trim(line[:1], " \t") == "" && !s.p.does("a folded field is an error") {
			lines[len(lines)-1] += line
		} else {
			lines = append(lines, line)
		}
	}
	for _, line := range lines {
		if err := isField(line); err != nil {
			return nil, err
		}
		name, value, _ := strings.Cut(line, ":")
		if !s.p.does("field names compared letter by letter") {
			name = strings.ToLower(name)
		} else if name == "Content-Length" || name == "Transfer-Encoding" || name == "Connection" {
			name = strings.ToLower(name)
		}
		fields = append(fields, [2]string{name, strings.Trim(value, " \t")})
	}
	return fields, nil
}

// readLine reads a line and returns it without its line end. It is printed as
// it came, if it is to show.
func (s *stream) readLine(show bool, limit int) (string, error) {
	var line []byte
	for {
		piece, err := s.in.ReadSlice('\n')
		line = append(line, piece...)
		if show {
			s.out.Write(piece) // keeps its error
		}
		s.text = append(s.text, piece...)
		switch {
		case len(line) > limit && !s.p.does("a line may be as long as it likes"):
			return "", fmt.Errorf("a line or section of over %d bytes", limit)
		case err == nil && s.p.does("looks for CR LF only") && !bytes.HasSuffix(line, []byte("\r\n")):
			continue
		case err == nil:
			if s.p.verbose {
				fmt.Fprintf(s.p.stderr, "%q\n", line)
			}
			return strings.TrimSuffix(string(line[:len(line)-1]), "\r"), nil
		case err != bufio.ErrBufferFull:
			return string(line), err
		}
	}
}

// readBody reads the body that belongs to a head.
func (s *stream) readBody(h *head) error {
	p := s.p
	codings := h.list("transfer-encoding")
	if h.minor == 0 && !p.does("chunked in HTTP/1.0, too") {
		codings = nil
	}
	chunked := len(codings) > 0 && strings.ToLower(codings[len(codings)-1]) == "chunked" && isASCII(codings)
	length, err := h.length(p)
	if p.does("Content-Length counts before chunked") && length >= 0 && err == nil {
		codings, chunked = nil, false
	}
	switch {
	case err != nil && len(codings) == 0:
		return err
	case h.status < 200 || h.status == 304 || h.status == 204 && !p.does("a 204 has a body until the close"):
		return nil
	case p.method == "HEAD" && !p.does("HEAD waits for a body"), p.method == "CONNECT" && h.status < 300:
		return nil
	case chunked && !(p.does("the sizes of the chunks stay in the body") && p.bodyOnly):
		n, err := s.readChunked()
		return p.endedEarly(err, "%d bytes came, but not the last chunk", n)
	case len(codings) > 0 || length < 0 || p.does("waits for the close") || p.does("waits for the close, no time-out"):
		n, err := s.copy(-1)
		return p.endedEarly(err, "%d bytes came", n)
	case p.does("one recv for the body"):
		return s.recv(1)
	case p.does("Content-Length ignored: reads while something comes"):
		return s.readWhileItComes()
	case p.does("no body of over 10 MB") && length > 10_000_000:
		return errors.New("too large")
	}
	n, err := s.copy(length)
	if err == nil && p.does("what comes after a body is printed as well") {
		return s.readWhileItComes()
	}
	if p.does("a body that is too short is taken for whole") && err == io.EOF {
		return nil
	}
	if p.does("does not say how many bytes are missing") {
		return p.endedEarly(err, "the body is too short")
	}
	return p.endedEarly(err, "%d of %d bytes came", n, length)
}

// readWhileItComes ends when nothing has come for a while.
func (s *stream) readWhileItComes() error {
	defer s.within(0)
	for buf := make([]byte, 64<<10); ; {
		s.within(500 * time.Millisecond)
		n, err := s.in.Read(buf)
		s.out.Write(buf[:n]) // keeps its error
		if err != nil {
			return nil // whatever it is
		}
	}
}

func isASCII(items []string) bool {
	return !strings.ContainsFunc(strings.Join(items, ""), func(r rune) bool { return r > '~' })
}

// length is the Content-Length, -1 if there is none.
func (h *head) length(p *pupil) (int64, error) {
	length := int64(-1)
	for _, item := range h.list("content-length") {
		n, err := strconv.ParseUint(item, 10, 63)
		if err != nil || length >= 0 && length != int64(n) {
			return 0, fmt.Errorf("a bad Content-Length: %q", item)
		}
		length = int64(n)
	}
	return length, nil
}

// copy prints so many bytes of a body, or all until the close.
func (s *stream) copy(length int64) (n int64, err error) {
	p := s.p
	from := io.Reader(s.in)
	if length >= 0 {
		from = io.LimitReader(from, length)
	}
	switch {
	case p.does("holds the body in memory"):
		var body []byte
		body, err = io.ReadAll(from)
		s.out.Write(body) // keeps its error
		n = int64(len(body))
	case p.does("each recv decoded as text"):
		buf := make([]byte, 4096)
		for err == nil {
			var got int
			got, err = from.Read(buf)
			n += int64(got)
			io.WriteString(s.out, strings.ToValidUTF8(string(buf[:got]), "\uFFFD"))
		}
	case p.does("a body must be text"):
		var body []byte
		if body, err = io.ReadAll(from); !utf8.Valid(body) {
			return 0, errors.New("the body is no UTF-8")
		}
		s.out.Write(body) // keeps its error
		n = int64(len(body))
	case p.does("Content-Length counts characters") && length >= 0:
		for n < length && err == nil {
			var r rune
			if r, _, err = s.in.ReadRune(); err == nil {
				io.WriteString(s.out, string(r)) // keeps its error
				n++
			}
		}
		return n, err
	default:
		n, err = io.Copy(s.out, from)
		if length < 0 && p.does("does not see the end of the stream") {
			<-p.ctx.Done() // it reads nothing, again and again
		}
	}
	if err == io.EOF {
		err = nil
	}
	if err == nil && n < length {
		err = io.EOF
	}
	return n, err
}

// readChunked reads a chunked body.
func (s *stream) readChunked() (total int64, err error) {
	p := s.p
	line := func() (string, error) {
		s.within(p.timeout)
		defer s.within(0)
		return s.readLine(!p.bodyOnly, 4<<10)
	}
	for {
		text, err := line()
		if err != nil {
			return total, err
		}
		base := 16
		if p.does("the size of a chunk read as decimal") {
			base = 10
		}
		digits := text
		if !p.does("chunk extensions are not known") {
			digits, _, _ = strings.Cut(text, ";")
		}
		size, err := strconv.ParseUint(strings.TrimRight(digits, " "), base, 63)
		if err != nil {
			return total, fmt.Errorf("%.60q is no size of a chunk", text)
		}
		if size == 0 {
			s.within(p.timeout)
			defer s.within(0)
			if p.does("no trailers are expected") {
				_, err := s.readLine(!p.bodyOnly, 4<<10)
				return total, err
			}
			if p.does("the last chunk may be without its empty line") {
				if _, err := s.in.Peek(1); err == io.EOF {
					return total, nil
				}
			}
			_, err := s.readFields(!p.bodyOnly)
			return total, err
		}
		var n int64
		switch {
		case p.does("each chunk decoded as text") && p.bodyOnly:
			chunk := make([]byte, min(size, 1<<20))
			_, err = io.ReadFull(s.in, chunk)
			io.WriteString(s.out, strings.ToValidUTF8(string(chunk), "\uFFFD"))
		case p.does("one recv for each chunk"):
			chunk := make([]byte, min(size, 1<<20))
			var got int
			got, err = s.in.Read(chunk)
			s.out.Write(chunk[:got]) // keeps its error
		default:
			n, err = s.copy(int64(size))
		}
		if total += n; err != nil {
			return total, err
		}
		if text, err = line(); err == nil && text != "" {
			err = fmt.Errorf("a chunk goes on after its end, with %.60q", text)
		}
		if err != nil {
			return total, err
		}
	}
}

// readOn looks for what comes after the end of a response.
func (s *stream) readOn(h *head) error {
	p := s.p
	if p.does("bytes after the end are not looked for") || p.does("one recv for the body") {
		return nil
	}
	n, about := int64(s.in.Buffered()), ""
	request, _ := strings.CutPrefix(string(p.request), "\r\n")
	line, _, _ := strings.Cut(request, "\n")
	if h.ends() || strings.Contains(request, "Connection: close") || strings.Contains(line, "HTTP/1.0") {
		const most = 64 << 10
		s.over = true
		s.within(time.Second)
		var err error
		n, err = io.CopyN(io.Discard, s.in, most)
		s.within(0)
		if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.Errno(10054)) {
			fmt.Fprintln(p.stderr, "after the end:", p.explain(err))
		}
		if n == most {
			about = "at least "
		}
	} else if p.does("a new buffer for each response") {
		n, s.in = 0, bufio.NewReader(s)
	}
	if n > 0 {
		return fmt.Errorf("%s%d bytes came after the end", about, n)
	}
	return nil
}

// isEnd reports whether an error is the end of a connection.
func isEnd(err error) bool {
	for _, end := range []error{io.EOF, syscall.ECONNRESET, syscall.EPIPE, syscall.Errno(10054), syscall.Errno(10053)} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

// explain puts the end of a connection into words.
func (p *pupil) explain(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("time out")
	case isEnd(err) && !errors.Is(err, io.EOF) && !p.does("a reset is taken for a close"):
		return errors.New("connection reset (RST)")
	}
	return err
}

// endedEarly says what had come when the connection ended.
func (p *pupil) endedEarly(err error, format string, args ...any) error {
	if !isEnd(err) && !errors.Is(err, os.ErrDeadlineExceeded) && err != errMaxTime {
		return err
	}
	return fmt.Errorf("ended early: %s: %w", fmt.Sprintf(format, args...), p.explain(err))
}
