package rig

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"weblab.example/stage1-single/http1"
)

// TestLogIsSafe: what a client sends cannot play tricks on the terminal.
func TestLogIsSafe(t *testing.T) {
	for format, refused := range map[string]string{"text": "refused=", "json": `"refused":`} {
		var log bytes.Buffer
		l := newListener(t, &log, Options{LogFormat: format})
		requests := []string{
			"GET /\x1b[2J HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: \x07\r\n\r\n", "G\x1b[2J / HTTP/1.1\r\n\r\n", "GET /\x7f HTTP/1.1\r\nHost: x\r\n\r\n",
			"GET /\xc2\x9b2J HTTP/1.1\r\nHost: x\r\n\r\n", "GET /\u202e HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \xc2\x9b, chunked\r\n\r\n",
			"GET /%1b%c2%9b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /%e2%80%ae/.a HTTP/1.1\r\nHost: x\r\n\r\n",
		}
		for _, request := range requests {
			synctest.Test(t, func(t *testing.T) { l.talk(send{0, request}) })
		}
		for _, r := range log.String() {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%s: %q is in the log:\n%q", format, r, log.String())
			}
		}
		if n := strings.Count(log.String(), refused); n != len(requests) {
			t.Errorf("%s: %d requests were refused:\n%s", format, n, log.String())
		}
	}
}

// writes keeps each write.
type writes []string

func (w *writes) Write(p []byte) (int, error) { *w = append(*w, string(p)); return len(p), nil }

// TestEscaper: what a reader of the JSON gets is what it was, and one record is
// one write.
func TestEscaper(t *testing.T) {
	for text, want := range map[string]string{
		"": `""`, "a 太\t\n": `"a 太\t\n"`, "\x1b\x7f\u0080\u009b\u009f": `"\u001b\u007f\u0080\u009b\u009f"`, "\u00a0\u202e\u2066\u2028\ufeff": `"\u00a0\u202e\u2066\u2028\ufeff"`,
		"\U0001f600\U000e0001": "\"\U0001f600" + `\udb40\udc01"`, `\u007f`: `"\\u007f"`,
	} {
		var out writes
		newLogger(&out, "json").Info("m", "text", text)
		var back struct{ Text string }
		if err := json.Unmarshal([]byte(strings.Join(out, "")), &back); err != nil || back.Text != text || len(out) != 1 || !strings.HasSuffix(out[0], `,"text":`+want+"}\n") {
			t.Errorf("%q is %q, want %s; it is read as %q, %v", text, out, want, back.Text, err)
		}
	}
	if n, err := (escaper{io.Discard}).Write([]byte("\u009b")); n != 2 || err != nil {
		t.Errorf("2 bytes: wrote %d, %v", n, err)
	}
	_, full := net.Pipe()
	full.Close()
	if n, err := (escaper{full}).Write([]byte("a")); n != 0 || err != io.ErrClosedPipe {
		t.Errorf("wrote %d, %v", n, err)
	}
}

func TestExperiment(t *testing.T) {
	for _, c := range []struct {
		mode                 string
		status, body, inFile int
		length               int64
	}{{"exact", 200, 36, 0, 36}, {"none", 200, 36, 0, -1}, {"short", 200, 36, 0, 24}, {"short", 200, 5, 0, 0}, {"short", 200, 0, 99, 87}, {"long", 200, 36, 0, 60}, {"long", 200, 0, 99, 123}, {"long", 404, 36, 0, 36}} {
		resp := &http1.Response{Status: c.status, Body: make([]byte, c.body), Size: int64(c.inFile), ContentLength: int64(c.body + c.inFile)}
		was := resp.ContentLength
		(&Options{ContentLength: c.mode}).experiment(resp)
		if resp.ContentLength != c.length || (resp.Connection == "close") != (c.length != was) || resp.Date != "" {
			t.Errorf("%+v: Content-Length %d, Connection %q, Date %q", c, resp.ContentLength, resp.Connection, resp.Date)
		}
	}
	defer func(local *time.Location) { time.Local = local }(time.Local)
	time.Local = time.FixedZone("CST", 8*60*60)
	synctest.Test(t, func(t *testing.T) { // in which the year 2000 begins in Greenwich
		resp := &http1.Response{Status: 404}
		(&Options{ContentLength: "exact", Date: true, Delay: time.Hour}).experiment(resp)
		if want := "Sat, 01 Jan 2000 01:00:00 GMT"; resp.Date != want {
			t.Errorf("Date: %s, want %s", resp.Date, want)
		}
	})
}

// A flaky listener has no connections, only errors.
type flaky struct {
	net.Listener
	errs []error
}

func (f *flaky) Accept() (net.Conn, error) {
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, err
}

// TestListen: where it listens, what it says of that, and what it needs.
func TestListen(t *testing.T) {
	for addr, host := range map[string]string{"localhost:0": "localhost", "127.0.0.1:0": "127.0.0.1", ":0": "localhost", "0.0.0.0:0": "localhost", "[::]:0": "localhost", "[::1]:0": "[::1]"} {
		l, err := listen(Options{Addr: addr, Root: tempDir(t), Backlog: -1, LogFormat: "off"})
		if err != nil {
			if strings.Contains(addr, "::") {
				continue // a machine without IPv6
			}
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l.tcp.Addr().String())
		if got := l.announcement(); got != "http://"+host+":"+port+"/ serves "+l.Root+"\n" {
			t.Errorf("%s: %q", addr, got)
		}
		if _, err := listen(Options{Addr: l.tcp.Addr().String(), Root: l.Root}); err == nil || !strings.Contains(err.Error(), "is taken") {
			t.Errorf("a port that is taken: %v", err)
		}
		l.tcp.Close()
		if conn, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a listener that is closed: %v, %v", conn, err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		l, begun := newListener(t, &log, Options{}), time.Now()
		l.tcp = &flaky{errs: []error{syscall.EMFILE, syscall.ECONNABORTED, net.ErrClosed}}
		if _, err := l.Accept(); err != net.ErrClosed || time.Since(begun) != 200*time.Millisecond {
			t.Errorf("after two bad moments: %v, %v", err, time.Since(begun))
		}
		if !strings.Contains(log.String(), "too many open files") || strings.Count(log.String(), "msg=accept") != 2 {
			t.Errorf("of two bad moments the log says\n%s", &log)
		}
	})
	if _, err := listen(Options{Addr: "localhost:0", Root: filepath.Join(t.TempDir(), "none")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a root that is not there: %v", err)
	}
	t.Chdir(filepath.Join("..", "..", "scripts"))
	if site, err := findSite(); err != nil || filepath.Base(site) != "www" {
		t.Errorf("%q, %v", site, err)
	}
	t.Chdir(t.TempDir())
	if site, err := findSite(); err == nil {
		t.Errorf("found %q where there is none", site)
	}
}

func TestFlags(t *testing.T) {
	defer func(args []string) { os.Args = args }(os.Args)
	os.Args = []string{"server"}
	fs := flag.NewFlagSet("server", flag.ContinueOnError)
	got := ParseFlags(fs)
	want := Options{Program: "server", Addr: "localhost:6789", HeadTimeout: 5 * time.Second, IdleTimeout: 5 * time.Second, Stall: 30 * time.Second,
		Linger: time.Second, LogFormat: "text", ContentLength: "exact", Backlog: -1}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for says, change := range map[string]func(*Options){
		"": func(*Options) {}, "-addr is": func(o *Options) { o.Addr = "6789" }, "-log is": func(o *Options) { o.LogFormat = "" }, "-content-length is": func(o *Options) { o.ContentLength = "longer" },
		"-head-timeout, -idle-timeout and -stall must": func(o *Options) { o.Stall = 0 }, "-linger and -delay must": func(o *Options) { o.Backlog = -2 },
	} {
		o := want
		change(&o)
		if wrong := o.wrong(fs); !strings.HasPrefix(wrong, says) || (wrong == "") != (says == "") {
			t.Errorf("%q, want %q", wrong, says)
		}
	}
}
