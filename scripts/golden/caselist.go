package golden

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"weblab.example/scripts/internal/caselist"
)

// An entry is a case of cases/STEP.txt.
type entry struct {
	caselist.Entry
	step string
}

// entries lists the cases of a step.
func entries(step string) ([]entry, error) {
	text, err := fs.ReadFile(caseFiles, "cases/"+step+".txt")
	if err != nil {
		return nil, err
	}
	return readCases(step, string(text))
}

// inRun are the names that are known only when a case is run: script.go and clientrun.go
// fill them in.
var inRun = strings.Fields("addr host port root random lines taken taken-port closed out raw timeout")

// readCases reads the text of cases/STEP.txt.
func readCases(step, text string) (all []entry, err error) {
	list, err := caselist.Read("cases/"+step+".txt", text, inRun...)
	for _, e := range list {
		if !isName(e.Name) {
			return nil, e.Wrong(e.Line, "%q cannot be the name of a case, and of its files", e.Name)
		}
		all = append(all, entry{e, step})
	}
	return all, err
}

var isName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString

// check is what every kind of case has, as a check that cannot run yet, and the
// keys that its kind has beside: the script of a server's case, say.
func (e entry) check() (c Check, own []caselist.Key, err error) {
	c = Check{Step: e.step, Name: e.Name, Want: e.Want, Weight: 1}
	for _, kv := range e.Keys {
		switch kv.Name {
		case "weight":
			c.Weight, err = strconv.Atoi(kv.Value)
		case "flags":
			c.Flags = strings.Fields(kv.Value)
		case "also":
			c.also = kv.Value
			if StepOf(c.also).Points == 0 {
				err = fmt.Errorf("there is no step %s", c.also)
			}
		case "needs":
			if c.system = kv.Value; !slices.Contains(systems, c.system) {
				err = fmt.Errorf("%q is none of %q", c.system, systems)
			}
		default:
			own = append(own, kv)
		}
		if err != nil {
			return c, nil, e.Wrong(kv.Line, "%s: %w", kv.Name, err)
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
