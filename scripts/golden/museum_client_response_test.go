//go:build kit

package golden

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

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
	case p.does("one recv for the head, and no body is written yet"):
		if err := s.recv(1); err != nil {
			return err
		}
		return errors.New("step 3.3 is not written yet: read the body")
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
	if p.does("the empty line is a field line") {
		return h, fmt.Errorf("the field line %q has no colon", "")
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
			text := strings.TrimSuffix(string(line[:len(line)-1]), "\r")
			if strings.ContainsFunc(text, isControl) && !s.p.does("control octets are read like others") {
				return "", fmt.Errorf("a control octet in %.60q", text)
			}
			return text, nil
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

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
