package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/verdict"
)

// textbookSubmission is a server whose checks all passed but for some.
func textbookSubmission(t *testing.T, lang string, but func(*golden.Result)) (*grader, *submission) {
	t.Helper()
	g := &grader{selection: selection{Checks: "textbook", Level: golden.Strict, Seed: 7, Lang: lang}, command: "python3 WebServer.py {port}"}
	if err := g.readRubric(); err != nil {
		t.Fatal(err)
	}
	s := &submission{Name: "anna"}
	for _, stage := range []int{1, 2} {
		r := &stageResult{Stage: stage, State: graded}
		for _, c := range g.list(stage) {
			r.Results = append(r.Results, golden.Result{Check: c, Status: golden.Passed})
			but(&r.Results[len(r.Results)-1])
		}
		r.fill(r.Results)
		s.Stages = append(s.Stages, r)
	}
	s.addUp()
	return g, s
}

// TestStudentReport: the most expensive mistake comes first, one cause is told once, and
// what costs nothing is named in a line.
func TestStudentReport(t *testing.T) {
	g, s := textbookSubmission(t, "en", func(r *golden.Result) {
		fail := func(diagnosis string) {
			r.Status, r.Diagnosis, r.Seen, r.Why, r.Note, r.Again = golden.Failed, diagnosis, "seen "+r.Name, "because of "+diagnosis, "lab-notes/steps/1.2.md", "go run ./scripts/grade -only "+r.Name
		}
		switch r.Name {
		case "page":
			r.Deductions = []golden.Deduction{{Diagnosis: "bare-lf", Why: "LF"}, {Diagnosis: "crlf-after-body", Points: 1, Seen: "page\r\n", Why: "a line end"}}
		case "missing", "after-missing":
			fail("died")
			r.Line = "WebServer.py:29"
		case "empty-connection":
			fail("dies-on-empty")
			r.Deductions = []golden.Deduction{{Diagnosis: "dies-on-empty", Points: 3, Why: "because of dies-on-empty"}}
		case "many":
			r.Status, r.Why = golden.NotRun, "the program serves one client at a time"
		}
	})
	want := `anna: 51 of 80 points
  server    36/40  a browser's request gets the file
  404        0/20  a file that is not there
  threads   15/20  many clients at once (an optional exercise)
 -20  the program ends, WebServer.py:29 (missing, after-missing)
      seen  seen missing
      why   because of died
      read  lab-notes/steps/1.2.md
  -5  not run (many)
      why   the program serves one client at a time
  -3  dies on an empty connection (empty-connection)
      why   because of dies-on-empty
  -1  line end after the body (page)
      seen  page\u000d
      why   a line end
   0  no points lost: bare LF

One check again:
  go run ./scripts/grade -only missing
`
	if got := g.report(s, true); !strings.HasPrefix(got, want) {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if s.passed() {
		t.Error("it has passed")
	}
	html, err := g.html(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"<b>−20</b> the program ends, WebServer.py:29 (missing, after-missing)", "<td>36/40", "go run ./scripts/grade -only missing", "bare LF"} {
		if !strings.Contains(string(html), part) {
			t.Errorf("no %q in the page\n%s", part, html)
		}
	}
	if got := classLine(classMistakes([]*submission{s, s}, "en"), "en"); !strings.HasPrefix(got, "2 of 2: the program ends; 2: dies on an empty connection; 2: ") {
		t.Error(got)
	}
}

// TestOneCause: what differs only in its numbers, or stands in one line of the program, is one
// mistake. What has another reason is another.
func TestOneCause(t *testing.T) {
	whys := map[string]string{"page": "0 of 36 bytes came", "other-page": "0 of 4 bytes came", "again": "the page of another", "missing": "here", "after-missing": "there"}
	_, s := textbookSubmission(t, "en", func(r *golden.Result) {
		if why := whys[r.Name]; why != "" {
			r.Status, r.Diagnosis, r.Why = golden.Failed, "body-differs", why
		}
		if r.Step == "404" {
			r.Line = "WebServer.py:9"
		}
	})
	var got []string
	for _, m := range s.mistakes("en") {
		got = append(got, fmt.Sprint(m.Lost, m.Checks))
	}
	if want := []string{"20 [page other-page]", "20 [missing after-missing]", "10 [again]"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestClassLine: the most frequent come first, and a long list ends.
func TestClassLine(t *testing.T) {
	var all []count
	for i := range 15 {
		all = append(all, count{Title: fmt.Sprint("m", i), Count: 20 - i, Of: 29})
	}
	want := "20 of 29: m0; 19: m1; 18: m2; 17: m3; 16: m4; 15: m5; 14: m6; 13: m7; 12: m8; 11: m9; 10: m10; 9: m11; and 3 more"
	if got := classLine(all, "en"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := classLine(all[:2], "zh"); got != "29 份中有 20 份：m0；19 份：m1" {
		t.Error(got)
	}
}

// TestScreen: however much is wrong, a student's report is a screen.
func TestScreen(t *testing.T) {
	for _, lang := range []string{"en", "zh"} {
		for _, long := range []int{0, 1, 5, 15} {
			g, s := textbookSubmission(t, lang, func(r *golden.Result) {
				r.Status, r.Diagnosis, r.Seen, r.Why = golden.Failed, "died-"+r.Name, strings.Repeat("名 ", long), r.Name+strings.Repeat(" 因为 why", long)
				for i := range long {
					r.Deductions = append(r.Deductions, golden.Deduction{Diagnosis: fmt.Sprint(r.Name, i), Points: i, Why: strings.Repeat("x", long)})
				}
			})
			s.Remarks = slices.Repeat([]string{"a remark"}, min(long, 3))
			text := g.report(s, false)
			if n := lineCount(strings.Split(strings.TrimRight(text, "\n"), "\n")); n > 24 || n < 12 {
				t.Errorf("%s, %d: %d lines\n%s", lang, long, n, text)
			}
		}
	}
}

// A gradescopeText is what Gradescope's documentation has of a text, and the points above it.
type gradescopeText struct {
	Score      float64 `json:"score"`
	Output     string  `json:"output"`
	Format     string  `json:"output_format"`
	Visibility string  `json:"visibility"`
}

// TestGradescopeFormat: what Gradescope gets of the textbook's checks has no field that its
// documentation does not name, and a score that is the sum of those of the tests.
// testdata/sample.gradescope has the golden checks.
func TestGradescopeFormat(t *testing.T) {
	g, s := textbookSubmission(t, "zh", func(r *golden.Result) {
		switch r.Name {
		case "page":
			r.Deductions = []golden.Deduction{{Diagnosis: "crlf-after-body", Points: 1, Seen: "page", Why: "多了换行"}}
		case "many":
			r.Status, r.Why = golden.NotRun, "the program serves one client at a time"
		}
	})
	text, err := json.Marshal(g.gradescope(s))
	if err != nil {
		t.Fatal(err)
	}
	var result struct {
		gradescopeText
		Seconds float64 `json:"execution_time"`
		Tests   []struct {
			gradescopeText
			Max    float64 `json:"max_score"`
			Status string  `json:"status"`
			Name   string  `json:"name"`
		} `json:"tests"`
	}
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&result); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, test := range result.Tests {
		result.Score -= test.Score
		first, _, _ := strings.Cut(test.Output, "\n")
		got = append(got, fmt.Sprintf("%s %s, %v/%v, %s", test.Status, test.Name, test.Score, test.Max, first))
	}
	want := []string{"failed 服务器: 浏览器请求的文件能送到, 39/40,   -1  主体后多换行 (page)", "passed 404: 文件不存在, 20/20, ", "failed 线程: 同时服务许多客户（选做）, 15/20,   -5  没有运行 (many)"}
	if result.Score != 0 || !slices.Equal(got, want) {
		t.Errorf("%v points more than those of the tests, %q\nwant %q", result.Score, got, want)
	}
}

// TestWords: each text of the reports has its Chinese, with the same verbs.
func TestWords(t *testing.T) {
	found := regexp.MustCompile(`(?:say\([\w.]+, |\.Say |r\.Why = )"([^"]+)"`)
	used := map[string]bool{"seen": true, "why": true, "read": true}
	files, err := filepath.Glob("*")
	files = append(files, "../golden/grade.go") // says why the textbook's checks were not run
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil { // a directory
			continue
		}
		for _, m := range found.FindAllStringSubmatch(string(text), -1) {
			used[m[1]] = true
		}
	}
	for _, s := range golden.Steps {
		if s.Level == "" {
			used[s.ID], used[s.Title] = true, true
		} else {
			used[string(s.Level)] = true
		}
	}
	for _, text := range []string{"total", stepPassed, stepFailed, stepNotRun} {
		used[text] = true
	}
	for text := range used {
		if verdict.Texts.Reports[text] == "" {
			t.Errorf("%q has no Chinese", text)
		}
	}
	for text, zh := range verdict.Texts.Reports {
		if !used[text] {
			t.Errorf("nobody says %q", text)
		}
		if strings.Count(text, "%") != strings.Count(zh, "%") {
			t.Errorf("%q and %q have other verbs", text, zh)
		}
	}
}

// TestCommandsFile: -cmd @FILE reads what a spreadsheet writes, too.
func TestCommandsFile(t *testing.T) {
	want := map[string]string{"anna": "python3 a.py {port}", "otto": "node b.js {port}"}
	for text, says := range map[string]string{
		"anna,python3 a.py {port}\notto, node b.js {port}\n":          "",
		"\ufeffanna;python3 a.py {port}\r\notto;node b.js {port}\r\n": "",
		"anna\n":             "wrong number of fields",
		"anna,\n":            "line 1: a command is words",
		"anna,sh -c 'a b'\n": "without quotes",
	} {
		name := filepath.Join(t.TempDir(), "commands.csv")
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		g := &grader{command: "@" + name}
		switch err := g.readCommands(); {
		case says != "" && (err == nil || !strings.Contains(err.Error(), says)):
			t.Errorf("%q: %v, want %q", text, err, says)
		case says == "" && (err != nil || !maps.Equal(g.commands, want)):
			t.Errorf("%q: %q, %v", text, g.commands, err)
		}
	}
}

// TestFileName: no report takes the place of the page of the class.
func TestFileName(t *testing.T) {
	for name, want := range map[string]string{"anna": "anna", "index": "index-", "Index": "Index-", "a/b:c": "a-b-c"} {
		if got := fileName(name); got != want {
			t.Errorf("the report of %s is %s, want %s", name, got, want)
		}
	}
}
