//go:build kit

package notes

import (
	"regexp"
	"strings"
)

// Ports maps each port on a page to the port that the test uses instead. So pages can
// run at the same time, and beside a server that somebody forgot. Both ports have
// four digits, so that tables keep their columns.
type Ports map[string]string

var number = regexp.MustCompile(`\d+`)

// Replace replaces the ports in a text. It looks only at whole numbers.
func (p Ports) Replace(text string) string {
	return number.ReplaceAllStringFunc(text, func(n string) string {
		if port, ok := p[n]; ok {
			return port
		}
		return n
	})
}

// Back replaces the test's ports in an output by those of the page.
func (p Ports) Back(text string) string {
	back := Ports{}
	for name, port := range p {
		back[port] = name
	}
	return back.Replace(text)
}

// defaultPort is the port of the servers and of the client, if a command names none.
const defaultPort = "6789"

// arguments matches the arguments of a program, as the shell sees them. The second
// group matches their end: a redirection, another command, or a comment.
const arguments = `((?s:\\.|'[^']*'|"[^"]*"|[^'"\\|;&<>()\n])*?)(\s*\d?[<>]|\s*[|;&)\n]|\s+#|\s*$)`

var (
	aServer   = regexp.MustCompile(`(go run \./stage(?:1-single|2-concurrent))` + arguments)
	aClient   = regexp.MustCompile(`(go run \./stage3-client)` + arguments)
	ofAServer = regexp.MustCompile(`-addr\b`)
	ofAClient = regexp.MustCompile(`(localhost|127\.0\.0\.1|::1) +\d|://`)
)

// Address adds an address to a command that has none. A student types
// `go run ./stage1-single` and gets port 6789, but a test must use another port. So
// a server gets -addr, and the client gets the three words that are its default,
// with another port.
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

// Matches compares the output on a page with the output of a command. Spaces and CR
// at the end of a line do not count, and the last line may have no line end. "…"
// stands for any text within a line. Alone in a line, it stands for any number of
// lines.
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

// withoutTrailing removes the spaces at the end of each line.
func withoutTrailing(text string) string {
	text = trailing.ReplaceAllString(text, "")
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text
}
