package golden

import (
	"strings"
	"testing"
)

func TestCaseText(t *testing.T) {
	list, err := readCases("1.5", "# what it is\nlet end = \\r\\n\nlet page = 200{end}\\x41\n\na-case: what: must be\n    send {page} {addr} {ab*2}{page[0:2]}{end*2} #\n    weight 2\n")
	if err != nil || len(list) != 1 || len(list[0].Keys) != 2 {
		t.Fatalf("%v, %+v", err, list)
	}
	e := list[0]
	if got, want := e.Text(e.Keys[0].Value), "200\r\nA {addr} abab20\r\n\r\n #"; got != want || e.Name != "a-case" || e.Want != "what: must be" {
		t.Errorf("%s: %s has %q, want %q", e.Name, e.Want, got, want)
	}
	for _, c := range []struct{ name, text, says string }{
		{"a let without use", "let x = 1\na: b\n", "1: {x} is not used"},
		{"a let that is doubled", "let x = 1\nlet x = 2\n", "2: "},
		{"a name that is doubled", "a: b\na: c\n", "2: "},
		{"no name", "a b\n", "1: "},
		{"a name that no file has", "a b: c\n", `1: "a b" cannot be`},
		{"no case", "    send x\n", "1: "},
		{"no escape", "a: b\n    send \\q\n", `2: there is an escape that nobody knows in "\\q"`},
		{"a part beyond the end", "let x = 12\na: b\n    send {x[1:3]}\n", "3: {x[1:3]}: it has 2 bytes"},
	} {
		if _, err := readCases("1.5", c.text); err == nil || !strings.HasPrefix(err.Error(), "cases/1.5.txt:"+c.says) {
			t.Errorf("%s: %v, want %s", c.name, err, c.says)
		}
	}
}

// TestScripts: what is no script is refused, with the line in which it stands.
func TestScripts(t *testing.T) {
	for _, c := range []struct{ name, script, says string }{
		{"no verb", "sends hello", `there is no verb sends`},
		{"no case", "gets nothing-like-that", `gets takes something else: CASE`},
		{"no time", "pause long", `pause takes something else: D`},
		{"no diagnosis", "open\n    else tired", `there is no diagnosis "tired"`},
		{"no condition", "open\n    else serial if it rains", `no condition "it rains"`},
		{"no algorithm", "run away", `run takes something else`},
		{"else of nothing", "else serial", `there is no verb else`},
		{"tries that come late", "open\n    tries 3", `tries takes something else`},
	} {
		list, err := readCases("1.5", "a: b\n    "+c.script+"\n")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := list[0].script(Check{}, list[0].Keys); err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "cases/1.5.txt:") {
			t.Errorf("%s: %v, want %s", c.name, err, c.says)
		}
	}
}
