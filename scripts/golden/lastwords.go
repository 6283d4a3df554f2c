package golden

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/verdict"
)

// What a program in another language says itself when it fails: the line that names the
// error, and the line of its source.

// language is the language of a program, as its command shows it; "" if that is not known.
func (p Program) language() string {
	if !p.Foreign || len(p.Args) == 0 {
		return ""
	}
	command := strings.TrimSuffix(filepath.Base(p.Args[0]), ".exe")
	for _, known := range []string{"python", "node", "java", "go"} {
		if strings.TrimRight(command, "0123456789.") == known {
			return known
		}
	}
	if sources, _ := filepath.Glob(filepath.Join(p.Dir, "*.c")); len(sources) > 0 && strings.Contains(p.Args[0], "/") {
		return "c"
	}
	return ""
}

// reader is who reads why a check failed.
func (p Program) reader(step string) verdict.Reader {
	return verdict.Reader{Step: step, Speaks: p.language(), Lang: p.Lang}
}

// A report of an error, in each language: the line that says what it is, and where the
// source is named in the lines around it. The last source line in Python's report is where
// it happened, in the others the first.
var reports = map[string]struct{ line, source *regexp.Regexp }{
	"python": {regexp.MustCompile(`(?m)^(\w+\.)*\w*(Error|Exception|Interrupt|Exit|timeout)\b.*$`), regexp.MustCompile(`File "([^"]+)", line (\d+)`)},
	"node":   {regexp.MustCompile(`(?m)^(Uncaught )?\w*Error\b.*$`), regexp.MustCompile(`([^\s():]+\.[cm]?[jt]s):(\d+)`)},
	"java":   {regexp.MustCompile(`(?m)^(Exception in thread "[^"]*" |Caused by: )?(\w+\.)+\w*(Exception|Error)\b.*$`), regexp.MustCompile(`\((\w+\.java):(\d+)\)`)},
	"go":     {regexp.MustCompile(`(?m)^(panic|fatal error): .*$`), regexp.MustCompile(`([^\s]+\.go):(\d+)`)},
	"c":      {regexp.MustCompile(`(?m)^.*(Segmentation fault|Aborted|stack smashing|double free).*$`), regexp.MustCompile(`(\w+\.c):(\d+)`)},
}

// lastWords finds the last report of an error in what a program has said. has tells
// whether a file is the program's own: the line of a library is not where to look.
func lastWords(language, said string, has func(file string) bool) (line, where string) {
	r, known := reports[language]
	if !known {
		return "", ""
	}
	lines := r.line.FindAllString(said, -1)
	if len(lines) == 0 {
		return "", ""
	}
	line = strings.TrimSpace(lines[len(lines)-1])
	if at := strings.LastIndex(said, "Traceback (most recent call last)"); at >= 0 {
		said = said[at:]
	}
	for _, m := range r.source.FindAllStringSubmatch(said, -1) {
		if file := path.Base(filepath.ToSlash(m[1])); has(file) {
			where = file + ":" + m[2]
			if language != "python" {
				break
			}
		}
	}
	return line, where
}

// listen notes what a program in another language has said, and how it has ended, before a script
// closes the connections that it has left: what comes of that is not why the script failed.
func (c *conversation) listen() {
	if c.proc == nil || !c.program.Foreign {
		return
	}
	if c.heard.End != exchange.EndOpen {
		c.ending, _, _ = strings.Cut(c.target.ended(100*time.Millisecond), "\n")
	}
	c.said = c.proc.stderr.since()
}

// quote has a failure of a program in another language begin with what the program itself
// said meanwhile, and say what that means.
func (t *target) quote(failure *verdict.Failure) {
	line, where := lastWords(t.program.language(), t.said, t.program.owns)
	if lines := strings.Split(strings.TrimSpace(t.said), "\n"); line == "" && t.ending != "" {
		line = lines[len(lines)-1]
	}
	if line == "" {
		return
	}
	t.line = where
	if where != "" {
		where = ", in " + where
	}
	failure.Seen = fmt.Sprintf("the program says: %.200s%s\n%s", line, where, failure.Seen)
	failure.Own = t.program.reader("").LastWords(line)
}
