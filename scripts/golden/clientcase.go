package golden

import (
	"regexp"
	"strings"
	"sync"
	"time"

	"weblab.example/scripts/internal/caselist"
)

// A clientCase is one run of the client: how it is started, what a server says
// to it, and what must come of that. cases/3.1.txt says how one is written.
type clientCase struct {
	Check
	args    words
	raw     string        // what is in the file {raw}
	timeout time.Duration // how long the client waits
	server  script
	cut     []string // responses: the case is played with each beginning of each of them

	requests []string // what the server must have got; nil is not compared
	stdout   string   // anyOutput is not compared
	shows    string   // what the textbook's client must have among it
	stderr   []string // what standard error must speak of, in any letter case
	quiet    bool     // standard error must be empty
	status   int      // exit status; anyStatus is not compared
	within   time.Duration
	file     string // what -o must have written; "" is not compared
	rule     string // of clientRules
}

const (
	anyOutput = "any"
	anyStatus = -1
	allOfIt   = "all" // that the server says: standard output until that is known
)

// words are arguments. One in quotes may have spaces.
type words []string

var word = regexp.MustCompile(`'[^']*'|[^ ]+`)

// toPage asks for the page of the assignment.
var toPage = words{"{host}", "{port}", "HelloWorld.html"}

// clientCases are the cases of the client, of each step.
var clientCases = sync.OnceValue(func() map[string][]clientCase {
	cases := map[string][]clientCase{}
	for _, step := range Steps {
		if step.Stage == 3 {
			for _, e := range must(entries(step.ID)) {
				cases[step.ID] = append(cases[step.ID], must(readClientCase(e)))
			}
		}
	}
	return cases
})

func clientChecks(step string) (checks []Check) {
	for _, c := range clientCases()[step] {
		c.Check.Flags, c.Check.run = []string{noServer}, c.run
		checks = append(checks, c.Check)
	}
	return checks
}

func readClientCase(e entry) (c clientCase, err error) {
	var own []caselist.Key
	if c.Check, own, err = e.check(); err != nil {
		return c, err
	}
	fields := map[string]any{
		"args": &c.args, "raw": &c.raw, "timeout": &c.timeout, "cut": &c.cut,
		"server": &c.server.answers, "bytewise": &c.server.bytewise, "later": &c.server.later, "drip": &c.server.drip,
		"big": &c.server.big, "hold": &c.server.hold, "then": &c.server.then, "pause": &c.server.pause,
		"request": &c.requests, "prints": &c.stdout, "shows": &c.shows, "says": &c.stderr, "quiet": &c.quiet, "exit": &c.status,
		"within": &c.within, "file": &c.file, "rule": &c.rule,
	}
	for _, kv := range own {
		if err := e.set(fields[kv.Name], kv.Value); err != nil {
			return c, e.Wrong(kv.Line, "%s: %w", kv.Name, err)
		}
		_, known := clientRules[c.rule]
		if kv.Name == "rule" && !known || kv.Name == "then" && c.server.then != "reset" && c.server.then != "open" {
			return c, e.Wrong(kv.Line, "%s: %q is not known", kv.Name, kv.Value)
		}
	}
	if c.args == nil {
		c.args = toPage
	}
	if c.stdout == allOfIt {
		c.stdout = c.server.all()
	}
	return c, nil
}

// set reads a value into a field of a case.
func (e entry) set(field any, value string) error {
	switch field := field.(type) {
	case *words:
		for _, w := range word.FindAllString(e.Text(value), -1) {
			*field = append(*field, strings.Trim(w, "'"))
		}
		return nil
	case *int:
		if value == anyOutput {
			*field = anyStatus
			return nil
		}
	}
	return e.Set(field, value)
}
