//go:build kit

package notes

import (
	"regexp"
	"strings"
)

// Ports are the ports that a page names, each with the one that is used in
// its place: so pages can run beside each other, and beside a server that
// somebody forgot. Both have four digits, so that a table keeps its columns.
type Ports map[string]string

var number = regexp.MustCompile(`\d+`)

// Replace puts the ports into a text. It looks at whole numbers only.
func (p Ports) Replace(text string) string {
	return number.ReplaceAllStringFunc(text, func(n string) string {
		if port, ok := p[n]; ok {
			return port
		}
		return n
	})
}

// Back puts the names of a page into what was printed.
func (p Ports) Back(text string) string {
	back := Ports{}
	for name, port := range p {
		back[port] = name
	}
	return back.Replace(text)
}

// defaultPort is where the servers listen, and whom the client asks, if a
// command does not say it.
const defaultPort = "6789"

// arguments are what follows the name of a program, as the shell sees it.
// Where they end is the next group: a redirection, another command, a comment.
const arguments = `((?s:\\.|'[^']*'|"[^"]*"|[^'"\\|;&<>()\n])*?)(\s*\d?[<>]|\s*[|;&)\n]|\s+#|\s*$)`

var (
	aServer   = regexp.MustCompile(`(go run \./stage(?:1-single|2-concurrent))` + arguments)
	aClient   = regexp.MustCompile(`(go run \./stage3-client)` + arguments)
	ofAServer = regexp.MustCompile(`-addr\b`)
	ofAClient = regexp.MustCompile(`(localhost|127\.0\.0\.1|::1) +\d|://`)
)

// Address puts an address into a command that leaves it out: a student types
// `go run ./stage1-single` and gets port 6789, which is not ours to use. So
// -addr is added to a server, and the client gets the three words that are its
// default, with the port replaced.
func (p Ports) Address(command string) string {
	add := func(program *regexp.Regexp, has *regexp.Regexp, before, after string) {
		command = program.ReplaceAllStringFunc(command, func(found string) string {
			m := program.FindStringSubmatch(found)
			if has.MatchString(m[2]) {
				return found
			}
			return m[1] + before + m[2] + after + m[3]
		})
	}
	add(aServer, ofAServer, " -addr localhost:"+defaultPort, "")
	add(aClient, ofAClient, "", " localhost "+defaultPort+" HelloWorld.html")
	return p.Replace(command)
}

// Matches compares what a page says with what was printed. Spaces (and CR) at
// the end of a line do not count, nor does a missing end of the last line. "…"
// is any text inside a line, and alone in a line any number of lines.
func Matches(want, got string) bool {
	var pattern strings.Builder
	for line := range strings.Lines(withoutTrailing(want)) {
		if strings.TrimSpace(line) == "…" {
			pattern.WriteString(`(?:[^\n]*\n)*`)
			continue
		}
		quoted := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSuffix(line, "\n")), "…", `[^\n]*`)
		pattern.WriteString(quoted + `\n`)
	}
	return regexp.MustCompile(`\A` + pattern.String() + `\z`).MatchString(withoutTrailing(got))
}

var trailing = regexp.MustCompile(`(?m)[ \t\r]+$`)

// withoutTrailing ends every line of a text, right behind its last letter.
func withoutTrailing(text string) string {
	text = trailing.ReplaceAllString(text, "")
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text
}
