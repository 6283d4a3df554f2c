//go:build kit

// Package notes runs the commands on the pages for people, so that every page is true:
//
//	page -> Parse -> blocks -> bash, in a copy of the workspace -> Matches its output?
//	steps/*.md, stage1.md to stage3.md -> the same, in a student's copy with the steps so far
//	page, its twin -> do both have the same blocks, steps and links?
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
	"strconv"
	"strings"
)

// Kind says what to do with a block.
type Kind string

const (
	Run          Kind = "sh"
	Server       Kind = "sh server"
	Client       Kind = "sh client"
	NotRun       Kind = "sh not-run:"
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
	Hidden bool
	Step   string // the last step before it, such as "1.3": a heading begins with it, or the row of a table links to it
}

var (
	fence       = regexp.MustCompile("^([ \t]*)(```+)([^`]*)$")
	hidden      = regexp.MustCompile(`^[ \t]*<!-- sh: (.+) -->[ \t]*$`)
	stepHeading = regexp.MustCompile(`^(?:#+ |\| \[)([123S]\.[1-9])[ \]]`)

	marked      = regexp.MustCompile(`^(sh|sh (?:server|client)|sh (not-run:) *\S.*|sh (exit=)(\d+)|output|output server|powershell)$`)
	mayBeMarked = regexp.MustCompile(`^(sh|output|powershell|bash|shell|console)\b`)
	shComment   = regexp.MustCompile(`(?m)(^|[ \t]+)#.*$`)
)

// Parse finds the blocks of a page. It also returns the page without its code
// blocks: their lines are empty, so that line numbers stay the same.
func Parse(page string) (blocks []Block, prose string, err error) {
	var open *Block // the block of the current line
	var indent, ticks, step string
	var rest strings.Builder
	wrong := func(line int, what string) { err = errors.Join(err, fmt.Errorf("line %d: %s", line, what)) }
	shown := false // the last thing was a sh block, perhaps with hidden commands after it
	for i, line := range strings.Split(strings.TrimSuffix(page, "\n"), "\n") {
		m := fence.FindStringSubmatch(line)
		switch command := hidden.FindStringSubmatch(line); {
		case open != nil && m != nil && len(m[2]) >= len(ticks) && strings.TrimSpace(m[3]) == "":
			if open.Kind != "" {
				blocks = append(blocks, *open)
			}
			shown = shown && open.Kind == PowerShell || strings.HasPrefix(string(open.Kind), "sh")
			open = nil
		case open != nil:
			open.Text += strings.TrimPrefix(line, indent) + "\n"
		case m != nil:
			indent, ticks = m[1], m[2]
			open = &Block{Line: i + 1, Info: strings.TrimSpace(m[3]), Step: step}
			if open.classify(); open.Kind == "" && mayBeMarked.MatchString(open.Info) {
				wrong(i+1, fmt.Sprintf("a code block must not be marked %q", open.Info))
			}
			if open.Kind == Output && !shown {
				wrong(i+1, "no sh block before this output")
			}
		case command != nil:
			blocks = append(blocks, Block{Kind: Run, Line: i + 1, Info: "sh", Text: command[1] + "\n", Hidden: true, Step: step})
		default:
			if m := stepHeading.FindStringSubmatch(line); m != nil {
				step = m[1]
			}
			shown = shown && strings.TrimSpace(line) == ""
			rest.WriteString(line)
		}
		rest.WriteByte('\n')
	}
	if open != nil {
		wrong(open.Line, "a code block that is never closed")
	}
	return blocks, rest.String(), err
}

// classify reads the words of the opening line. They leave the kind empty if the
// block is none of these.
func (b *Block) classify() {
	m := marked.FindStringSubmatch(b.Info)
	switch {
	case m == nil:
	case m[2] != "":
		b.Kind = NotRun
	case m[3] != "":
		b.Kind = Run
		b.Exit, _ = strconv.Atoi(m[4]) // they are digits
	default:
		b.Kind = Kind(b.Info)
	}
}

// WithoutComments returns the text of the block without comments, because twins
// translate those.
func (b *Block) WithoutComments() string { return shComment.ReplaceAllString(b.Text, "") }

var trailing = regexp.MustCompile(`(?m)[ \t\r]+$`)

// Matches compares the output on a page with the output of a command. Spaces and CR
// at the end of a line do not count, and the last line may have no line end. "…"
// stands for any text within a line. Alone in a line, it stands for any number of
// lines.
func Matches(want, got string) bool {
	lines := func(text string) string {
		text = trailing.ReplaceAllString(text, "")
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		return text
	}
	var pattern strings.Builder
	for line := range strings.Lines(lines(want)) {
		if strings.TrimSpace(line) == "…" {
			pattern.WriteString(`(?:[^\n]*\n)*`)
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", `[^\n]*`))
	}
	return regexp.MustCompile(`\A` + pattern.String() + `\z`).MatchString(lines(got))
}
