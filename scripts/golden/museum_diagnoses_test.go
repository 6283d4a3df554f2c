//go:build kit

package golden

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/verdict"
)

// TestDiagnosesAreWhole: what the source names stands in the table, and the texts and
// notes are good. (TestMuseum shows that something names each of them.)
func TestDiagnosesAreWhole(t *testing.T) {
	for name, where := range namedDiagnoses(t) {
		if _, ok := verdict.Diagnoses[name]; !ok {
			t.Errorf("%s: %q is not in the table", where, name)
		}
	}
	for name, d := range verdict.Diagnoses {
		if !strings.HasSuffix(d.Why, ".") && !regexp.MustCompile(`%[sdq]$`).MatchString(d.Why) {
			t.Errorf("%s: no sentence: %q", name, d.Why)
		}
		if strings.Contains(d.Why, "  ") || strings.ContainsAny(d.Why, "\r\n\t") {
			t.Errorf("%s: odd spaces: %q", name, d.Why)
		}
		checkNote(t, name, d.Note)
	}
	for stage := 1; stage <= 3; stage++ {
		for _, c := range Checks(stage) {
			checkNote(t, c.Name, strings.TrimPrefix(noteOf("trouble", c), "lab-notes/"))
		}
	}
}

// diagnosisNamed finds where Go code, or the line of a case, names a diagnosis.
var diagnosisNamed = regexp.MustCompile(`(?m)(?:(?:Failf\(|found\(|Because\([^"\n]*, |answers\([^"\n]*, |Diagnosis: |Diagnosis(?:, \w+\.Args)? = )"([a-z0-9-]+)"|^ +else +([\w-]+))`)

// namedDiagnoses are those that this package and verdict name, and where.
func namedDiagnoses(t *testing.T) map[string]string {
	t.Helper()
	named := map[string]string{}
	for _, pattern := range []string{"*.go", "../internal/verdict/*.go", "cases/*.txt"} {
		files, _ := filepath.Glob(pattern) // the patterns are good
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range diagnosisNamed.FindAllSubmatch(text, -1) {
				named[string(m[1])+string(m[2])] = name
			}
		}
	}
	if len(named) < 80 {
		t.Fatalf("only %d diagnoses are named", len(named))
	}
	return named
}

// checkNote checks that a note has the heading that it promises. The page of a step
// begins with it.
func checkNote(t *testing.T, name, note string) {
	t.Helper()
	if note == "" {
		return // that of the check's step
	}
	file, heading, _ := strings.Cut(note, ", ")
	if heading == "" {
		heading = strings.TrimSuffix(filepath.Base(file), ".md")
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "lab-notes", file))
	if err != nil {
		t.Errorf("%s: note %q: %v", name, note, err)
		return
	}
	if !regexp.MustCompile(`(?m)^#+ ` + regexp.QuoteMeta(heading) + `( |$)`).Match(text) {
		t.Errorf("%s: %s has no heading %q", name, file, heading)
	}
}

// TestRefusalsHaveReasons: each case that asks for a refusal says what comes of
// taking it, and each reason is that of some check.
func TestRefusalsHaveReasons(t *testing.T) {
	met := map[string]bool{}
	for _, g := range goldens {
		last := exchange.ReadMessage(g.Response[bytes.LastIndex(g.Response, []byte("HTTP/1.1 ")):])
		reason := verdict.Reader{}.Refusal(g.Name, last.Status)
		met[strings.TrimSpace(reason)] = true
		switch last.Status {
		case 400, 414, 431, 505:
			if reason == "" {
				t.Errorf("%s is a %d, and no reason is there", g.Name, last.Status)
			}
		case 200, 301, 405:
			if reason != "" {
				t.Errorf("%s is a %d, and is told %q", g.Name, last.Status, reason)
			}
		}
	}
	for _, r := range verdict.Texts.Refusals {
		if !met[r.Why] || !strings.HasSuffix(r.Why, ".") {
			t.Errorf("no case is told, or no sentence is: %q", r.Why)
		}
	}
}

func TestLogSince(t *testing.T) {
	const first = "time=1 level=INFO msg=accepted conn=1 remote=x local=y\n" + "time=1 level=INFO msg=request conn=1 method=GET target=/a\n"
	for _, c := range []struct{ name, log, before, said string }{
		{"nothing", "", "", ""},
		{"another program's", "conn=1 why=EOF\n", "", ""},
		{"all is well", first + "time=1 level=INFO msg=closed conn=1 why=answered\n", "", ""},
		{"the client left", first + "time=1 level=INFO msg=closed conn=1 why=EOF\n", "", ""},
		{"the client has reset", first + "time=1 level=INFO msg=closed conn=1 why=\"read tcp x->y: reset\"\n", "", ""},
		{"an error", first + "time=1 level=INFO msg=closed conn=1 why=\"no more\"\n", "", "request conn=1 method=GET target=/a\nclosed conn=1 why=\"no more\"\n"},
		{"of another check", first + "time=1 level=INFO msg=closed conn=1 why=\"no more\"\n", "1", ""},
		{"of the connection before", first + "time=1 level=INFO msg=closed conn=1 why=\"no more\"\n" + "time=1 level=INFO msg=accepted conn=2 remote=x local=y\n", "", ""},
		{"another one ended later", first + "time=1 level=INFO msg=closed conn=1 why=\"no more\"\n" + "time=1 level=INFO msg=closed conn=0 why=answered\n", "0", "request conn=1 method=GET target=/a\nclosed conn=1 why=\"no more\"\n"},
		{"a gap", "time=1 level=INFO msg=closed conn=1 why=\"the server's own code ended it: step 1.8 is not written yet: x\"\n", "", ""},
		{"a refusal", "time=1 level=WARN msg=request conn=12 method=GET target=/a refused=\"no a\"\n", "1", "request conn=12 method=GET target=/a refused=\"no a\"\n"},
	} {
		l := &target{proc: &process{stderr: &tail{}}}
		l.proc.stderr.Write([]byte(c.log)) // to memory
		if said := l.logSince(c.before); said != c.said {
			t.Errorf("%s: %q", c.name, said)
		}
	}
}
