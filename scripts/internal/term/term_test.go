package term

import (
	"slices"
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		want    []string
	}{
		{"", 5, []string{""}},
		{"one two three", 8, []string{"one two", "three"}},
		{"one\ntwo", 8, []string{"one", "two"}},
		{"incomprehensibilities", 8, []string{"incompre", "hensibil", "ities"}},
		{"太棒了 ok", 6, []string{"太棒了", "ok"}},
		{"太棒了", 5, []string{"太棒", "了"}},
		{"应当用线程（threading.Thread）。", 24, []string{"应当用线程", "（threading.Thread）。"}},
		{"名字，ok", 5, []string{"名", "字，", "ok"}},
		{"ab太", -3, []string{"ab", "太"}}, // no room: each has a line of its own
		{"  indented text", 10, []string{"  indented", "text"}},
	} {
		if got := Wrap(c.text, c.columns); !slices.Equal(got, c.want) {
			t.Errorf("%q in %d columns: %q, want %q", c.text, c.columns, got, c.want)
		}
	}
}

func TestTable(t *testing.T) {
	table := Table{{"name", "points"}, {"太棒了", "3"}, {"a|b", "", "late"}}
	want := "name    points\n太棒了  3\na|b             late\n"
	if got := table.String(); got != want {
		t.Errorf("for a terminal:\n%swant\n%s", got, want)
	}
}

// TestProgress: a terminal has one line, and what is left of a longer one is written
// over. Elsewhere there is a line for each thing that is done.
func TestProgress(t *testing.T) {
	for _, c := range []struct {
		terminal bool
		want     string
	}{{true, "\rrow 太\rb     \r \r"}, {false, "row is done\n"}} {
		var out strings.Builder
		p := NewProgress(&out)
		p.terminal = c.terminal
		p.Now("row %s", "太")
		p.Done("row is done")
		p.Now("b")
		p.Clear()
		if out.String() != c.want {
			t.Errorf("terminal %v: %q, want %q", c.terminal, out.String(), c.want)
		}
	}
}
