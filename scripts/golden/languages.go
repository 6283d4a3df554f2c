package golden

import (
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

// LanguageOf is the language that a command starts; ok is false if it is not known.
func LanguageOf(command string) (l Language, ok bool) {
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

// language is the language of a program in another language than the kit's; the zero
// Language if that is not known. A program that lies beside a source in C is in C.
func (p Program) language() Language {
	if !p.Foreign || len(p.Args) == 0 {
		return Language{}
	}
	l, known := LanguageOf(p.Args[0])
	if sources, _ := filepath.Glob(filepath.Join(p.Dir, "*.c")); !known && len(sources) > 0 && strings.Contains(p.Args[0], "/") {
		return languages[len(languages)-1]
	}
	return l
}
