package main

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing/fstest"

	"weblab.example/scripts/internal/kit"
)

// notForStudents are files and folders that do not belong into the copy, in the
// language of .gitignore.
const notForStudents = `
/.git
/.ci
/.github/workflows
/scripts/gradescope
/scripts/golden/museum
/scripts/handout
/scripts/internal/hostile
/scripts/internal/notes
instructors*.md
# What fuzz tests have found is for who works on the kit.
fuzz
`

// writeCopy writes the kit at root to dir, with gaps for the steps that are
// open, and returns these. Every file is looked at before the first is written.
func writeCopy(root, dir string, open func(step string) bool) (all []gap, err error) {
	if err := checkEmpty(root, dir); err != nil {
		return nil, err
	}
	ignore, _ := os.ReadFile(filepath.Join(root, ".gitignore")) // one that cannot be read cannot be copied, either
	files := fstest.MapFS{}
	err = fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case leftOut(notForStudents+string(ignore), name) && d.IsDir():
			return fs.SkipDir
		case leftOut(notForStudents+string(ignore), name) || !d.Type().IsRegular():
			return nil
		}
		src, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil || path.Ext(name) == ".go" && needsKit(src) {
			return err
		}
		if path.Ext(name) == ".go" && inStage(name) {
			var gaps []gap
			if src, gaps, err = cutGaps(name, src, open); err != nil {
				return err
			}
			all = append(all, gaps...)
		}
		files[name] = &fstest.MapFile{Data: src}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, os.CopyFS(dir, files)
}

// leftOut reports whether a file or folder is not for students: a pattern names it, by
// its path from the root ("/stage1-single/stage1-single") or by its last element
// ("*.exe"), which is all of git's language that is understood here. Of a stage's tests
// students get main_test.go, which runs the checks: the others test single functions,
// and give their bodies away.
func leftOut(patterns, name string) bool {
	base := path.Base(name)
	for pattern := range strings.Lines(patterns) {
		pattern = strings.TrimSuffix(strings.TrimSpace(pattern), "/")
		of := base
		if strings.HasPrefix(pattern, "/") {
			of = "/" + name
		}
		if ok, err := path.Match(pattern, of); ok && err == nil { // no name begins as a comment does
			return true
		}
	}
	return inStage(name) && (base == "testdata" || strings.HasSuffix(base, "_test.go") && base != "main_test.go")
}

func inStage(name string) bool {
	folder, _, _ := strings.Cut(name, "/")
	return kit.Stages[folder] != 0
}

var tagKit = regexp.MustCompile(`(?m)^//go:build .*\bkit\b`)

// needsKit reports whether a Go file is built only with the tag kit, as tests
// of the kit itself are.
func needsKit(src []byte) bool {
	head, _, _ := bytes.Cut(append([]byte("\n"), src...), []byte("\npackage "))
	return tagKit.Match(head)
}
