package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
)

// A submission is what one student hands in, and what came out.
type submission struct {
	Name    string         `json:"name"`
	Parts   []part         `json:"parts"` // the points of each level
	Stages  []*stageResult `json:"stages"`
	Remarks []string       `json:"remarks,omitempty"` // what the grader found and did about it
	Trouble string         `json:"trouble,omitempty"` // why it could not be graded: not its fault
	Seconds float64        `json:"seconds"`           // that grading took

	dir string // "" for the workspace
}

// A stageResult is how one stage did.
type stageResult struct {
	Stage   int             `json:"stage"`
	State   string          `json:"state"` // graded, or why not
	Problem string          `json:"problem,omitempty"`
	Points  int             `json:"points"`
	Max     int             `json:"max"`
	Results []golden.Result `json:"results"`
	Adds    []string        `json:"golden_would_add,omitempty"` // with the textbook's checks: golden ones that fail
}

// What a stage can be.
const (
	graded       = "graded"
	notSubmitted = "not submitted"
	notBuilt     = "could not be built"
	notGraded    = "not graded" // for trouble of the grader's: this is no zero
)

func (s *submission) passed() bool {
	return !slices.ContainsFunc(s.Stages, func(r *stageResult) bool { return !r.passed() })
}

func (r *stageResult) passed() bool {
	return r.State == graded && !slices.ContainsFunc(r.Results, func(c golden.Result) bool {
		return c.Status != golden.Passed && !c.Excused()
	})
}

// fill takes over the results of a stage and adds up the points of its steps.
func (r *stageResult) fill(results []golden.Result) {
	r.Results, r.Points, r.Max = results, 0, 0
	for _, step := range stepsOf(results) {
		r.Points, r.Max = r.Points+step.points, r.Max+step.max
	}
}

// A part is what is added up in a column of the sheet: a level, or a step of the
// textbook's checks, which have no levels.
type part struct {
	Name   string `json:"name"`
	Points int    `json:"points"`
	Max    int    `json:"max"`
}

// addUp fills in the parts.
func (s *submission) addUp() {
	s.Parts = nil
	for _, known := range golden.Steps { // in their order
		for _, r := range s.Stages {
			for _, step := range stepsOf(r.Results) {
				if step.ID != known.ID || r.Stage != known.Stage {
					continue
				}
				name := cmp.Or(string(step.Level), step.ID)
				i := slices.IndexFunc(s.Parts, func(p part) bool { return p.Name == name })
				if i < 0 {
					i, s.Parts = len(s.Parts), append(s.Parts, part{Name: name})
				}
				s.Parts[i].Points += step.points
				s.Parts[i].Max += step.max
			}
		}
	}
}

// total is the sum of the parts.
func (s *submission) total() part {
	all := part{Name: "total"}
	for _, p := range s.Parts {
		all.Points, all.Max = all.Points+p.Points, all.Max+p.Max
	}
	return all
}

// own are the results that a stage has to tell of. Stage 2 gives the answers of
// stage 1, too, for no points: of those it tells only what is right in one of the
// two and not in the other; the same of so many are as in stage 1.
func (s *submission) own(r *stageResult) (own []golden.Result, same, of int) {
	var stage1 []golden.Result
	for _, one := range s.Stages {
		if one.Stage == 1 && one.State == graded {
			stage1 = one.Results
		}
	}
	for _, c := range r.Results {
		if golden.StepOf(c.Step).Stage == r.Stage {
			own = append(own, c)
		}
		if golden.StepOf(c.Step).Stage == r.Stage || r.State != graded {
			continue
		}
		want := true
		if i := slices.IndexFunc(stage1, func(one golden.Result) bool { return one.Name == c.Name }); i >= 0 {
			want = stage1[i].Status == golden.Passed
		}
		of++
		if (c.Status == golden.Passed) == want || c.Excused() {
			same++
		} else {
			own = append(own, c)
		}
	}
	return own, same, of
}

// submissions are those that the command line names, the workspace, or a
// server that runs already.
func (g *grader) submissions() (subs []*submission) {
	taken := map[string]bool{} // names of reports, which some systems do not tell apart by letter case
	add := func(name, dir string) {
		name = oneLine(name)
		for i, base := 2, name; taken[strings.ToLower(fileName(name))]; i++ {
			name = fmt.Sprintf("%s-%d", base, i)
		}
		taken[strings.ToLower(fileName(name))] = true
		s := &submission{Name: name, dir: dir}
		for _, n := range g.stages {
			if list := g.list(n); len(list) > 0 { // with -only many stages have nothing to do
				r := &stageResult{Stage: n, State: graded}
				r.fill(notRun(list, ""))
				s.Stages = append(s.Stages, r)
			}
		}
		subs = append(subs, s)
	}
	switch {
	case len(g.folders) > 0:
		for _, dir := range g.folders {
			name := filepath.Base(dir)
			if abs, err := filepath.Abs(dir); err == nil {
				name = filepath.Base(abs)
			}
			add(name, dir)
		}
	case g.command != "" || g.clientCommand != "":
		add("this folder", ".")
	case g.addr != "":
		add(g.addr, "")
	default:
		add("this workspace", "")
	}
	return subs
}

// notRun are results for checks of a stage that did not come to run.
func notRun(list []golden.Check, why string) (results []golden.Result) {
	for _, c := range list {
		results = append(results, golden.Result{Check: c, Status: golden.NotRun, Why: why})
	}
	return results
}

// submissionsIn are the submissions in a folder: itself when it has a stage,
// or one level below; else those of its folders that have one.
func submissionsIn(dir string) []string {
	if hasStage(dir) {
		return []string{dir}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return []string{dir} // it will be found to have nothing
	}
	var below []string
	found := false
	for _, e := range entries {
		link := e.Type()&fs.ModeSymlink != 0 // to be told of, and not graded
		if (e.IsDir() || link) && !hidden(e.Name()) {
			sub := filepath.Join(dir, e.Name())
			if info, err := os.Stat(sub); link && (err != nil || !info.IsDir()) {
				continue // no folder, wherever it leads
			}
			below, found = append(below, sub), found || hasStage(inner(sub))
		}
	}
	if !found || hasStage(inner(dir)) {
		return []string{dir}
	}
	return below // also those that have none: they are submissions with nothing in them
}

// hidden reports whether a folder is the system's: macOS puts __MACOSX into
// its zips.
func hidden(name string) bool { return strings.HasPrefix(name, ".") || name == "__MACOSX" }

func hasStage(dir string) bool {
	for folder := range kit.Stages {
		if info, err := os.Stat(filepath.Join(dir, folder)); err == nil && info.IsDir() {
			return true
		}
	}
	return false
}

// inner is the folder that has the stages, where a zip was unpacked into a
// folder of its own.
func inner(dir string) string {
	if hasStage(dir) {
		return dir
	}
	entries, _ := os.ReadDir(dir) // what cannot be read has no stage
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !e.IsDir() || hidden(e.Name()) })
	if len(entries) == 1 {
		return filepath.Join(dir, entries[0].Name())
	}
	return dir
}

// onlyFolder is the folder in which a zip without stages was unpacked.
func onlyFolder(dir string) string {
	entries, _ := os.ReadDir(dir) // what cannot be read has none
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return hidden(e.Name()) })
	if len(entries) == 1 && entries[0].IsDir() {
		return filepath.Join(dir, entries[0].Name())
	}
	return dir
}

// gradeOne builds what there is to build and has it checked.
func (g *grader) gradeOne(ctx context.Context, i int, s *submission) {
	dir := filepath.Join(g.temp, fmt.Sprint(i))
	programs := map[int]golden.Program{}
	err := os.MkdirAll(filepath.Join(dir, "work"), 0o755) // which the worker gets
	switch {
	case err != nil:
	case s.open() != nil:
		err = s.open()
	case g.foreign():
		programs, err = g.foreignPrograms(s, dir)
	case s.dir == "":
		err = g.buildAll(ctx, s, g.root, dir, programs)
	default:
		err = g.buildSubmission(ctx, s, dir, programs)
	}
	if err == nil && len(programs) > 0 {
		err = g.check(ctx, i, s, dir, programs)
	}
	if err != nil {
		s.Trouble = oneLine(err.Error()) // it may name files
		for _, r := range s.Stages {
			r.State = notGraded
		}
	}
	s.addUp()
	os.RemoveAll(dir) // also the next one's space
}

// open looks whether a submission's folder can be read, so that it is not taken
// for an empty one, and is its own: a link may lead to another's work.
func (s *submission) open() error {
	if s.dir == "" {
		return nil
	}
	info, err := os.Lstat(s.dir)
	if err == nil && !info.IsDir() {
		return errors.New("it is a link: if that is right, grade the folder to which it leads")
	}
	if err == nil {
		_, err = os.ReadDir(s.dir)
	}
	return err
}

// foreignPrograms are those of -cmd, -client-cmd and -addr. What lies in the
// submission's folder is copied: the programs see the copy.
func (g *grader) foreignPrograms(s *submission, dir string) (map[int]golden.Program, error) {
	files := ""
	if s.dir != "" {
		files = filepath.Join(dir, "files")
		if err := os.Mkdir(files, 0o755); err != nil { // there may be nothing to copy
			return nil, err
		}
		left, err := kit.CopyFiles(files, onlyFolder(s.dir), func(string) bool { return true })
		if err != nil {
			return nil, err
		}
		s.leftOut(left)
	}
	programs := map[int]golden.Program{}
	for _, r := range s.Stages {
		p := golden.Program{Foreign: true, Addr: g.addr, Dir: files, Args: strings.Fields(g.command)}
		switch {
		case r.Stage == 3:
			p.Args, p.Addr = strings.Fields(g.clientCommand), ""
			p.Again = fmt.Sprintf(` -client-cmd "%s"`, g.clientCommand)
		case g.command == "":
			p.Again = " -addr " + g.addr
		default:
			p.Again = fmt.Sprintf(` -cmd "%s"`, g.command)
			if g.addr != "" {
				p.Again += " -addr " + g.addr
			}
		}
		if g.checks != "golden" {
			p.Again += " -checks " + g.checks
		}
		if s.dir != "." {
			p.Again += s.argument()
		}
		programs[r.Stage] = p
	}
	return programs, nil
}

// buildAll builds the stages of a workspace.
func (g *grader) buildAll(ctx context.Context, s *submission, root, dir string, programs map[int]golden.Program, env ...string) error {
	for _, r := range s.Stages {
		if r.State == graded {
			if err := build(ctx, r, root, dir, s.argument(), programs, env...); err != nil {
				return err
			}
		}
	}
	return nil
}

func build(ctx context.Context, r *stageResult, root, dir, again string, programs map[int]golden.Program, env ...string) error {
	folder := kit.Folder(r.Stage)
	program := filepath.Join(dir, folder+".exe") // Windows needs the ending, the others do not mind
	err := kit.Build(ctx, root, folder, program, false, env...)
	switch {
	case kit.IsBuildError(err):
		r.State, r.Problem = notBuilt, err.Error()
		r.fill(notRun(checksOf(r), notBuilt))
		return nil
	case err != nil:
		return err
	}
	programs[r.Stage] = golden.Program{Args: []string{program}, Again: again}
	return nil
}

// argument is a submission's folder as an argument of a command, which somebody
// may copy into a shell: a name that would mean more there is not given.
func (s *submission) argument() string {
	const means = "\"'`$;|<>*?!"
	switch {
	case strings.ContainsAny(s.dir, means) || oneLine(s.dir) != s.dir:
		return " FOLDER"
	case strings.ContainsAny(s.dir, " &()"):
		return ` "` + s.dir + `"`
	case s.dir != "":
		return " " + s.dir
	}
	return ""
}

func checksOf(r *stageResult) (list []golden.Check) {
	for _, c := range r.Results {
		list = append(list, c.Check)
	}
	return list
}

// buildSubmission builds the stages of a submission in a copy of the kit that
// has no stage source but the submission's. Stages 2 and 3 are built on its
// http1, and on the kit's if that does not build.
func (g *grader) buildSubmission(ctx context.Context, s *submission, dir string, programs map[int]golden.Program) error {
	from := inner(s.dir)
	src := filepath.Join(dir, "src")
	if err := g.layKit(src); err != nil {
		return err
	}
	for folder := range kit.Stages {
		switch info, err := os.Lstat(filepath.Join(from, folder)); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case !info.IsDir():
			s.Remarks = append(s.Remarks, folder+" is no folder, and was left out")
			continue
		}
		left, err := kit.CopyFiles(filepath.Join(src, folder), filepath.Join(from, folder), isSource)
		if err != nil {
			return err
		}
		for i := range left {
			left[i] = path.Join(folder, left[i])
		}
		s.leftOut(left)
	}
	s.reportChanges(g.root, from)

	env := []string{"GOWORK=off", "CGO_ENABLED=0", "GOFLAGS="}
	http1 := g.http1Builds(ctx, src, dir, env)
	for _, r := range s.Stages {
		folder := kit.Folder(r.Stage)
		if files, _ := filepath.Glob(filepath.Join(src, folder, "*.go")); len(files) == 0 {
			r.State = notSubmitted
			r.fill(notRun(checksOf(r), notSubmitted))
			continue
		}
		root := src
		if r.Stage > 1 && !http1 {
			var err error
			if root, err = g.withKitsHTTP1(src, dir, folder); err != nil {
				return err
			}
			s.Remarks = append(s.Remarks, fmt.Sprintf("stage %d was built on the kit's http1: the submission has none that builds", r.Stage))
		}
		if err := build(ctx, r, root, dir, s.argument(), programs, env...); err != nil {
			return err
		}
	}
	return nil
}

// isSource reports whether a file of a stage folder is taken over: regular Go
// files of the programs, and www. No tests, no assembly, no go.mod.
func isSource(name string) bool {
	return strings.HasPrefix(name, "www/") || strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
}

func (s *submission) leftOut(left []string) {
	if len(left) > 0 {
		s.Remarks = append(s.Remarks, "left out, as links, huge, or no files: "+some(left))
	}
}

// some lists the first of some names.
func some(names []string) string {
	const most = 5
	var first []string
	for _, name := range names[:min(most, len(names))] {
		first = append(first, oneLine(name))
	}
	list := strings.Join(first, ", ")
	if len(names) > most {
		list += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return list
}

// layKit writes the kit's module files: which modules a program is made of is
// the kit's to say.
func (g *grader) layKit(src string) error {
	for _, folder := range []string{".", kit.Folder(1), kit.Folder(2), kit.Folder(3)} {
		for _, name := range []string{"go.mod", "go.sum"} {
			if err := copyIfThere(filepath.Join(src, folder, name), filepath.Join(g.root, folder, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyIfThere(to, from string) error {
	data, err := os.ReadFile(from)
	if os.IsNotExist(err) {
		return nil
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err == nil {
		err = os.WriteFile(to, data, 0o644)
	}
	return err
}

// http1Builds reports whether the submission's http1 can be used.
func (g *grader) http1Builds(ctx context.Context, src, dir string, env []string) bool {
	return kit.Build(ctx, src, path.Join(kit.Folder(1), "http1"), filepath.Join(dir, "http1.a"), false, env...) == nil
}

// withKitsHTTP1 makes a copy of the source in which stage 1 is the kit's.
func (g *grader) withKitsHTTP1(src, dir, folder string) (string, error) {
	root := filepath.Join(dir, "on-kit")
	err := g.layKit(root)
	for _, c := range []struct{ from, folder string }{{g.root, kit.Folder(1)}, {src, folder}} {
		if err == nil {
			_, err = kit.CopyFiles(filepath.Join(root, c.folder), filepath.Join(c.from, c.folder), isSource)
		}
	}
	return root, err
}

// reportChanges remarks what the submission changed that is the kit's: it has
// no effect.
func (s *submission) reportChanges(kit, from string) {
	var changed []string
	filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(from, name)
		if err != nil || relErr != nil || len(changed) > 100 {
			return nil // what cannot be read is not graded either
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel != "." && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		base := path.Base(rel)
		kits := strings.HasPrefix(rel, "scripts/") || base == "go.mod" || base == "go.sum" || rel == "go.work" || base == "main_test.go"
		if !kits || !d.Type().IsRegular() {
			return nil
		}
		want, err := os.ReadFile(filepath.Join(kit, filepath.FromSlash(rel)))
		info, infoErr := d.Info()
		switch {
		case err != nil:
			changed = append(changed, rel+" (new)")
		case infoErr != nil || info.Size() != int64(len(want)):
			changed = append(changed, rel)
		default:
			if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
				changed = append(changed, rel)
			}
		}
		return nil
	})
	if len(changed) > 0 {
		s.Remarks = append(s.Remarks, "changed by the submission, and without effect: "+some(changed))
	}
}
