// Package term makes text fit for a terminal, and safe for it:
//
//	what a program printed -> Visible -> Wrap (into Columns) -> the terminal
//	rows of cells -> Table -> a terminal
//	what is being done -> Progress -> one line, written again and again
package term

import (
	"fmt"
	"strings"
	"unicode"
)

// Width is that of a terminal, in columns.
const Width = 80

// Visible makes control characters visible, and those that turn the direction
// of writing or end a line: what a stranger's program prints, or a file is
// called, must play no tricks on the terminal. They become what JSON has for
// them, so that JSON may pass through it. Line end and tab stay.
func Visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.In(r, unicode.Cc, unicode.Bidi_Control, unicode.Zl, unicode.Zp) && r != '\n' && r != '\t' {
			fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r) // a byte that is no UTF-8 becomes U+FFFD
		}
	}
	return b.String()
}

// Wrap breaks a text into lines of so many columns, between words where it can.
// A line break that is there stays one. The text is made visible before: that
// changes how long it is.
func Wrap(text string, columns int) (lines []string) {
	columns = max(columns, 2) // what a character needs
	for line := range strings.SplitSeq(Visible(text), "\n") {
		for Columns(line) > columns {
			at, space, used, before := 0, 0, 0, ' '
			for i, r := range line {
				if breaks(before, r) && strings.TrimSpace(line[:i]) != "" {
					space = i
				}
				before = r
				if used += columnsOf(r); used > columns {
					break
				}
				at = i + len(string(r))
			}
			if space > 0 {
				at = space
			}
			lines = append(lines, strings.TrimRight(line[:at], " "))
			line = strings.TrimPrefix(line[at:], " ")
		}
		lines = append(lines, line)
	}
	return lines
}

// breaks reports whether a line may end between two characters: before a space, and beside
// a wide one. Those that close what is before them do not begin a line.
func breaks(before, r rune) bool {
	return r == ' ' || (columnsOf(before) == 2 || columnsOf(r) == 2) && !strings.ContainsRune("，。；：、！？）》」”", r) && !strings.ContainsRune("（《「“", before)
}

// Columns is how many columns of a terminal a text takes.
func Columns(text string) (n int) {
	for _, r := range text {
		n += columnsOf(r)
	}
	return n
}

// columnsOf is two for the wide characters of East Asia.
func columnsOf(r rune) int {
	if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) || 0x3000 <= r && r <= 0x303f || 0xff00 <= r && r <= 0xff60 {
		return 2
	}
	return 1
}
