//go:build kit

// Package notes runs the commands that the pages for people show, so that no
// page promises what is not so. This file reads a page; match.go compares what
// a page says is printed with what is; the tests do the rest.
//
// The word behind the opening of a code block says what it is:
//
//	```sh                   commands, run with bash -e; they end with status 0
//	```sh exit=1            the same, with this status
//	```sh server            goes on in a terminal of its own, and listens on a port
//	```sh client            goes on in a terminal of its own, and holds a connection
//	```sh not-run: REASON   cannot be run by a test
//	```output               what the terminal of the sh block before it shows
//	```output server        what the terminal of the server that was started last shows
//	<!-- sh: COMMAND -->    run like sh, but not shown to the reader
//
// A hidden command may stand between a block and its output: then the output
// is looked at after the command. Other words, such as go, are no commands.
package notes

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Kind is what is to be done with a block.
type Kind string

const (
	Run          Kind = "run"
	Server       Kind = "server"
	Client       Kind = "client"
	NotRun       Kind = "not-run"
	Output       Kind = "output"
	OutputServer Kind = "output server"
	PowerShell   Kind = "powershell" // nothing is done with it here, but twins must have the same
)

// A Block is a marked code block, or a hidden command.
type Block struct {
	Kind   Kind
	Line   int    // of the page, where it opens
	Info   string // the words of the opening line
	Text   string // what stands in it; every line is ended
	Exit   int    // the status with which Run must end
	Reason string // why it is NotRun
	Hidden bool
	Step   string // whose section it stands in, such as "1.3": the last heading that begins with a step
}

var (
	fence  = regexp.MustCompile("^([ \t]*)(```+)([^`]*)$")
	hidden = regexp.MustCompile(`^[ \t]*<!-- sh: (.+) -->[ \t]*$`)

	stepHeading = regexp.MustCompile(`^#+ ([123S]\.[1-9]) `)
)

// Parse finds the blocks of a page, and returns what is left of the page
// without any code block: as many lines as before, those of code empty.
func Parse(page string) (blocks []Block, prose string, err error) {
	var open *Block // the block in which the line is
	var indent, ticks string
	var rest strings.Builder
	step := ""
	shown := false // a sh block has been shown, nothing but hidden commands behind it
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
				err = errors.Join(err, fmt.Errorf("line %d: output that stands behind no sh block", i+1))
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

// isShell reports whether a block has a terminal, which an output can be of.
func (b *Block) isShell() bool {
	return b.Kind == Run || b.Kind == Server || b.Kind == Client || b.Kind == NotRun
}

// classify reads the words of the opening line. A word that is nearly right is
// an error: nobody would see that the block is never run.
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

// Commands counts the commands of a block: the lines that are neither empty nor
// a comment; one that goes on in the next line counts once.
func (b *Block) Commands() (n int) {
	text := strings.ReplaceAll(b.WithoutComments(), "\\\n", "")
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			n++
		}
	}
	return n
}

// WithoutComments is the block's text without what a twin may say otherwise.
func (b *Block) WithoutComments() string { return shComment.ReplaceAllString(b.Text, "") }
