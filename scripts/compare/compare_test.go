package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/caselist"
	"weblab.example/scripts/internal/launch"
	"weblab.example/scripts/internal/tap"
)

// TestLanes makes pictures of what a client measured, what passed the tap, and a log.
func TestLanes(t *testing.T) {
	t.Parallel()
	const file = "testdata/pictures.txt"
	list, err := os.ReadFile(file)
	must(t, err)
	pictures, err := caselist.Read(file, string(list))
	must(t, err)
	for _, p := range pictures {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			text, want, tr := "", "", &trial{stderr: &launch.Tail{}}
			var timings []timing
			for _, key := range p.Keys {
				switch key.Name {
				case "slow":
					tr.Slow = key.Value
				case "program":
					tr.Program = 1
				case "conn":
					c, logged := connOf(key.Value, fmt.Sprint("conn ", len(tr.conns)))
					tr.conns, text = append(tr.conns, c), text+logged
				case "piece":
					c := &tr.conns[len(tr.conns)-1]
					c.Pieces = append(c.Pieces, pieceOf(t, key.Value))
				case "measured":
					timings = append(timings, measured(t, key.Value))
				case "lane":
					want += key.Value + "\n"
				case "says":
					want += "\t" + key.Value + "\n"
				default:
					t.Fatal(p.Wrong(key.Line, "%s: no picture has this", key.Name))
				}
			}
			tr.stderr.Write([]byte(text))
			events, said := tr.log()
			raw := ""
			for _, e := range events {
				line, _ := e.MarshalJSON() // never fails
				raw += string(line) + "\n"
			}
			if said != "" || raw != text {
				t.Errorf("the events are\n%sand as no event %q", raw, said)
			}
			tr.Objects = len(timings) - 1
			o := tr.outcome(timings, "")
			got := ""
			for _, l := range append(o.Browser, o.Server...) {
				got += fmt.Sprintf("%s %v\n\t%s\n", l.Name, l.Spans, l.Says)
			}
			got += fmt.Sprintf("objects %v ms, total %v ms, length %v ms, connections %d", o.ObjectsTime, o.TotalTime, o.Length, o.Connections)
			if diff := cmp.Diff(want+p.Want, got); diff != "" {
				t.Errorf("the picture (-want +got):\n%s", diff)
			}
		})
	}
}

// began is when the pictures begin, in milliseconds since 1970: 2026-01-02T03:04:00Z.
const began = 1767323040000

// A moment scans a time in milliseconds after that; - is none.
type moment struct{ *time.Time }

func (m moment) Scan(state fmt.ScanState, _ rune) error {
	word, err := state.Token(true, nil)
	if ms, bad := strconv.Atoi(string(word)); bad == nil {
		*m.Time = time.UnixMilli(began + int64(ms))
	}
	return err
}

// connOf reads a connection, as "over 1 2 3", and makes the line of a log that says when it
// was accepted, if it was.
func connOf(line, local string) (c tap.Conn, logged string) {
	c.Local = local
	how, accepted := "", 0
	if n, _ := fmt.Sscan(line, &how, moment{&c.Opened}, moment{&c.Connected}, &accepted); n == 4 {
		logged = fmt.Sprintf(`{"time":"2026-01-02T03:04:00.%03dZ","level":"INFO","msg":"accepted","conn":1,"remote":%q}`+"\n", accepted, local)
	}
	if c.Over = how != "open"; how == "failed" {
		c.Failed = errors.New("refused")
	}
	return c, logged
}

// pieceOf reads a piece, as "5 client GET /\\r\\n", or "9-11 server FIN".
func pieceOf(t *testing.T, line string) tap.Piece {
	t.Helper()
	when, rest, _ := strings.Cut(line, " ")
	who, quoted, _ := strings.Cut(rest, " ")
	from, to, long := strings.Cut(when, "-")
	if !long {
		to = from
	}
	p := tap.Piece{From: who}
	_, err := fmt.Sscan(from+" "+to, moment{&p.Time}, moment{&p.Until})
	must(t, err)
	if quoted == tap.FIN || quoted == tap.RST {
		p.End = quoted
		return p
	}
	said, err := strconv.Unquote(`"` + quoted + `"`)
	must(t, err)
	p.Bytes, p.Size, p.Parts = []byte(said), len(said), 1
	return p
}

// measured reads what a client measured for an object.
func measured(t *testing.T, line string) (m timing) {
	t.Helper()
	moments := []*float64{&m.Start, &m.ConnectStart, &m.ConnectEnd, &m.RequestStart, &m.ResponseStart, &m.ResponseEnd}
	_, err := fmt.Sscan(line, &m.Target, &m.Status, moments[0], moments[1], moments[2], moments[3], moments[4], moments[5])
	must(t, err)
	for _, moment := range moments {
		*moment += began
	}
	return m
}

// must fails the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestMissing: what is said of a page that did not come whole.
func TestMissing(t *testing.T) {
	t.Parallel()
	good := func(target string) timing {
		return timing{Target: target, Start: 1, ResponseStart: 2, ResponseEnd: 3, Status: 200}
	}
	page, one, two := good("/page-2.html"), good("/object-1.svg"), good("/object-2.svg")
	refused, broken := two, two
	refused.Status = 500
	broken.ResponseStart = 0 // what a browser says of an object that did not come
	for _, test := range []struct {
		name    string
		timings []timing
		log     string
		want    string
	}{
		{"all", []timing{page, one, two}, "", ""},
		{"nothing", nil, "step 1.1 is not written yet\n", "did not send the page\nIts log says:\nstep 1.1 is not written yet"},
		{"nothing, silently", nil, "", "did not send the page\nIts log does not say why"},
		{"no object 2", []timing{page, one}, "", "did not send object-2.svg\nIts log does not say why"},
		{"a 500", []timing{page, one, refused}, `{"time":"2026-01-02T03:04:05Z","msg":"panic","conn":1,"error":"oh"}` + "\n", "did not send object-2.svg\nIts log says:\noh"},
		{"broken off", []timing{page, broken, one}, "", "did not send object-2.svg\nIts log does not say why"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tr := &trial{settings: settings{Stage: 1, Objects: 2}, stderr: &launch.Tail{}}
			tr.stderr.Write([]byte(test.log))
			got := ""
			if what := tr.missing(test.timings); what != "" {
				got = tr.fault(what).Error()
			}
			if got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// TestOtherwise: what a browser finds in another answer than the golden one.
func TestOtherwise(t *testing.T) {
	t.Parallel()
	const hello = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	for answer, want := range map[string]string{
		hello:                                  "",
		"HTTP/1.1 200 OK\r\nDate: x\r\n\r\nhi": "",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n": "",
		"HTTP/1.1 200 OK\r\n\r\nho":        anotherBody,
		"HTTP/1.1 200 OK":                  anotherBody,
		"HTTP/1.1 404 Not Found\r\n\r\nhi": "sent another status",
		"":                                 "did not answer",
	} {
		if got := otherwise(golden.Case{Request: []byte("GET / HTTP/1.1\r\n\r\n"), Response: []byte(hello)}, []byte(answer)); got != want {
			t.Errorf("%q: %q, want %q", answer, got, want)
		}
	}
}

// TestMessage: what is written, and what is sent.
func TestMessage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		m       message
		want    string // the pieces, or a part of the error
		command string
	}{
		{message{Text: "GET / HTTP/1.1\nHost: a\n\n", CRLF: true}, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", `printf 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' | nc localhost 6789`},
		{message{Text: `GET /\x00"\r\n` + "\n", End: "half-close"}, "GET /\x00\"\r\n", `printf 'GET /\000"\r\n' | nc -N localhost 6789`},
		{message{Text: `a'%\\`, Cuts: []int{1, 3}, Wait: 250}, `a|'%|\`, `(printf 'a'; sleep 0.25; printf ''\''%%'; sleep 0.25; printf '\\') | nc localhost 6789`},
		{message{Text: `\xff`}, "\xff", ""},
		{message{Text: "a\n\\q"}, "line 2 has an escape that does not exist", ""},
		{message{Text: "abc", Cuts: []int{2, 2}}, "a cut is behind byte 1 to 2", ""},
		{message{Text: "abc", Cuts: []int{3}}, "a cut is behind byte 1 to 2", ""},
		{message{End: "leave"}, `not "leave"`, ""},
		{message{Wait: 5001}, "0 to 5000 ms", ""},
	} {
		pieces, err := test.m.pieces()
		got, command := string(bytes.Join(pieces, []byte("|"))), ""
		if err != nil {
			got = err.Error()
		} else {
			command = test.m.command(pieces)
		}
		if got != test.want && (err == nil || !strings.Contains(got, test.want)) || command != test.command {
			t.Errorf("%+v: %q, want %q; %s, want %s", test.m, got, test.want, command, test.command)
		}
	}
}

// TestPresets: every golden case is there, and its text means its bytes.
func TestPresets(t *testing.T) {
	t.Parallel()
	cases, err := golden.Cases()
	if err != nil {
		t.Fatal(err)
	}
	all := (&comparison{cases: cases}).presets()
	if n := len(golden.Presets()); len(all) != n+len(cases) || n < 9 {
		t.Fatalf("%d presets of %d cases, %d of the textbook", len(all), len(cases), n)
	}
	for i, g := range cases {
		m := all[len(all)-len(cases)+i].message
		if pieces, err := m.pieces(); m.Case != g.Name || err != nil || !bytes.Equal(bytes.Join(pieces, nil), g.Request) {
			t.Errorf("%s: %.200q means %.200q, not %.200q (%v)", g.Name, m.Text, pieces, g.Request, err)
		}
	}
}

// TestRefused: what the page's address refuses, before anything is started.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, method, url, body string
		fields                  map[string]string
		status                  int
		says                    string
	}{
		{name: "a name that points here", method: "GET", url: "http://evil.example:80/", status: 403, says: "by the address that was printed"},
		{name: "another site's form", method: "POST", url: "http://127.0.0.1:80/same", fields: map[string]string{"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}, status: 403, says: "cross-origin"},
		{name: "another site's events", method: "GET", url: "http://127.0.0.1:80/live", fields: map[string]string{"Sec-Fetch-Site": "cross-site"}, status: 403, says: "another site"},
		{name: "no settings", method: "POST", url: "http://localhost/trials", status: 400, says: "JSON"},
		{name: "stage 3", method: "POST", url: "http://localhost/trials", body: `{"stage":3}`, status: 400, says: "no server of stage 3"},
		{name: "too many objects", method: "POST", url: "http://localhost/trials", body: `{"stage":1,"objects":13}`, status: 400, says: "0 to 12"},
		{name: "a delay below zero", method: "POST", url: "http://[::1]:80/trials", body: `{"stage":1,"delay":-1}`, status: 400, says: "0 to 2000 ms"},
		{name: "an unknown slow client", method: "POST", url: "http://localhost/trials", body: `{"stage":1,"slow":"x"}`, status: 400, says: `"x"`},
		{name: "a trial that is over", method: "POST", url: "http://localhost/trials/7", body: `{}`, status: 400, says: "run the experiment again"},
		{name: "no number of a trial", method: "POST", url: "http://localhost/trials/x", status: 400, says: "run the experiment again"},
		{name: "an answer that nobody asked for", method: "GET", url: "http://localhost/relay/exact/HelloWorld.html", status: 502, says: "run the experiment again"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &comparison{}
			r := httptest.NewRequest(test.method, test.url, strings.NewReader(test.body))
			for name, value := range test.fields {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			c.handler().ServeHTTP(w, r)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.says) {
				t.Errorf("status %d, %q; want %d and %q", w.Code, w.Body, test.status, test.says)
			}
		})
	}
}

// TestPage: the page and what it loads are there, nothing comes from elsewhere, and
// every kind of span has a look in the page.
func TestPage(t *testing.T) {
	t.Parallel()
	all := ""
	for _, name := range []string{"", "style.css", "compare.js", "hold.js", "words.js", "pictures.js", "lengths.js", "zh.json"} {
		w := httptest.NewRecorder()
		new(comparison).handler().ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/"+name, nil))
		if w.Code != http.StatusOK {
			t.Errorf("GET /%s: status %d", name, w.Code)
		}
		all += w.Body.String()
	}
	for _, elsewhere := range []string{"https://", "@import", `src="//`, `src="http`} {
		if strings.Contains(all, elsewhere) {
			t.Errorf("%s is in the page", elsewhere)
		}
	}
	for _, k := range kinds {
		if !strings.Contains(all, "\n."+k.Kind+" { background: ") {
			t.Errorf("style.css has no background for %q", k.Kind)
		}
	}
}
