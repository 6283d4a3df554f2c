package term

import "strings"

// A Table is rows of cells. The first row is the head.
type Table [][]string

// String writes the table for a terminal: two columns of space between its own.
func (t Table) String() string {
	var wide []int
	for _, row := range t {
		for i, cell := range row {
			if i == len(wide) {
				wide = append(wide, 0)
			}
			wide[i] = max(wide[i], Columns(cell))
		}
	}
	var b strings.Builder
	for _, row := range t {
		line := ""
		for i, cell := range row {
			line += cell + strings.Repeat(" ", wide[i]-Columns(cell)+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}
