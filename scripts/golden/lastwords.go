package golden

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/language"
	"weblab.example/scripts/internal/term"
	"weblab.example/scripts/internal/verdict"
)

// What a program in another language says itself when it fails: the line that names the
// error, and the line of its source.

// reader is who reads why a check failed.
func (p Program) reader(step string) verdict.Reader {
	return verdict.Reader{Step: step, Speaks: p.language().Name, Lang: p.Lang}
}

// why says the mistake behind a failure, in the program's Lang and in Chinese.
func (p Program) why(f *verdict.Failure, step string) (why, zh string) {
	reader := p.reader(step)
	why = term.Visible(f.Why(reader))
	reader.Lang = "zh"
	return why, term.Visible(f.Why(reader))
}

// noteLastWords notes what a program in another language has said, and how it has ended, before a script
// closes the connections that it has left: what comes of that is not why the script failed.
func (c *conversation) noteLastWords() {
	if c.proc == nil || !c.program.Foreign {
		return
	}
	if c.heard.End != exchange.EndOpen {
		c.ending, _, _ = strings.Cut(c.target.ended(100*time.Millisecond), "\n")
	}
	c.said = c.proc.stderr.since()
}

// wanting are diagnoses of answers that did not come, or not whole.
var wanting = []string{"no-answer", "no-answer-open", "binary-no-answer", "reset", "not-accepting", "body-cut", "head-cut", "no-empty-line", "file-not-sent", "stalls", "one-read", "only-once", "dies-on-empty"}

// quote has a failure of a program in another language begin with what the program itself
// said meanwhile, and say what that means.
func (t *target) quote(failure *verdict.Failure) {
	if t.ending == "" && !slices.Contains(wanting, failure.Diagnosis) {
		return // what it said is not why: it may be of the check before
	}
	line, where := t.program.language().LastWords(t.said, t.program.owns)
	if line != "" && t.ending != "" && failure.Diagnosis != "dies-on-empty" { // that is why, whatever came of it
		failure.Diagnosis, failure.Args = "died", nil
	}
	if lines := strings.Split(strings.TrimSpace(t.said), "\n"); line == "" && t.ending != "" {
		line = lines[len(lines)-1]
	}
	if line == "" { // of a program in C the system alone says how it ended
		failure.Last = t.ending
		return
	}
	t.line = where
	if where != "" {
		where = ", in " + where
	}
	failure.Seen = fmt.Sprintf("the program says: %.200s%s\n%s", line, where, failure.Seen)
	failure.Last = line
}

// language is the language of a program in another language than the kit's; the zero
// Language if that is not known. A program that lies beside a source in C is in C.
func (p Program) language() language.Language {
	if !p.Foreign || len(p.Args) == 0 {
		return language.Language{}
	}
	l, known := language.Of(p.Args[0])
	if sources, _ := filepath.Glob(filepath.Join(p.Dir, "*.c")); !known && len(sources) > 0 && strings.Contains(p.Args[0], "/") {
		return language.C()
	}
	return l
}
