package verdict

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"weblab.example/scripts/internal/term"
)

// Difference shows where two messages differ: the offset of the first wrong
// byte, and the lines with their line ends and other control bytes visible.
func Difference(want, got []byte) string {
	if len(got) == 0 {
		return fmt.Sprintf("nothing came of %d bytes", len(want))
	}
	at := 0
	for at < len(want) && at < len(got) && want[at] == got[at] {
		at++
	}
	where := "differs"
	switch {
	case at == len(got):
		where = fmt.Sprintf("ends after %d of %d bytes", len(got), len(want))
	case at == len(want):
		where = fmt.Sprintf("goes on after its %d bytes, %d too many", len(want), len(got)-len(want))
	}
	const near = 240 // bytes, of what is alike before and behind what differs, and of that
	same := 0        // at the end
	for same < min(len(want), len(got))-at && want[len(want)-1-same] == got[len(got)-1-same] {
		same++
	}
	part := func(message []byte) []string {
		end := min(len(message)-same, at+near) + near
		return visible(message, max(0, at-near), min(end, len(message)))
	}
	var rows diffRows
	cmp.Equal(part(want), part(got), cmp.Reporter(&rows))
	return fmt.Sprintf("first wrong byte at offset %d, what came %s (- want, + got)\n%s", at, where, rows.text())
}

// diffRows is a cmp.Reporter that makes a row for each line of a message.
type diffRows struct {
	path cmp.Path
	rows []string
}

func (d *diffRows) PushStep(step cmp.PathStep) { d.path = append(d.path, step) }
func (d *diffRows) PopStep()                   { d.path = d.path[:len(d.path)-1] }

func (d *diffRows) Report(r cmp.Result) {
	want, got := d.path.Last().Values()
	if r.Equal() {
		d.rows = append(d.rows, fmt.Sprintf("  %q\n", want))
		return
	}
	if want.IsValid() {
		d.rows = append(d.rows, fmt.Sprintf("- %q\n", want))
	}
	if got.IsValid() {
		d.rows = append(d.rows, fmt.Sprintf("+ %q\n", got))
	}
}

// text is the rows. Where much differs both messages are cut at the same offset,
// and so at different places when one of them has more bytes before it. What differs
// there, after the first difference, is none.
func (d *diffRows) text() string {
	differs := func(row string) bool { return row[0] != ' ' }
	end := len(d.rows)
	for end > 0 && (differs(d.rows[end-1]) || strings.HasSuffix(d.rows[end-1], more)) {
		end--
	}
	cut := slices.ContainsFunc(d.rows[end:], func(row string) bool { return strings.HasSuffix(row, more) })
	if cut && slices.ContainsFunc(d.rows[:end], differs) {
		d.rows = append(d.rows[:end], "  "+more)
	}
	return strings.Join(d.rows, "")
}

// more is a row in place of what is left out.
const more = "\"...\"\n"

// visible cuts a part of a message into lines, and long lines into pieces that fit
// into a terminal.
func visible(message []byte, start, end int) (pieces []string) {
	const long = 48     // bytes; quoted, a byte takes up to four columns
	pieces = []string{} // not nil, even when empty: that would be another kind of difference
	if start > 0 {
		pieces = append(pieces, "...")
	}
	for line := range strings.Lines(string(message[min(start, end):end])) {
		for len(line) > 0 {
			cut := min(long, len(line))
			for columns := term.Columns(strconv.Quote(line[:cut])); cut > 1 && (columns > term.Width-14 || !utf8.RuneStart((line + "x")[cut])); columns = term.Columns(strconv.Quote(line[:cut])) {
				cut--
			}
			if cut < len(line) && strings.TrimRight(line[cut:], "\r\n") == "" {
				cut = len(line) // a line end of its own would look like an empty line
			}
			pieces = append(pieces, line[:cut])
			line = line[cut:]
		}
	}
	if end < len(message) {
		pieces = append(pieces, "...")
	}
	return pieces
}
