package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/language"
)

// gradeOne builds what there is to build and has it checked.
func (g *grader) gradeOne(ctx context.Context, i int, s *submission) {
	dir := filepath.Join(g.temp, fmt.Sprint(i))
	defer os.RemoveAll(dir)                               // also the next one's space
	err := os.MkdirAll(filepath.Join(dir, "work"), 0o755) // which the worker gets
	if err == nil {
		err = g.findPrograms(ctx, s, dir)
	}
	if err == nil {
		err = g.check(ctx, i, s, dir)
	}
	if err != nil {
		s.Trouble = oneLine(err.Error()) // it may name files
		for _, r := range s.Stages {
			r.State = notGraded
		}
	}
	s.addUp()
}

// findPrograms fills in the programs of a submission's stages. It looks first whether the
// folder can be read, so that it is not taken for an empty one, and is the submission's
// own: a link may lead to another's work.
func (g *grader) findPrograms(ctx context.Context, s *submission, dir string) error {
	if s.dir != "" {
		if info, err := os.Lstat(s.dir); err != nil {
			return err
		} else if !info.IsDir() {
			return errors.New("it is a link: if that is right, grade the folder to which it leads")
		}
		if _, err := os.ReadDir(s.dir); err != nil {
			return err
		}
	}
	switch {
	case g.foreign():
		return g.foreignPrograms(s, dir)
	case s.dir != "":
		return g.buildSubmission(ctx, s, dir)
	}
	for _, r := range s.Stages {
		if err := g.build(ctx, s, r, g.root, dir); err != nil {
			return err
		}
	}
	return nil
}

// foreignPrograms are those of -cmd, -client-cmd and -addr. What lies in the
// submission's folder is copied: the programs see the copy.
func (g *grader) foreignPrograms(s *submission, dir string) error {
	files := ""
	if s.dir != "" {
		files = filepath.Join(dir, "files")
		if err := os.Mkdir(files, 0o755); err != nil { // there may be nothing to copy
			return err
		}
		if err := s.copy(files, inner(s.dir, false), "", func(string) bool { return true }); err != nil {
			return err
		}
	}
	server, err := g.commandOf(s)
	if err != nil {
		return err
	}
	server, found, err := language.WithMain(server, files)
	if err != nil {
		return err
	}
	if found != "" {
		s.Remarks = append(s.Remarks, oneLine(found))
	}
	for _, r := range s.Stages {
		r.program = golden.Program{Foreign: true, Args: server, Addr: g.addr, Dir: files, Again: g.again + s.argument()}
		if r.Stage == 3 {
			r.program.Args, r.program.Addr = strings.Fields(g.clientCommand), ""
			if language.Missing(r.program.Args, files) != "" {
				r.State = notSubmitted
				r.notRun(notSubmitted)
			}
		}
	}
	return nil
}

// argument is a submission's folder as an argument of a command, which somebody
// may copy into a shell: a name that would mean more there is not given.
func (s *submission) argument() string {
	switch {
	case s.dir == "":
		return ""
	case strings.ContainsAny(s.dir, "\"'`$;|<>*?!") || oneLine(s.dir) != s.dir:
		return " FOLDER"
	}
	return " " + quoted(s.dir)
}

// copy copies what is wanted of a folder of a submission, and remarks what cannot be.
func (s *submission) copy(to, from, folder string, keep func(name string) bool) error {
	left, err := kit.CopyFiles(filepath.Join(to, folder), filepath.Join(from, folder), keep)
	for i := range left {
		left[i] = path.Join(folder, left[i])
	}
	s.remark("left out, as links, huge, or no files: ", left)
	return err
}

// remark remarks something about files, if there are any, and names the first of them.
func (s *submission) remark(what string, files []string) {
	const most = 5
	if len(files) == 0 {
		return
	}
	var first []string
	for _, name := range files[:min(most, len(files))] {
		first = append(first, oneLine(name))
	}
	what += strings.Join(first, ", ")
	if len(files) > most {
		what += fmt.Sprintf(" and %d more", len(files)-most)
	}
	s.Remarks = append(s.Remarks, what)
}

// build builds a stage. That its source is wrong is a result, and no error.
func (g *grader) build(ctx context.Context, s *submission, r *stageResult, root, dir string, env ...string) error {
	folder := kit.Folder(r.Stage)
	program := filepath.Join(dir, folder+".exe") // Windows needs the ending, the others do not mind
	err := kit.Build(ctx, root, folder, program, false, env...)
	if kit.IsBuildError(err) && ctx.Err() == nil {
		r.State, r.Problem = notBuilt, err.Error()
		r.notRun(notBuilt)
		return nil
	}
	r.program = golden.Program{Args: []string{program}, Again: g.again + s.argument()}
	return err
}

// buildSubmission builds the stages of a submission in a copy of the kit that has no stage
// source but the submission's. Stages 2 and 3 are built on its http1, and on the kit's
// stage 1 if that does not build.
func (g *grader) buildSubmission(ctx context.Context, s *submission, dir string) error {
	src := filepath.Join(dir, "src")
	if err := g.copySource(s, src); err != nil {
		return err
	}
	env := []string{"GOWORK=off", "CGO_ENABLED=0", "GOFLAGS="}
	http1 := sync.OnceValue(func() bool { // not everybody hands in a stage that needs it
		return kit.Build(ctx, src, path.Join(kit.Folder(1), "http1"), filepath.Join(dir, "http1.a"), false, env...) == nil
	})
	for _, r := range slices.SortedFunc(slices.Values(s.Stages), func(a, b *stageResult) int { return a.Stage - b.Stage }) {
		if files, _ := filepath.Glob(filepath.Join(src, kit.Folder(r.Stage), "*.go")); len(files) == 0 {
			r.State = notSubmitted
			r.notRun(notSubmitted)
			continue
		}
		if r.Stage > 1 && !http1() { // stage 1 itself has been built
			stage1 := filepath.Join(src, kit.Folder(1))
			if err := os.RemoveAll(stage1); err != nil {
				return err
			}
			if _, err := kit.CopyFiles(stage1, filepath.Join(g.root, kit.Folder(1)), isKits); err != nil {
				return err
			}
			s.Remarks = append(s.Remarks, fmt.Sprintf("stage %d was built on the kit's http1: the submission has none that builds", r.Stage))
		}
		if err := g.build(ctx, s, r, src, dir, env...); err != nil {
			return err
		}
	}
	return nil
}

// copySource copies the kit's module files, and the stages of a submission.
func (g *grader) copySource(s *submission, src string) error {
	from := inner(s.dir, true)
	for n := range 3 {
		folder := kit.Folder(n + 1)
		if _, err := kit.CopyFiles(filepath.Join(src, folder), filepath.Join(g.root, folder), isModule); err != nil {
			return err
		}
		switch info, err := os.Lstat(filepath.Join(from, folder)); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case !info.IsDir():
			s.Remarks = append(s.Remarks, folder+" is no folder, and was left out")
		default:
			if err := s.copy(src, from, folder, isSource); err != nil {
				return err
			}
		}
	}
	s.remark("changed by the submission, and without effect: ", changedFiles(from, g.root))
	module, err := os.ReadFile(filepath.Join(g.root, "go.mod")) // which the stages' name for their tests
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(src, "go.mod"), module, 0o644)
}

// isSource reports whether a file of a stage folder is taken over: regular Go
// files of the programs, and www. No tests, no assembly, no go.mod.
func isSource(name string) bool {
	return strings.HasPrefix(name, "www/") || strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
}

// isModule reports whether a file says of which modules a program is made. That is the
// kit's to say.
func isModule(name string) bool { return path.Base(name) == "go.mod" || path.Base(name) == "go.sum" }

func isKits(name string) bool { return isSource(name) || isModule(name) }

// changedFiles lists what a submission has changed that is the kit's to say: it has no effect.
func changedFiles(from, root string) (changed []string) {
	kit.CopyFiles("", from, func(name string) bool { // nothing is copied; what cannot be read is not graded either
		if len(changed) > 100 || !strings.HasPrefix(name, "scripts/") && !isModule(name) && name != "go.work" && path.Base(name) != "main_test.go" {
			return false
		}
		own := filepath.Join(from, filepath.FromSlash(name))
		info, err := os.Lstat(own)
		if err != nil || !info.Mode().IsRegular() {
			return false
		}
		want, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			changed = append(changed, name+" (new)")
		} else if info.Size() != int64(len(want)) || !holds(own, want) { // it may be huge
			changed = append(changed, name)
		}
		return false
	})
	return changed
}

func holds(name string, want []byte) bool {
	got, err := os.ReadFile(name)
	return err == nil && bytes.Equal(got, want)
}
