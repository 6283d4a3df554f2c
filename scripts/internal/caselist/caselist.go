// Package caselist reads lists of cases, which are data and no code:
//
//	a file -> Read -> the entries, with their keys -> Text, Set -> the fields of a check, or of a test
package caselist

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Entry is a case as it is written in a list, such as
//
//	# a comment
//	let asks = HTTP/1.1\r\nHost: localhost:6789\r\n\r\n
//
//	link-inside: a symbolic link that stays inside of the root is followed
//	    needs   link
//	    send    "GET /link-in.html {asks}"
//	    gets    hello
//
// A line that begins a case has its name and what must happen. Its keys are
// indented; what is behind a key, without the space around it, is its value.
type Entry struct {
	Name, Want string
	Keys       []Key
	Line       int

	file *list
}

// A Key is a line below the name of a case.
type Key struct {
	Name, Value string
	Line        int
}

// A list is a file.
type list struct {
	name    string
	lets    map[string]string // what stands for {NAME} in the lines below
	used    map[string]bool   // while the file is read
	later   []string          // names that are known only in the run
	entries []Entry
}

// Read reads the text of a list. Its file is named in errors. Later are the names in
// braces that are no lets, because they are known only in the run.
func Read(file, text string, later ...string) ([]Entry, error) {
	list := &list{name: file, lets: map[string]string{}, used: map[string]bool{}, later: later}
	letLines, names := map[string]int{}, map[string]bool{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, " \t\r\n")
		word, value, _ := strings.Cut(strings.TrimLeft(line, " \t"), " ")
		value = strings.TrimSpace(value)
		indented := strings.TrimLeft(line, " \t") != line
		switch name, want, isCase := strings.Cut(line, ": "); {
		case word == "" || word[0] == '#':
		case !indented && word == "let":
			let, value, ok := strings.Cut(value, "=")
			let = strings.TrimSpace(let)
			if _, twice := list.lets[let]; !ok || twice || let == "" || strings.ContainsAny(let, "{}[]*") {
				return nil, list.wrong(number, "%q must be let NAME = VALUE, with a new name", line)
			}
			text, err := list.expand(strings.TrimSpace(value), true)
			if err != nil {
				return nil, list.wrong(number, "%w", err)
			}
			list.lets[let], letLines[let] = text, number
		case !indented:
			if !isCase || names[name] {
				return nil, list.wrong(number, "%q must be NAME: WHAT MUST HAPPEN, with a new name", line)
			}
			names[name] = true
			list.entries = append(list.entries, Entry{Name: name, Want: strings.TrimSpace(want), Line: number, file: list})
		case len(list.entries) == 0:
			return nil, list.wrong(number, "%q is indented, and there is no case above it", line)
		default:
			e := &list.entries[len(list.entries)-1]
			e.Keys = append(e.Keys, Key{word, value, number})
			if _, err := list.expand(value, false); err != nil {
				return nil, list.wrong(number, "%w", err)
			}
		}
	}
	for let, line := range letLines {
		if !list.used[let] {
			return nil, list.wrong(line, "{%s} is not used", let)
		}
	}
	list.used = nil // from here on the cases are read by many at once
	return list.entries, nil
}

func (l *list) wrong(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", l.name, line, fmt.Errorf(format, args...))
}

// Wrong is an error in a line of the case.
func (e Entry) Wrong(line int, format string, args ...any) error {
	return e.file.wrong(line, format, args...)
}

// Text is a value with its escapes (\r \n \t \\ \xNN \uNNNN) and names replaced.
// {NAME} is what a let says, {NAME[2:9]} a part of it, in bytes, {TEXT*80} is
// repeated. Any other {NAME} stays as it is: it is known only in the run.
func (e Entry) Text(value string) string {
	text, _ := e.file.expand(value, true) // Read has seen that it is right
	return text
}

var (
	special = regexp.MustCompile(`\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.|$)|\{[^{}]*\}`)
	braces  = regexp.MustCompile(`^\{(.*?)(?:\[(\d*):(\d*)\])?(?:\*(\d+))?\}$`)
)

// expand is what [Entry.Text] says. Where nobody wants the text, nothing is repeated.
func (l *list) expand(value string, wanted bool) (text string, err error) {
	text = special.ReplaceAllStringFunc(value, func(part string) string {
		wrong := error(nil)
		if part[0] == '{' {
			part, wrong = l.braced(part, wanted)
		} else if part, wrong = strconv.Unquote(`"` + part + `"`); wrong != nil {
			wrong = fmt.Errorf("there is an escape that nobody knows in %.40q", value)
		}
		err = cmp.Or(err, wrong)
		return part
	})
	return text, err
}

// isName tells a name from braces that are part of a text, as {|}.
var isName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`).MatchString

// braced is what stands for {NAME}, {NAME[2:9]} or {TEXT*80}.
func (l *list) braced(whole string, wanted bool) (text string, err error) {
	m := braces.FindStringSubmatch(whole)
	text, known := l.lets[m[1]]
	switch {
	case known && l.used != nil:
		l.used[m[1]] = true
	case known:
	case whole == "{"+m[1]+"}" && isName(m[1]) && !slices.Contains(l.later, m[1]):
		return "", fmt.Errorf("there is no let %s", m[1])
	case whole == "{"+m[1]+"}":
		return whole, nil
	default:
		text, err = l.expand(m[1], wanted)
	}
	from, to, times := 0, len(text), 1
	for i, n := range []*int{&from, &to, &times} {
		if digits := m[2+i]; digits != "" {
			*n, _ = strconv.Atoi(digits)
		}
	}
	if err != nil || from > to || to > len(text) {
		return "", cmp.Or(err, fmt.Errorf("%s: it has %d bytes", whole, len(text)))
	}
	if !wanted {
		times = 1
	}
	return strings.Repeat(text[from:to], times), nil
}

// Set reads a value into a field of a case: a text, one more of several texts, a number, a
// time, or a bool, which is true without a value.
func (e Entry) Set(field any, value string) (err error) {
	switch field := field.(type) {
	case *string:
		*field = e.Text(value)
	case *[]string:
		*field = append(*field, e.Text(value))
	case *bool:
		if *field = true; value != "" {
			err = errors.New("it has no value")
		}
	case *int:
		*field, err = strconv.Atoi(value)
	case *time.Duration:
		*field, err = time.ParseDuration(value)
	default:
		err = errors.New("no case has this")
	}
	return err
}
