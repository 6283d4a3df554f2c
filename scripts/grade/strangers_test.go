package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/term"
)

// strangers are names and texts that want to be more than that.
var strangers = []string{
	"\x1b[2J\x1b]0;title\x07", // an empty screen, and its title
	"\u009b31mC1",             // the same bytes as one character
	"\x9b31mraw C1",           // and as a byte that is no UTF-8
	"back\b\b\b\bspace\x7f",
	"<script>alert(1)</script>",
	"over\rwritten",
	"\u202egpj.exe", // turns the direction of writing
	"\u2066isolated\u2069",
	"carol\nbob         340/340        340/340",
	"line\u2028separator",
	"tab\tulator",
	"=cmd|' /C calc'!A0",
	"\t=1+1",
	" +1",
	"@SUM(A1)",
	"＝1+1",
	`a,b;"c"|d`,
	"$(touch owned)`id`",
	strings.Repeat("n", 255),
	strings.Repeat("名", 85),
	strings.Repeat("\x1b", 255),
}

// classOf is a class in which everything that a stranger has a word in is one
// of these texts.
func classOf(g *grader, texts []string) []*submission {
	for _, text := range texts {
		g.folders = append(g.folders, "class/"+strings.ReplaceAll(text, "/", "-"))
	}
	subs := g.submissions()
	first, second := "1.1", "1.2"
	if g.Checks == "textbook" {
		first, second = "server", "404"
	}
	for i, text := range texts {
		s, r := subs[i], subs[i].Stages[0]
		s.remark("left out: ", []string{text + ".go"})
		r.fill([]golden.Result{
			{Check: golden.Check{Stage: 1, Step: first, Name: "a", Weight: 1, Want: "w"}, Status: golden.Failed, Seen: text, Why: text, Line: text, Again: "go " + strings.ReplaceAll(text, "\n", "")},
			{Check: golden.Check{Stage: 1, Step: first, Name: "c"}, Status: golden.Passed, Deductions: []golden.Deduction{{Diagnosis: "bare-lf", Points: 1, Seen: text, Why: text}}},
			{Check: golden.Check{Stage: 1, Step: second, Name: "b", Weight: 1}, Status: golden.NotRun, Why: text},
		})
		s.Stages[1].State, s.Stages[1].Problem = notBuilt, text
		if i%2 == 1 {
			s.Trouble = text
		}
	}
	return subs
}

// raw is what a terminal may obey in a text, or what is no UTF-8; "" is nothing. A tab is none.
func raw(text string) string {
	at := strings.IndexFunc(text, func(r rune) bool {
		return r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
	})
	switch {
	case at >= 0:
		return strconv.QuoteToASCII(text[at:min(at+20, len(text))])
	case !utf8.ValidString(text):
		return "no UTF-8"
	}
	return ""
}

// printed prints submissions, and checks that nothing in it is raw.
func printed(t *testing.T, g *grader, format string, subs []*submission) string {
	t.Helper()
	var out bytes.Buffer
	g.format = format
	if err := g.print(&out, subs); err != nil || raw(out.String()) != "" {
		t.Errorf("%s: %v, %s is in it", format, err, raw(out.String()))
	}
	return out.String()
}

// TestStrangersText: in no format does a stranger's text reach a terminal raw,
// become a formula, or a row of its own.
func TestStrangersText(t *testing.T) {
	for _, checks := range []string{"golden", "textbook"} {
		t.Run(checks, func(t *testing.T) {
			g := &grader{selection: selection{Checks: checks, Level: golden.Strict, Seed: 7}, stages: []int{1, 2}, out: t.TempDir()}
			subs := classOf(g, strangers)
			strangersSheet(t, g, subs)
			strangersGradescope(t, g, subs)
			strangersReports(t, g, subs)
		})
	}
}

// strangersSheet looks at the sheet in each format.
func strangersSheet(t *testing.T, g *grader, subs []*submission) {
	text := printed(t, g, "table", subs)
	table, _, _ := strings.Cut(text, "\n\n")
	if n := strings.Count(table, "\n"); n != len(subs) {
		t.Errorf("%d rows for %d submissions:\n%s", n, len(subs), table)
	}
	for line := range strings.Lines(text) {
		if term.Columns(strings.TrimRight(line, "\n")) > term.Width || strings.HasPrefix(line, "bob ") {
			t.Errorf("wider than %d, or a row of a stranger's: %s", term.Width, line)
		}
	}

	text = printed(t, g, "csv", subs)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != len(subs)+1 || strings.Count(text, "\n") != len(rows) {
		t.Errorf("%v, %d rows in %d lines for %d submissions", err, len(rows), strings.Count(text, "\n"), len(subs))
	}
	for _, cell := range slices.Concat(rows...) {
		if first, _ := utf8.DecodeRuneInString(strings.TrimLeft(cell, " \t\r\n")); strings.ContainsRune("=+-@＝＋－＠", first) {
			t.Errorf("a formula: %s", cell)
		}
	}

	var sheet struct{ Submissions []*submission }
	if err := json.Unmarshal([]byte(printed(t, g, "json", subs)), &sheet); err != nil || len(sheet.Submissions) != len(subs) {
		t.Errorf("%v, %d submissions", err, len(sheet.Submissions))
	}
}

// strangersReports looks at the reports: what is in their names, and in them.
func strangersReports(t *testing.T, g *grader, subs []*submission) {
	if err := g.writeReports(subs); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(g.out)
	if err != nil || len(files) != 2*len(subs)+1 { // and that of the class
		t.Errorf("%d reports for %d submissions, %v", len(files), len(subs), err)
	}
	for _, file := range files {
		report, err := os.ReadFile(filepath.Join(g.out, file.Name()))
		switch page := strings.HasSuffix(file.Name(), ".html"); {
		case page && bytes.Contains(report, []byte("<script>alert")):
			t.Errorf("%s: a stranger's script is in it", file.Name())
		case !page && bytes.Contains(report, []byte("\nbob ")):
			t.Errorf("%s has a row of a stranger's:\n%s", file.Name(), report)
		}
		if found := raw(file.Name() + string(report)); found != "" || err != nil {
			t.Errorf("%s: %s is in it, %v", file.Name(), found, err)
		}
	}
}

// strangersGradescope looks at what Gradescope gets: the result of one.
func strangersGradescope(t *testing.T, g *grader, subs []*submission) {
	for i := range subs {
		text := printed(t, g, "gradescope", subs[i:i+1])
		if !json.Valid([]byte(text)) || strings.Contains(strings.ReplaceAll(text, `\\`, ""), `\nbob `) { // `\\n` is no line end
			t.Errorf("%q", text)
		}
	}
}

// TestStrangersNames: the same for what is said of a folder on standard error.
func TestStrangersNames(t *testing.T) {
	for _, name := range strangers {
		var stdout, stderr bytes.Buffer
		status := run([]string{"no-such-folder/" + name}, &stdout, &stderr)
		if raw(stderr.String()) != "" || status != trouble || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%q: status %d, %s in %q", name, status, raw(stderr.String()), stderr.String())
		}
	}
}

// TestArgument: what a report says to type means nothing else to a shell.
func TestArgument(t *testing.T) {
	for dir, want := range map[string]string{
		"": "", "class/alice": " class/alice", "class/a b": ` "class/a b"`, "class/a&b": ` "class/a&b"`, "class/名": " class/名", `C:\class\alice`: ` C:\class\alice`,
		"class/$(id)": " FOLDER", "class/`id`": " FOLDER", `class/a" b`: " FOLDER", "class/a;b": " FOLDER", "class/a\nb": " FOLDER", "class/a'b": " FOLDER", "a|b": " FOLDER", "a\x1bb": " FOLDER",
	} {
		if got := (&submission{dir: dir}).argument(); got != want {
			t.Errorf("%q: %s, want %s", dir, got, want)
		}
	}
}
