package term

import (
	"slices"
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
		{"  indented text", 10, []string{"  indented", "text"}},
	} {
		if got := Wrap(c.text, c.columns); !slices.Equal(got, c.want) {
			t.Errorf("%q in %d columns: %q, want %q", c.text, c.columns, got, c.want)
		}
	}
}
