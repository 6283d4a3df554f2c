// Handout writes the student's copy of the kit. It has everything that a student
// works with, but not the solutions.
//
//	go run ./scripts/handout -o DIR [-level core|protocol|strict] [-stages 1,2,3] [-solved 1.1,1.2]
//
//	the kit -> what is for students (copy.go) -> the bodies of marked functions
//	are taken out (gaps.go) -> DIR, and a line for each stage
//
// A body that is taken out becomes a panic that names its step, and in a step of the
// strict level a return that refuses nothing. With -level, steps above that level are
// written already; with -stages, those of all other stages; with -solved, single ones,
// for a class that begins in the middle. Think about what they give away: the loop of
// stage 2 is nearly the loop of stage 1.
//
// Exit status: 0; 1 if the copy could not be written; 2 for wrong use.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
)

func main() {
	dir := flag.String("o", "", "the `directory` to write; it is made if it is not there, and must be empty")
	upTo := flag.String("level", "strict", "the highest `level` that gets gaps: core, protocol or strict; those above it are copied solved")
	list := flag.String("stages", "1,2,3", "the `stages` that get gaps; the others are copied solved")
	solved := flag.String("solved", "", "the `steps`, such as 1.1,1.2, that are copied solved")
	flag.Parse() // exits on an error by itself
	stages, err := kit.ParseStages(*list)
	highest := golden.Level(*upTo)
	done := strings.Split(*solved, ",")
	noStep := slices.IndexFunc(done, func(step string) bool { return golden.StepOf(step).Level == "" })
	switch {
	case err != nil:
	case *solved != "" && noStep >= 0:
		err = fmt.Errorf("-solved is a list of steps, such as 1.1,1.2: there is no step %q", done[noStep])
	case !slices.Contains(golden.Levels, highest):
		err = fmt.Errorf("-level is core, protocol or strict, not %q", highest)
	case *dir == "":
		err = errors.New("say where to write the copy: -o DIRECTORY")
	case flag.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "handout: %v (-h lists the flags)\n", err)
		os.Exit(2)
	}
	open := func(id string) bool {
		step := golden.StepOf(id)
		return slices.Contains(stages, step.Stage) && highest.Has(step.Level) && !slices.Contains(done, id)
	}
	if err := handOut(*dir, highest, open); err != nil {
		fmt.Fprintln(os.Stderr, "handout:", err)
		os.Exit(1)
	}
}

// handOut writes the copy and says what it did.
func handOut(dir string, highest golden.Level, open func(step string) bool) error {
	root, err := kit.Find()
	if err != nil {
		return err
	}
	gaps, err := writeCopy(root, dir, open)
	if err != nil {
		return err
	}
	for stage := 1; stage <= 3; stage++ {
		fmt.Printf("%s: %s\n", kit.Folder(stage), toWrite(stage, gaps))
	}
	grade := "go test ./..."
	if highest != golden.Strict { // what is written already is not the student's
		grade = "go run ./scripts/grade -level " + string(highest)
	}
	fmt.Printf("Go on with:\n\n\tcd %s\n\t%s\n", dir, grade)
	return nil
}

// toWrite says how many functions of each level are to be written in a stage.
func toWrite(stage int, gaps []gap) string {
	var counts []string
	for _, level := range golden.Levels {
		n := 0
		for _, g := range gaps {
			if step := golden.StepOf(g.step); step.Stage == stage && step.Level == level {
				n++
			}
		}
		if n > 0 {
			counts = append(counts, fmt.Sprintf("%d of %s", n, level))
		}
	}
	if counts == nil {
		return "solved"
	}
	return "functions to write: " + strings.Join(counts, ", ")
}

// checkEmpty makes sure that dir can take the copy: a folder that is empty or
// not there yet, and outside of the kit, or the next copy would have this one
// in it.
func checkEmpty(root, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty (it has %s): nothing is written", dir, entries[0].Name())
	}
	kit, err := os.Stat(root)
	if err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil { // if it is there already
		dir = real
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	for above := filepath.Dir(dir); above != dir; dir, above = above, filepath.Dir(above) {
		if info, err := os.Stat(above); err == nil && os.SameFile(info, kit) {
			return fmt.Errorf("%s is inside of the kit: write the copy to a place outside", dir)
		}
	}
	return nil
}
