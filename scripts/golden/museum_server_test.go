//go:build kit

package golden

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"unicode"

	"golang.org/x/sync/errgroup"
	"weblab.example/scripts/internal/term"
)

// The museum of mistakes: each wrong server is graded, and the check that
// fails first and the diagnosis are what the table says. Each check of stages
// 1 and 2 has a mistake that passes every check before it.

var museumWhole = flag.Bool("museum-whole", false, "run every check before a mistake's own, also those that it cannot touch")

var museumOnly = flag.String("museum", "", "grade only the mistakes whose names have this in them")

// met are the diagnoses that some mistake of the museum got.
var met = struct {
	sync.Mutex
	names map[string]bool
}{names: map[string]bool{}}

// meet notes the diagnosis of a result.
func meet(r Result) {
	met.Lock()
	defer met.Unlock()
	if r.Status == Failed {
		met.names[r.Diagnosis] = true
	}
}

// neverMet are diagnoses that no server of the museum should get.
var neverMet = map[string]string{
	"trouble": "it is for errors that no check expects",
}

// neverFirst has checks that always fail after another one, by stage and name.
var neverFirst = map[string]string{}

// A showing is a mistake and what the checks said about it.
type showing struct {
	mistake
	stage   int
	results []Result // of the checks up to the one that should fail first
	skipped string   // why nothing can be said here
	whole   bool     // every check before its own is run
}

// firstFailed is the result that failed first, or nil.
func (s showing) firstFailed() *Result {
	if i := slices.IndexFunc(s.results, func(r Result) bool { return r.Status == Failed }); i >= 0 {
		return &s.results[i]
	}
	return nil
}

// museum grades every mistake, once for all tests.
var museum = sync.OnceValues(func() ([]showing, error) {
	dir, err := os.MkdirTemp("", "weblab-museum-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binaries, err := buildServers(dir)
	if err != nil {
		return nil, err
	}
	labs, err := openLabs(context.Background(), Program{Args: []string{binaries[folderOf(2)]}}, museumSeed)
	if err != nil {
		return nil, err
	}
	defer labs.close()
	shared := &rightServer{labs: labs}
	uses, err := record(binaries, shared)
	if err != nil {
		return nil, err
	}
	var showings []showing
	for _, m := range handMade {
		showings = append(showings, m.showings()...)
	}
	for _, g := range goldens {
		showings = append(showings, g.mistake().showings()...)
	}
	showings = slices.DeleteFunc(showings, func(s showing) bool { return !strings.Contains(s.name, *museumOnly) })
	// That the checks which are left out do not matter is tried with a few. They
	// are among those that only bend an answer: what takes its time is not for a
	// time when so many run.
	whole := 0
	for _, i := range rand.Perm(len(showings)) {
		if whole < 3 && strings.HasPrefix(showings[i].name, unknown) {
			showings[i].whole = true
			whole++
		}
	}
	for _, calm := range []bool{false, true} {
		var all errgroup.Group
		all.SetLimit(32) // most of them wait for something most of the time
		for i := range showings {
			if s := &showings[i]; s.calm == calm {
				all.Go(func() error {
					s.show(binaries, shared, uses)
					return nil
				})
			}
		}
		all.Wait() // no error is returned
	}
	return showings, nil
})

func (m mistake) showings() (all []showing) {
	for _, stage := range []int{1, 2} {
		if m.stage == 0 || m.stage == stage {
			all = append(all, showing{mistake: m, stage: stage})
		}
	}
	return all
}

// show grades the mistake, up to the check that should fail first. A check
// that has no connection which the mistake can touch is left out.
func (s *showing) show(binaries map[string]string, shared *rightServer, uses map[string][]use) {
	folder := cmp.Or(s.binary, folderOf(s.stage))
	var checks []Check
	for _, c := range Checks(s.stage) {
		own := c.Name == s.first
		touched := slices.ContainsFunc(uses[c.Name], s.touches)
		process := (s.process != "" || s.flags != nil || s.alone) && slices.Contains(c.Flags, noServer)
		if own || touched || process || s.whole || *museumWhole {
			checks = append(checks, c)
		}
		if own {
			break
		}
	}
	if s.answer == nil || s.when != nil && !strings.HasPrefix(s.name, unknown) || slices.ContainsFunc(checks, func(c Check) bool { return !sharing(c) }) {
		shared = nil
	}
	s.results = Grade(context.Background(), checks, s.program(binaries[folder], shared, nil), museumSeed)
	if last := s.results[len(s.results)-1]; last.Name == s.first && last.Excused() {
		s.skipped = last.Why
	}
}

const museumSeed = 1 // the files that a check makes do not matter here

func folderOf(stage int) string { return []string{"", "stage1-single", "stage2-concurrent"}[stage] }

// buildServers builds the right servers.
func buildServers(dir string) (binaries map[string]string, err error) {
	binaries = map[string]string{}
	for stage := 1; stage <= 2; stage++ {
		folder := folderOf(stage)
		binaries[folder] = filepath.Join(dir, folder+".exe")
		cmd := exec.Command("go", "build", "-o", binaries[folder], "./"+folder)
		cmd.Dir = filepath.Join("..", "..")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s does not build:\n%s", folder, out)
		}
	}
	return binaries, nil
}

// sharing reports whether a check changes no file, and looks at no process.
func sharing(c Check) bool {
	golden := slices.ContainsFunc(goldens, func(g golden) bool { return g.name == c.Name })
	return golden || c.Step < "1.5" && c.Name != "one-at-a-time" && !slices.Contains(c.Flags, noServer)
}

// record grades the right servers, a check at a time, behind a relay that
// bends nothing, and returns the connections that each check makes.
func record(binaries map[string]string, shared *rightServer) (map[string][]use, error) {
	uses := map[string][]use{}
	var mu sync.Mutex
	var all errgroup.Group
	all.SetLimit(16)
	for stage := 1; stage <= 2; stage++ {
		for _, c := range Checks(stage) {
			if stage == 2 && StepOf(c.Step).Stage == 1 {
				continue // the same as in stage 1
			}
			all.Go(func() error {
				note := func(u use) {
					mu.Lock()
					defer mu.Unlock()
					uses[c.Name] = append(uses[c.Name], u)
				}
				behind := shared
				if !sharing(c) {
					behind = nil
				}
				r := Grade(context.Background(), []Check{c}, mistake{}.program(binaries[folderOf(stage)], behind, note), museumSeed)[0]
				if r.Status == Failed {
					return fmt.Errorf("behind a relay that bends nothing:\n%s", r)
				}
				return nil
			})
		}
	}
	err := all.Wait()
	mu.Lock()
	defer mu.Unlock()
	return maps.Clone(uses), err
}

// TestMuseum: each mistake is found by the check, and gets the diagnosis, that
// the table says. With -v the matrix is printed.
func TestMuseum(t *testing.T) {
	showings, err := museum()
	if err != nil {
		t.Fatal(err)
	}
	var matrix strings.Builder
	table := tabwriter.NewWriter(&matrix, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "stage\tmistake\tfirst failing check\tdiagnosis")
	for _, s := range showings {
		t.Run(fmt.Sprintf("stage %d/%s", s.stage, s.name), func(t *testing.T) {
			if s.skipped != "" {
				t.Skip(s.skipped)
			}
			if s.whole {
				t.Log("with every check before its own")
			}
			for _, r := range s.results[:len(s.results)-1] {
				if r.Status == NotRun && !r.Excused() {
					t.Errorf("%s was not run: %s", r.Name, r.Why)
				}
			}
			r := s.firstFailed()
			switch {
			case r == nil:
				t.Fatalf("no check up to %s fails", s.first)
			case r.Name != s.first || r.Diagnosis != s.diagnosis || !strings.Contains(r.Why, s.says) || !strings.Contains(r.Seen, s.sees):
				t.Fatalf("want %s, %s %q %q; got %s, %s\n%s", s.first, s.diagnosis, s.says, s.sees, r.Name, r.Diagnosis, r)
			}
			checkText(t, *r)
		})
		if r := s.firstFailed(); r != nil && !strings.HasPrefix(s.name, unknown) {
			fmt.Fprintf(table, "%d\t%s\t%s %s\t%s\n", s.stage, s.name, r.Step, r.Name, r.Diagnosis)
		}
	}
	table.Flush() // to a string: it cannot fail
	t.Logf("\n%s", matrix.String())
}

// checkText checks that a report reads well.
func checkText(t *testing.T, r Result) {
	t.Helper()
	if strings.Contains(r.Why, "%!") || r.Why == "" || r.Seen == "" || r.Again == "" {
		t.Errorf("seen %q, why %q, again %q", r.Seen, r.Why, r.Again)
	}
	for line := range strings.Lines(r.String()) {
		line = strings.TrimSuffix(line, "\n")
		if term.Columns(line) > term.Width && !strings.HasPrefix(line, "  again: ") {
			t.Errorf("%d columns: %s", term.Columns(line), line)
		}
		if strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("a control character in %q", line)
		}
	}
}

// TestMuseumIsComplete: each check has a mistake of its own, or a reason.
func TestMuseumIsComplete(t *testing.T) {
	if *museumOnly != "" {
		t.Skip("only some mistakes were graded")
	}
	showings, err := museum()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, s := range showings {
		r := s.firstFailed()
		switch key := fmt.Sprintf("%d %s", s.stage, s.first); {
		case s.skipped != "":
			found[key] = s.skipped
		case r != nil && r.Name == s.first:
			found[key] = s.name
		}
	}
	for stage := 1; stage <= 2; stage++ {
		for _, c := range Checks(stage) {
			key := fmt.Sprintf("%d %s", stage, c.Name)
			switch why, excused := neverFirst[key]; {
			case excused && found[key] != "":
				t.Errorf("stage %d: %s does fail first, with the mistake %q, and needs no excuse (%s)", stage, c.Name, found[key], why)
			case !excused && found[key] == "":
				t.Errorf("stage %d: no mistake of the museum fails %s first", stage, c.Name)
			}
			delete(neverFirst, key)
		}
	}
	for key := range neverFirst {
		t.Errorf("there is no check %s", key)
	}
}
