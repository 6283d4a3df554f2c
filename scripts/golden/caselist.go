package golden

import (
	"cmp"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// An entry is a case as it is written in cases/STEP.txt, such as
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
type entry struct {
	step, name, want string
	keys             []keyValue
	file             *caseList
	line             int
}

type keyValue struct {
	key, value string
	line       int
}

// A caseList is a file of cases/.
type caseList struct {
	name    string
	lets    map[string]string // what stands for {NAME} in the lines below
	used    map[string]bool
	entries []entry
}

// entries lists the cases of a step.
func entries(step string) ([]entry, error) {
	text, err := fs.ReadFile(caseFiles, "cases/"+step+".txt")
	if err != nil {
		return nil, err
	}
	return readCases(step, string(text))
}

// readCases reads the text of cases/STEP.txt.
func readCases(step, text string) ([]entry, error) {
	list := &caseList{name: "cases/" + step + ".txt", lets: map[string]string{}, used: map[string]bool{}}
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
			if _, twice := list.lets[let]; !ok || twice || !isName(let) {
				return nil, list.wrong(number, "%q must be let NAME = VALUE, with a new name", line)
			}
			text, err := list.expand(strings.TrimSpace(value), true)
			if err != nil {
				return nil, list.wrong(number, "%w", err)
			}
			list.lets[let], letLines[let] = text, number
		case !indented:
			if !isCase || !isName(name) || names[name] {
				return nil, list.wrong(number, "%q must be NAME: WHAT MUST HAPPEN, with a new name", line)
			}
			names[name] = true
			list.entries = append(list.entries, entry{step: step, name: name, want: strings.TrimSpace(want), file: list, line: number})
		case len(list.entries) == 0:
			return nil, list.wrong(number, "%q is indented, and there is no case above it", line)
		default:
			e := &list.entries[len(list.entries)-1]
			e.keys = append(e.keys, keyValue{word, value, number})
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
	return list.entries, nil
}

var isName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString

func (l *caseList) wrong(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", l.name, line, fmt.Errorf(format, args...))
}

// wrong is an error in a line of the case.
func (e entry) wrong(kv keyValue, format string, args ...any) error {
	return e.file.wrong(kv.line, format, args...)
}

// check is what every kind of case has, as a check that cannot run yet, and the
// keys that its kind has beside: the script of a server's case, say.
func (e entry) check() (c Check, own []keyValue, err error) {
	c = Check{Step: e.step, Name: e.name, Want: e.want, Weight: 1}
	for _, kv := range e.keys {
		switch kv.key {
		case "weight":
			c.Weight, err = strconv.Atoi(kv.value)
		case "flags":
			c.Flags = strings.Fields(kv.value)
		case "also":
			c.also = kv.value
			if StepOf(c.also).Points == 0 {
				err = fmt.Errorf("there is no step %s", c.also)
			}
		case "needs":
			if c.system = kv.value; !slices.Contains(systems, c.system) {
				err = fmt.Errorf("%q is none of %q", c.system, systems)
			}
		default:
			own = append(own, kv)
		}
		if err != nil {
			return c, nil, e.wrong(kv, "%s: %w", kv.key, err)
		}
	}
	if c.system != "" || c.also != "" { // not everybody can run it
		c.Weight = 0
	}
	return c, own, nil
}

// must is for what is embedded: a test reads all of it.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// text is a value with its escapes (\r \n \t \\ \xNN) and names replaced.
// {NAME} is what a let says, {NAME[2:9]} a part of it, in bytes, {TEXT*80} is
// repeated. Any other {NAME} stays as it is: it is known only in the run.
func (e entry) text(value string) string {
	text, _ := e.file.expand(value, true) // readCases has seen that it is right
	return text
}

var (
	special = regexp.MustCompile(`\\(?:x[0-9a-fA-F]{2}|.|$)|\{[^{}]*\}`)
	braces  = regexp.MustCompile(`^\{(.*?)(?:\[(\d*):(\d*)\])?(?:\*(\d+))?\}$`)
)

// expand is what [entry.text] says. Where nobody wants the text, nothing is repeated.
func (l *caseList) expand(value string, wanted bool) (text string, err error) {
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

// braced is what stands for {NAME}, {NAME[2:9]} or {TEXT*80}.
func (l *caseList) braced(whole string, wanted bool) (text string, err error) {
	m := braces.FindStringSubmatch(whole)
	text, known := l.lets[m[1]]
	switch {
	case known:
		l.used[m[1]] = true
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
