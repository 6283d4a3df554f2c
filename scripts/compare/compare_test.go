package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weblab.example/scripts/golden"
)

// at is a line of a log, so many milliseconds after a moment in 2026.
func at(ms int, fields string) string {
	return fmt.Sprintf(`{"time":"2026-01-02T03:04:%02d.%03dZ","level":"INFO",%s}`+"\n", ms/1000, ms%1000, fields)
}

const moment = 1767323040000 // the same, in milliseconds since 1970

// measured is what a client measured for an object, counted from the same moment: asked
// for, begins to connect, connected, request sent, first byte, last byte.
func measured(target string, status int, ms ...float64) timing {
	for i := range ms {
		ms[i] += moment
	}
	return timing{target, ms[0], ms[1], ms[2], ms[3], ms[4], ms[5], status}
}

// pictures are logs and measurements, and the pictures that become of them: of the
// client's lanes and the server's, the spans and the words.
var pictures = []struct {
	name, slow, log string
	timings         []timing
	want            string
}{
	{
		name: "the second waits in the queue",
		log: at(10, `"msg":"accepted","conn":1`) + at(20, `"msg":"request","conn":1,"target":"/page-1.html"`) +
			at(120, `"msg":"answered","conn":1,"status":200`) + at(130, `"msg":"closed","conn":1`) +
			at(200, `"msg":"accepted","conn":2`) + at(200, `"msg":"request","conn":2,"target":"/object-1.svg"`) +
			at(300, `"msg":"answered","conn":2,"status":200`) + at(310, `"msg":"closed","conn":2`),
		timings: []timing{measured("/page-1.html", 200, 0, 5, 10, 10, 120, 121), measured("/object-1.svg", 200, 130, 130, 140, 141, 300, 302)},
		want: `page-1.html [{stalled 0 5} {connect 5 10} {wait 10 120} {receive 120 121}]
	asked for at 0 ms, request sent at 10, first byte at 120, last byte at 121 ms
object-1.svg [{connect 130 140} {stalled 140 141} {wait 141 300} {receive 300 302}]
	asked for at 130 ms, request sent at 141, first byte at 300, last byte at 302 ms
connection 1 [{head 10 20} {answer 20 120} {open 120 130}]
	accepted at 10 ms, page-1.html answered with 200 from 20 to 120 ms, closed at 130 ms
connection 2 [{queue 140 200} {answer 200 300} {open 300 310}]
	connected at 140 ms, waited 60 ms in the queue, accepted at 200 ms, object-1.svg answered with 200 from 200 to 300 ms, closed at 310 ms
objects 172 ms, total 302 ms, length 310 ms, connections 2
`},
	{
		name: "one connection for both, still open at the end",
		log: at(0, `"msg":"accepted","conn":1`) + at(0, `"msg":"request","conn":1,"target":"/page-1.html"`) + at(10, `"msg":"answered","conn":1,"status":200`) +
			at(20, `"msg":"request","conn":1,"target":"/object-1.svg"`) + at(30, `"msg":"answered","conn":1,"status":404`),
		timings: []timing{measured("/page-1.html", 0, 0, 0, 0, 0, 10, 10), measured("/object-1.svg", 404, 20, 20, 20, 20, 30, 40)},
		want: `page-1.html [{wait 0 10}]
	asked for at 0 ms, request sent at 0, first byte at 10, last byte at 10 ms, on a connection that was there already
object-1.svg [{wait 20 30} {receive 30 40}]
	asked for at 20 ms, request sent at 20, first byte at 30, last byte at 40 ms, on a connection that was there already (status 404)
connection 1 [{answer 0 10} {open 10 20} {answer 20 30} {open 30 40}]
	accepted at 0 ms, page-1.html answered with 200 from 0 to 10 ms, object-1.svg answered with 404 from 20 to 30 ms, still open at the end
objects 20 ms, total 40 ms, length 40 ms, connections 1
`},
	{
		name: "a slow client before, and a connection that was made ahead of time", slow: "half",
		log: at(0, `"msg":"accepted","conn":1`) + at(500, `"msg":"request","conn":1,"refused":"the head was not complete in time"`) +
			at(500, `"msg":"answered","conn":1,"status":408`) + at(500, `"msg":"closed","conn":1`) +
			at(500, `"msg":"accepted","conn":2`) + at(500, `"msg":"request","conn":2,"target":"/page-0.html"`) +
			at(510, `"msg":"answered","conn":2,"status":200`) + at(510, `"msg":"closed","conn":2`) + at(510, `"msg":"accepted","conn":3`),
		timings: []timing{measured("/page-0.html", 0, 100, 110, 110, 110, 510, 520)},
		want: `page-0.html [{stalled 100 110} {wait 110 510} {receive 510 520}]
	asked for at 100 ms, request sent at 110, first byte at 510, last byte at 520 ms, on a connection that was there already
slow client [{head 0 500}]
	accepted at 0 ms, what came answered with 408 from 500 to 500 ms, closed at 500 ms
connection 2 [{queue 110 500} {answer 500 510}]
	connected at 110 ms, waited 390 ms in the queue, accepted at 500 ms, page-0.html answered with 200 from 500 to 510 ms, closed at 510 ms
connection 3 [{head 510 520}]
	accepted at 510 ms, no request came, still open at the end
objects 0 ms, total 420 ms, length 520 ms, connections 2
`},
}

// TestLanes makes pictures of logs and measurements.
func TestLanes(t *testing.T) {
	t.Parallel()
	for _, test := range pictures {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			log := newServerLog()
			half := len(test.log) / 2 // a write need not end with a line
			log.Write([]byte(test.log[:half]))
			log.Write([]byte(test.log[half:]))
			events, said := log.read()
			raw := ""
			for _, e := range events {
				line, _ := e.MarshalJSON() // never fails
				raw += string(line) + "\n"
			}
			if said != "" || raw != test.log {
				t.Errorf("the events are\n%sand as no event %q", raw, said)
			}
			tr := &trial{settings: settings{Objects: len(test.timings) - 1, Slow: test.slow}}
			o := tr.outcome(test.timings, events)
			got := ""
			for _, l := range append(o.Browser, o.Server...) {
				got += fmt.Sprintf("%s %v\n\t%s\n", l.Name, l.Spans, l.Says)
			}
			got += fmt.Sprintf("objects %v ms, total %v ms, length %v ms, connections %d\n", o.ObjectsTime, o.TotalTime, o.Length, o.Connections)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("the picture (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCheckLoaded: there is no picture of a page that did not come whole.
func TestCheckLoaded(t *testing.T) {
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
		{"nothing", nil, "step 1.1 is not written yet\n", "stage 1 did not send the page. Its log says:\nstep 1.1 is not written yet"},
		{"nothing, silently", nil, "", "stage 1 did not send the page. Its log does not say why"},
		{"no object 2", []timing{page, one}, "", "stage 1 did not send object-2.svg. Its log does not say why"},
		{"a 500", []timing{page, one, refused}, `{"time":"2026-01-02T03:04:05Z","msg":"panic","conn":1,"error":"oh"}` + "\n", "stage 1 did not send object-2.svg. Its log says:\noh"},
		{"broken off", []timing{page, broken, one}, "", "stage 1 did not send object-2.svg. Its log does not say why"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tr := &trial{settings: settings{Stage: 1, Objects: 2}, log: newServerLog()}
			tr.log.Write([]byte(test.log))
			got := ""
			if err := tr.checkLoaded(test.timings); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// TestJudge compares answers of all three.
func TestJudge(t *testing.T) {
	t.Parallel()
	const hello = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	var cases []golden.Case
	var answers [][3][]byte
	for _, c := range []struct{ name, one, two, other, flags string }{
		{"another head", hello, hello, "HTTP/1.1 200 OK\r\nDate: x\r\n\r\nhi", ""},
		{"another body", hello, hello, "HTTP/1.1 200 OK\r\n\r\nho", ""},
		{"another status", hello, hello, "HTTP/1.1 404 Not Found\r\n\r\nhi", ""},
		{"no answer", hello, hello, "", ""},
		{"stages differ", hello, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nha", hello, ""},
		{"nothing from either", "", "", "", ""},
		{"not golden", hello[:len(hello)-1], hello[:len(hello)-1], hello[:len(hello)-1], ""},
		{"no difference", hello, hello, hello, ""},
		{"no such flag", hello, hello, "", "-content-length long"},
	} {
		cases = append(cases, golden.Case{Name: c.name, Flags: strings.Fields(c.flags), Response: []byte(hello)})
		answers = append(answers, [3][]byte{[]byte(c.one), []byte(c.two), []byte(c.other)})
	}
	r := judge(cases, answers)
	var how []string
	for _, d := range r.Differ {
		how = append(how, d.Kind+", "+d.Name+": "+d.How)
	}
	want := []string{
		anotherHead + ", another head: another head",
		anotherBody + ", another body: another body",
		anotherStatus + ", another status: status 200, net/http 404",
		anotherStatus + ", no answer: status 200, net/http none",
		stagesDiffer + ", stages differ: stage 1 and stage 2 differ",
		stagesDiffer + ", nothing from either: stage 1 sent 0 bytes, stage 2 0",
		stagesDiffer + ", not golden: both sent the same bytes, but not the golden ones",
	}
	if diff := cmp.Diff(want, how); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	if got := fmt.Sprint(r.Cases, r.Equal, r.Golden, r.Compared, r.SameStatus, r.SameBody); got != "9 7 6 8 6 5" {
		t.Errorf("counts are %s", got)
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
	for _, name := range []string{"", "style.css", "compare.js"} {
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
