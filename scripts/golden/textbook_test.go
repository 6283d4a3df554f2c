package golden

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weblab.example/scripts/internal/language"
	"weblab.example/scripts/internal/verdict"
)

// TestLastWords: the line that names an error, and the line of the program's own source.
func TestLastWords(t *testing.T) {
	for _, c := range []struct{ language, said, line, where string }{
		{"python", `Traceback (most recent call last):
  File "/tmp/x/WebServer.py", line 31, in <module>
    serve(conn)
  File "/tmp/x/WebServer.py", line 29, in serve
    conn.send(page)
  File "/usr/lib/python3.11/socket.py", line 7, in send
TypeError: a bytes-like object is required, not 'str'
`, "TypeError: a bytes-like object is required, not 'str'", "WebServer.py:29"},
		{"python", "Ready to serve...\nreceived b'GET / HTTP/1.1'\n", "", ""},
		{"python", "  File \"WebServer.py\", line 3\n    print \"x\"\nSyntaxError: Missing parentheses\n", "SyntaxError: Missing parentheses", "WebServer.py:3"},
		{"node", "node:events:496\n\nTypeError: Cannot read properties of undefined\n    at Socket.<anonymous> (/tmp/x/WebServer.js:12:20)\n    at node:events:518:28\n", "TypeError: Cannot read properties of undefined", "WebServer.js:12"},
		{"java", "Exception in thread \"main\" java.net.BindException: Address already in use\n\tat java.base/sun.nio.ch.Net.bind0(Native Method)\n\tat WebServer.main(WebServer.java:9)\n", `Exception in thread "main" java.net.BindException: Address already in use`, "WebServer.java:9"},
		{"go", "panic: runtime error: index out of range [1] with length 0\n\ngoroutine 1 [running]:\nmain.main()\n\t/tmp/x/WebServer.go:12 +0x1d\n", "panic: runtime error: index out of range [1] with length 0", "WebServer.go:12"},
		{"", "Error: nobody knows this language\n", "", ""},
	} {
		speaks, _ := language.Of(c.language)
		line, where := speaks.LastWords(c.said, func(file string) bool { return strings.HasPrefix(file, "WebServer.") })
		if line != c.line || where != c.where {
			t.Errorf("%s: %q, %q, want %q, %q", c.language, line, where, c.line, c.where)
		}
	}
}

// TestReadRubric: another rubric changes what it names, and nothing else.
func TestReadRubric(t *testing.T) {
	r, err := ReadRubric([]byte(`{"points": {"page": 30}, "deductions": {"bare-lf": 4}}`))
	if err != nil || r.Points["page"] != 30 || r.Points["again"] != 10 || r.Deductions["bare-lf"] != 4 || r.Deductions["404-bare"] != 3 {
		t.Errorf("%v, %v", r, err)
	}
	for text, says := range map[string]string{
		`{"points": {"pgae": 30}}`:          `"pgae": there are after-missing, again`,
		`{"deductions": {"bare-lf": -1}}`:   "gives bare-lf -1 points",
		`{"points": {"page": "thirty"}}`:    "in whole numbers",
		`{"point": {"page": 30}}`:           "a rubric is",
		`{"deductions": {"no-such": 1}}`:    `names "no-such"`,
		`{"deductions": {"bare-lf": 1.5}} `: "in whole numbers",
	} {
		if _, err := ReadRubric([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for name := range r.Deductions {
		if verdict.Diagnoses[name].Why == "" {
			t.Errorf("the rubric deducts for %s, which is no diagnosis", name)
		}
	}
	sum := 0
	for stage := 1; stage <= 3; stage++ {
		for _, c := range Textbook(stage, r) {
			if sum += c.Weight; c.Weight > 0 {
				delete(r.Points, c.Name)
			}
		}
	}
	if sum != 115 || len(r.Points) > 0 { // 15 more for the page
		t.Errorf("the checks have %d points, and %v are of no check", sum, r.Points)
	}
	results := []Result{
		{Check: Check{Stage: 1, Step: "server", Weight: 15}, Status: Passed, Deductions: []Deduction{{"crlf-after-body", 1, "", "", "", ""}, {"not-closed", 2, "", "", "", ""}}},
		{Check: Check{Stage: 1, Step: "server", Weight: 25}, Status: Failed, Deductions: []Deduction{{"crlf-after-body", 1, "", "", "", ""}}},
	}
	results = append(results, Result{Check: Check{Stage: 1, Step: "server", Weight: 10}, Status: NotRun, Why: excuse + "no files"}) // has no part of the points
	deductOnce(results)
	if earned, most := Score(results); earned != 12 || most != 40 {
		t.Errorf("%d of %d, want 12 of 40", earned, most)
	}
}

// TestPresets: what a check sends first, as a person would send it.
func TestPresets(t *testing.T) {
	got := map[string]string{}
	for _, p := range Presets() {
		line, _, _ := strings.Cut(string(bytes.Join(p.Pieces, []byte("|"))), "\r\n")
		got[p.Name] = line
	}
	want := map[string]string{
		"page": "GET /HelloWorld.html HTTP/1.1", "other-page": "GET /dir/page.html HTTP/1.1",
		"random-page": "GET /HelloWorld.html HTTP/1.1", "again": "GET /HelloWorld.html HTTP/1.1",
		"pieces": "GET /HelloWor|ld.html HTTP/1.1", "empty-connection": "",
		"outside": "GET /../secret.txt HTTP/1.1", "missing": "GET /no-such-file.html HTTP/1.1",
		"after-missing": "GET /no-such-file.html HTTP/1.1", "silent-others": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
