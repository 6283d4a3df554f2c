// Package language knows programs in other languages than the kit's: how a submission's server
// is started, and where a report of an error names the source.
//
//	command, or a file run, with {main} -> ReadRun, WithMain -> the words that start the server
//	what a program says -> LastWords -> the error, and the line of its source
package language

import (
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// A Language is what must be known of the language of a program to start it, and to read
// what it says when it fails. The words for its readers are in verdict/diagnoses.json.
type Language struct {
	Name     string         // as there
	Commands []string       // that start a file of it, without their versions
	Ending   string         // of the name of such a file
	Listens  *regexp.Regexp // what only a server has in it

	// A report of an error: the line that says what it is, and where the lines around it
	// name the source. The last place in Python's report is where it happened, in the
	// others the first.
	report, source *regexp.Regexp
}

var languages = []Language{
	{
		"python", []string{"python", "pypy"}, ".py", regexp.MustCompile(`\.bind\(|socketserver|SocketServer|HTTPServer|create_server\(`),
		regexp.MustCompile(`(?m)^(\w+\.)*\w*(Error|Exception|Interrupt|Exit|timeout)\b.*$`), regexp.MustCompile(`File "([^"]+)", line (\d+)`),
	},
	{
		"node", []string{"node", "nodejs"}, ".js", regexp.MustCompile(`\.listen\(`),
		regexp.MustCompile(`(?m)^(Uncaught )?\w*Error\b.*$`), regexp.MustCompile(`([^\s():]+\.[cm]?[jt]s):(\d+)`),
	},
	{
		"java", []string{"java"}, ".java", regexp.MustCompile(`\bServerSocket`),
		regexp.MustCompile(`(?m)^(Exception in thread "[^"]*" |Caused by: )?(\w+\.)+\w*(Exception|Error)\b.*$`), regexp.MustCompile(`\((\w+\.java):(\d+)\)`),
	},
	{
		"go", []string{"go"}, ".go", regexp.MustCompile(`net\.Listen`),
		regexp.MustCompile(`(?m)^(panic|fatal error): .*$`), regexp.MustCompile(`([^\s]+\.go):(\d+)`),
	},
	{
		"c", []string{"tcc"}, ".c", regexp.MustCompile(`\bbind *\(`),
		regexp.MustCompile(`(?m)^.*(stack smashing|double free|free\(\): |AddressSanitizer).*$`), regexp.MustCompile(`(\w+\.c):(\d+)`),
	},
}

// Of is the language that a command starts; ok is false if it is not known.
func Of(command string) (l Language, ok bool) {
	name := strings.TrimRight(strings.TrimSuffix(filepath.Base(command), ".exe"), "0123456789.")
	for _, l := range languages {
		for _, known := range l.Commands {
			if name == known {
				return l, true
			}
		}
	}
	return l, false
}

// C is the language of a program that lies beside a source in it, whatever its name.
func C() Language { return languages[len(languages)-1] }

// LastWords finds the last report of an error in what a program has said. has tells
// whether a file is the program's own: the line of a library is not where to look.
func (l Language) LastWords(said string, has func(file string) bool) (line, where string) {
	if l.report == nil {
		return "", ""
	}
	lines := l.report.FindAllString(said, -1)
	if len(lines) == 0 {
		return "", ""
	}
	line = strings.TrimSpace(lines[len(lines)-1])
	if at := strings.LastIndex(said, "Traceback (most recent call last)"); at >= 0 {
		said = said[at:]
	}
	for _, m := range l.source.FindAllStringSubmatch(said, -1) {
		if file := path.Base(filepath.ToSlash(m[1])); has(file) {
			where = file + ":" + m[2]
			if l.Name != "python" {
				break
			}
		}
	}
	return line, where
}
