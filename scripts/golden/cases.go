package golden

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"weblab.example/scripts/internal/caselist"
	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/verdict"
)

// A Case is a golden case: a request, and the one right answer to it.
type Case struct {
	Step, Name, Want  string
	Flags             []string // the server's flags for this case
	Request, Response []byte

	weight int
	body   string // a file of the site that the response ends with: too long for cases/
}

// Cases lists the golden cases, in the order of their steps.
func Cases() ([]Case, error) { return goldens, intact() }

// goldens are the cases of cases/STEP.txt that have no script: what is sent and what comes
// back stand in files of their names.
var goldens = func() (all []Case) {
	for _, step := range Steps {
		if step.Stage == 3 || step.Level == "" {
			continue
		}
		for _, e := range must(entries(step.ID)) {
			if g, is := e.golden(); is {
				all = append(all, g)
			}
		}
	}
	return all
}()

// golden makes a golden case of an entry, if it is one.
func (e entry) golden() (g Case, is bool) {
	c, script, err := e.check()
	must(c, err)
	g = Case{Step: e.step, Name: e.Name, Want: e.Want, Flags: c.Flags, weight: c.Weight}
	g.Request, g.Response = filesOf(e.Name)
	if len(script) == 1 && script[0].Name == "body" {
		g.body, script = script[0].Value, nil
		g.Response = append(g.Response, must(siteFiles.ReadFile("site/"+g.body))...)
	}
	return g, len(script) == 0
}

// filesOf reads a request and a response. A test sees that none is missing.
func filesOf(name string) (request, response []byte) {
	request, _ = caseFiles.ReadFile("cases/" + name + ".request")
	response, _ = caseFiles.ReadFile("cases/" + name + ".response")
	return request, response
}

// bytesOf returns a case's request and response, also those that only scripts have.
func bytesOf(name string) (request, response []byte) {
	if i := slices.IndexFunc(goldens, func(g Case) bool { return g.Name == name }); i >= 0 {
		return goldens[i].Request, goldens[i].Response
	}
	return filesOf(name)
}

// A Preset is a check of the textbook as one connection: what is sent on it, and where it
// is cut. Without pieces the client says nothing, and leaves.
type Preset struct {
	Name, Want string
	Pieces     [][]byte
}

// Presets lists the textbook's checks that one connection shows. A file that is made for a
// check is HelloWorld.html in them.
func Presets() (all []Preset) {
	for _, step := range Steps {
		if step.Level != "" || step.Stage == 3 {
			continue
		}
		for _, e := range must(entries(step.ID)) {
			p, connections := Preset{Name: e.Name, Want: e.Want}, 0
			for _, kv := range e.Keys {
				switch {
				case kv.Name == "as":
					connections++
				case kv.Name == "leave":
					p.Pieces, connections = nil, 2 // this one is what the check is for
				case kv.Name == "send" && connections < 2:
					text := strings.NewReplacer("{addr}", "localhost", "random-{random}", "HelloWorld").Replace(e.Text(kv.Value))
					p.Pieces = append(p.Pieces, bytesIn(text))
				}
			}
			if connections > 0 || len(p.Pieces) > 0 { // else no single one shows it
				all = append(all, p)
			}
		}
	}
	return all
}

// serverChecks lists the checks of a step of the servers.
func serverChecks(step string, stage int) (checks []Check) {
	for _, e := range must(entries(step)) {
		c, own, err := e.check()
		must(c, err)
		i := slices.IndexFunc(own, func(kv caselist.Key) bool { return kv.Name == "stage" })
		if i >= 0 && own[i].Value != strconv.Itoa(stage) {
			continue
		}
		if i >= 0 {
			own = slices.Delete(own, i, i+1)
		}
		if g, is := e.golden(); is {
			c.run = g.run
		} else {
			c = must(e.script(c, own))
		}
		checks = append(checks, c)
	}
	return checks
}

// run sends the request whole and in two pieces at three places, and compares
// each answer, byte for byte.
func (g Case) run(t *target) error {
	for _, cut := range cuts(g.Request) {
		h, err := t.talk(cut.pieces...)
		if err == nil {
			err = verdict.Want(h, g.Response)
		}
		// A close that loses bytes is step 1.8: a step that does not need it lets a
		// reset after the whole answer pass.
		if err != nil && h.End == exchange.EndReset && bytes.Equal(h.Bytes, g.Response) && (g.Step < "1.8" || StepOf(g.Step).Level == Strict) {
			continue
		}
		if cut.name != "" && h.End != "" { // else nobody listens any more
			err = verdict.Because(err, "one-read", cut.name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A cut is one way of sending a request.
type cut struct {
	name   string // "" is whole
	pieces [][]byte
}

// cuts lists the ways in which a request is sent: whole, and in two pieces.
func cuts(request []byte) []cut {
	all := []cut{{"", [][]byte{request}}}
	in := func(name string, at int) {
		if 0 < at && at < len(request) {
			all = append(all, cut{name, [][]byte{request[:at], request[at:]}})
		}
	}
	in("inside the method", 1)
	for _, end := range []string{"\r\n\r\n", "\n\n"} {
		if at := bytes.Index(request, []byte(end)); at >= 0 {
			in("between two line ends", at+len(end)/2)
			break
		}
	}
	in("before the last byte", len(request)-1)
	return all
}
