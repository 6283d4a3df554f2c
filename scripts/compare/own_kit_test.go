//go:build kit

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"html"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/exchange"
)

// article is what takes part: the program with the mistakes.
var article = []string{"-with", "python3 server.py {port}", "-dir", filepath.Join("..", "..", "lab-notes", "article")}

// TestOwnPage: the page examines the article's server. All that it says is there in both
// languages, and so it is in the report.
func TestOwnPage(t *testing.T) {
	t.Parallel()
	withPrograms(t) // or there is no Python
	_, url := startPage(t, "", article...)
	dom := dump(t, url+"?run=objects,slow,sheet,send,live,same,lengths&lang=zh&report")
	dom, report, _ := strings.Cut(dom, `<pre id="report">`)
	report, _, _ = strings.Cut(report, "</pre>")
	report = html.UnescapeString(report)
	if _, says, ok := strings.Cut(dom, "data-untranslated="); ok {
		t.Errorf("there is no Chinese for %.500s", html.UnescapeString(says))
	}
	for _, says := range all(`<span lang="zh-CN">([^<]*)</span>`, dom) {
		if mixed := all(` (bytes|came|at|sent|ms|and|the|closed) `, says[1]+" "); len(mixed) > 0 && !strings.HasPrefix(says[1], "lab-notes/") {
			t.Errorf("half in English: %q", says[1])
		}
	}
	if !strings.Contains(report, `id="zh" checked=""`) || strings.Contains(report, `id="en" checked="" checked`) {
		t.Error("the report does not begin in the language of the page")
	}
	file := filepath.Join(t.TempDir(), "report.html")
	must(t, os.WriteFile(file, []byte(report), 0o644))
	saved := dump(t, "file://"+filepath.ToSlash(file))
	for _, page := range []string{dom, saved} {
		sheet := section(t, page, "sheet")
		one(t, `14/15`, text(sheet)) // 1 is lost by the line end after the body
		one(t, `python3 server\.py \{port\}\s+\d\d of 80 points`, text(sheet))
		for _, says := range []string{"长度就是字符数加 24|字符数加 24", "LF 结尾", "每次 send 只发一个字符", "主体之后多了一个换行", "404 响应只有状态行", "一次\\s*recv 不一定得到一个完整的请求", "文件夹之外的文件", "没有这一项", `threading\.Thread`} {
			one(t, says, page)
		}
		shown := section(t, page, "send")
		one(t, `\) \| nc localhost 6789|printf 'GET /HelloWorld\.html HTTP/1\.1\\r\\nHost: localhost\\r\\n`, text(shown))
		one(t, `other bytes than stage 1.*first wrong byte at offset 15`, strings.ReplaceAll(text(shown), "\n", " "))
		one(t, `at the end the server's socket is in TIME-WAIT, the client's in CLOSED`, text(shown))
		one(t, `(?s)connection 1.*client \d+ bytes, server \d+ bytes.*the server closed first`, text(section(t, page, "live")))
	}
	one(t, `announced 1\d\d\d bytes and sent 1\d\d\d: so the browser got no whole page`, text(section(t, dom, "objects")))
	same := rows(section(t, dom, "same"))
	if len(same) != 5 || number(t, same[2][1]) < 50 || number(t, same[3][1]) < 40 || number(t, same[4][1]) < 10 {
		t.Errorf("the counts of the program are %q", same)
	}

	checkScreenshots(t, url, []shot{
		{"sheet", "own-program.png", 960, 760},
		{"sheet&lang=zh", "own-program.zh-CN.png", 960, 760},
	})

	// A button of the sheet sends the failing case again.
	again := dump(t, url+"?run=sheet,send&press=pieces")
	one(t, `(?s)printf 'GET /HelloWor'; sleep 0\.06; printf 'ld\.html HTTP.*HTTP/1\.1 404 Not Found`, text(section(t, again, "send")))
}

// TestSend: a golden case goes to everybody with its flags, and what is wrong with an answer
// is named.
func TestSend(t *testing.T) {
	t.Parallel()
	_, _, late := withPrograms(t, "late") // somebody has its first port: it gets another one
	_, url := startPage(t, "", append(late, article...)...)
	send := func(m message) (all struct{ Replies []reply }) {
		body, err := json.Marshal(m)
		must(t, err)
		resp, err := http.Post(url+"send", "application/json", bytes.NewReader(body))
		must(t, err)
		defer resp.Body.Close()
		must(t, json.NewDecoder(resp.Body).Decode(&all))
		return all
	}
	cases, err := golden.Cases()
	must(t, err)
	for _, g := range cases {
		if g.Name != "hello" && g.Name != "content-length-mode-long" {
			continue
		}
		m := message{Case: g.Name}
		m.Text, m.CRLF = escape(g.Request)
		got := send(m).Replies
		for i, r := range got {
			if r.Trouble != "" || (r.Verdict == "the golden bytes") != (i < 2) || (r.Why == "") != (i < 2) || (r.WhyZh == r.Why) != (i < 2) {
				t.Errorf("%s, %s: %+v", g.Name, r.Name, r)
			}
		}
		if w := got[3].Wrong; !strings.HasPrefix(w, "first wrong byte at offset 15,") {
			t.Errorf("%s", w)
		}
	}
	// A client that says nothing and leaves ends both programs.
	for i, r := range send(message{End: "close"}).Replies {
		if (i >= 2) != strings.Contains(r.Trouble, "IndexError") || r.Verdict != "no answer" {
			t.Errorf("%s: %q, %q", r.Name, r.Verdict, r.Trouble)
		}
	}
	// Half a request, and an end: the server is told of it.
	for end, sign := range map[string]string{"reset": "RST", "half-close": "FIN", "close": "FIN"} {
		for _, r := range send(message{Text: "GET /", End: end}).Replies[:2] {
			if p := r.Talk.Pieces; len(p) < 2 || p[0].Parts[0].Text != "GET /" || p[1].From != "client" || p[1].End != sign {
				t.Errorf("%s, %s: %+v", end, r.Name, p)
			}
		}
	}
	// A cut and its pause.
	for _, r := range send(message{Text: "GET / HTTP/1.1\n\n", CRLF: true, Cuts: []int{7}, Wait: 300}).Replies[:2] {
		if p := r.Talk.Pieces; len(p) < 2 || p[0].Size != 7 || p[1].Size != 11 || p[1].At-p[0].At < 150 {
			t.Errorf("cut, %s: %+v", r.Name, p)
		}
	}
}

// TestSame: a program that ends behind each answer, a moment later, is started again, and no
// case is told as not answered for that.
func TestSame(t *testing.T) {
	t.Parallel()
	_, _, once := withPrograms(t, "once")
	_, url := startPage(t, "", once...)
	resp, err := http.Post(url+"same", "application/json", strings.NewReader("{}"))
	must(t, err)
	defer resp.Body.Close()
	var r sameResult
	must(t, json.NewDecoder(resp.Body).Decode(&r))
	if p := r.Programs[0]; p.Asked < 8 || p.Status < 5 || p.Trouble != "" && !strings.HasPrefix(p.Trouble, "took too long") || r.Equal != r.Cases {
		t.Errorf("%d of %d are golden, %+v", r.Equal, r.Cases, p)
	}
	for _, d := range r.Differ {
		if slices.Contains([]string{"hello", "http-1-0", "field-name-case", "no-space-after-colon", "range-ignored"}, d.Name) {
			t.Errorf("%s: %s", d.Name, d.Kind)
		}
	}
}

// TestLive: what a stranger sends to an address is told to the page, byte for byte.
func TestLive(t *testing.T) {
	t.Parallel()
	_, url := startPage(t, "")
	resp, err := http.Get(url + "live")
	must(t, err)
	defer resp.Body.Close()
	events := bufio.NewScanner(resp.Body)
	events.Buffer(nil, 1<<20)
	next := func(enough func(liveEvent) bool) (e liveEvent) {
		for events.Scan() {
			if data, ok := strings.CutPrefix(events.Text(), "data: "); ok {
				e = liveEvent{}
				must(t, json.Unmarshal([]byte(data), &e))
				if enough(e) {
					return e
				}
			}
		}
		t.Fatal("the events have ended: ", events.Err())
		return e
	}
	at := next(func(e liveEvent) bool { return e.Server == 1 && e.Port != "" })
	conn, err := exchange.Dial(net.JoinHostPort("127.0.0.1", at.Port))
	must(t, err)
	defer conn.Close()
	const request = "GET /HelloWorld.html HTTP/1.1\r\nHost: me\r\n\r\n"
	heard := exchange.Talk(conn, []byte(request))
	conn.Close()
	e := next(func(e liveEvent) bool {
		return e.Talk != nil && strings.Contains(e.Talk.Says, "closed first") && !strings.Contains(e.Talk.Says, "open")
	})
	bytesOf := func(from string) (all string) {
		for _, p := range e.Talk.Pieces {
			for _, part := range p.Parts {
				if p.From == from {
					all += part.Text
				}
			}
		}
		return all
	}
	plain := strings.NewReplacer("\n", "", `\r`, "\r", `\n`, "\n")
	if got := plain.Replace(bytesOf("client")); e.Server != 1 || e.Number != 1 || got != request {
		t.Errorf("server %d, connection %d: the page is told %q", e.Server, e.Number, got)
	}
	if got := plain.Replace(bytesOf("server")); got != string(heard.Bytes) {
		t.Errorf("the page is told %q, and %q came", got, heard.Bytes)
	}
	resp.Body.Close() // the page leaves
	for begun := time.Now(); ; time.Sleep(exchange.Pause) {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", at.Port))
		if err != nil {
			break
		}
		conn.Close()
		if time.Since(begun) > exchange.Patience {
			t.Fatal("the server runs, and the page has left")
		}
	}
}
