//go:build kit

// Package notes runs the commands on the pages for people, so that every page is
// true. This file reads a page. match.go compares the output on the page with the
// output of the command. The tests do the rest.
//
// The words after the opening of a code block say what it is:
//
//	```sh                   commands, run with bash -e; they end with status 0
//	```sh exit=1            the same, with this status
//	```sh server            runs on in a terminal of its own, and listens on a port
//	```sh client            runs on in a terminal of its own, and holds a connection
//	```sh not-run: REASON   a test cannot run it
//	```output               the terminal of the sh block before it shows this
//	```output server        the terminal of the newest server shows this
//	<!-- sh: COMMAND -->    run like sh, but the reader does not see it
//
// A hidden command may be between a block and its output. Then the output is
// compared after the command. Blocks with other words, such as go, are not run.
package notes

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Kind says what to do with a block.
type Kind string

const (
	Run          Kind = "run"
	Server       Kind = "server"
	Client       Kind = "client"
	NotRun       Kind = "not-run"
	Output       Kind = "output"
	OutputServer Kind = "output server"
	PowerShell   Kind = "powershell" // is not run here, but twins must have the same
)

// A Block is a marked code block, or a hidden command.
type Block struct {
	Kind   Kind
	Line   int    // the line of the page where it opens
	Info   string // the words of the opening line
	Text   string // its lines, each with a line end
	Exit   int    // the exit status that Run must have
	Reason string // why it is NotRun
	Hidden bool
	Step   string // whose section it stands in, such as "1.3": the last heading that begins with a step
}

var (
	fence  = regexp.MustCompile("^([ \t]*)(```+)([^`]*)$")
	hidden = regexp.MustCompile(`^[ \t]*<!-- sh: (.+) -->[ \t]*$`)

	stepHeading = regexp.MustCompile(`^#+ ([123S]\.[1-9]) `)
)

// Parse finds the blocks of a page. It also returns the page without its code
// blocks: their lines are empty, so that line numbers stay the same.
func Parse(page string) (blocks []Block, prose string, err error) {
	var open *Block // the block of the current line
	var indent, ticks string
	var rest strings.Builder
	step := ""
	shown := false // the last thing was a sh block, perhaps with hidden commands after it
	for i, line := range strings.Split(strings.TrimSuffix(page, "\n"), "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case open != nil && m != nil && len(m[2]) >= len(ticks) && strings.TrimSpace(m[3]) == "":
			if open.Kind != "" {
				blocks = append(blocks, *open)
			}
			shown = shown && open.Kind == PowerShell || open.isShell()
			open = nil
		case open != nil:
			open.Text += strings.TrimPrefix(line, indent) + "\n"
		case m != nil:
			indent, ticks = m[1], m[2]
			open = &Block{Line: i + 1, Info: strings.TrimSpace(m[3]), Step: step}
			if bad := open.classify(); bad != nil {
				err = errors.Join(err, fmt.Errorf("line %d: %w", i+1, bad))
			}
			if open.Kind == Output && !shown {
				err = errors.Join(err, fmt.Errorf("line %d: no sh block before this output", i+1))
			}
		default:
			if m := hidden.FindStringSubmatch(line); m != nil {
				blocks = append(blocks, Block{Kind: Run, Line: i + 1, Info: "sh", Text: m[1] + "\n", Hidden: true, Step: step})
			} else {
				if m := stepHeading.FindStringSubmatch(line); m != nil {
					step = m[1]
				}
				shown = shown && strings.TrimSpace(line) == ""
				rest.WriteString(line)
			}
		}
		rest.WriteByte('\n')
	}
	if open != nil {
		err = errors.Join(err, fmt.Errorf("line %d: a code block that is never closed", open.Line))
	}
	return blocks, rest.String(), err
}

// isShell reports whether a block has a terminal with output.
func (b *Block) isShell() bool {
	return b.Kind == Run || b.Kind == Server || b.Kind == Client || b.Kind == NotRun
}

// classify reads the words of the opening line. A misspelled word is an error:
// otherwise nobody would notice that the block is never run.
func (b *Block) classify() error {
	language, rest, _ := strings.Cut(b.Info, " ")
	rest = strings.TrimSpace(rest)
	reason, notRun := strings.CutPrefix(rest, "not-run:")
	status, exit := strings.CutPrefix(rest, "exit=")
	switch {
	case language == "sh" && rest == "":
		b.Kind = Run
	case language == "sh" && (rest == "server" || rest == "client"):
		b.Kind = Kind(rest)
	case language == "sh" && notRun && strings.TrimSpace(reason) != "":
		b.Kind, b.Reason = NotRun, strings.TrimSpace(reason)
	case language == "sh" && exit:
		n, err := strconv.Atoi(status)
		if err != nil {
			return fmt.Errorf("%q: exit= wants a number", b.Info)
		}
		b.Kind, b.Exit = Run, n
	case b.Info == "output" || b.Info == "output server":
		b.Kind = Kind(b.Info)
	case b.Info == "powershell":
		b.Kind = PowerShell
	case slices.Contains([]string{"sh", "output", "powershell", "bash", "shell", "console"}, language):
		return fmt.Errorf("a code block must not be marked %q", b.Info)
	}
	return nil
}

var shComment = regexp.MustCompile(`(?m)(^|[ \t]+)#.*$`)

// Commands counts the commands of a block. Empty lines and comments do not count. A
// command that goes on in the next line counts once.
func (b *Block) Commands() (n int) {
	text := strings.ReplaceAll(b.WithoutComments(), "\\\n", "")
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			n++
		}
	}
	return n
}

// WithoutComments returns the text of the block without comments, because twins
// translate those.
func (b *Block) WithoutComments() string { return shComment.ReplaceAllString(b.Text, "") }
