package main

import (
	"errors"
	"go/build/constraint"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"weblab.example/scripts/internal/kit"
)

// notForStudents are files and folders that do not belong into the copy.
var notForStudents = []string{".git", ".ci", ".github/workflows", "scripts/handout", "scripts/gradescope", "scripts/internal/hostile"}

// writeCopy writes the kit at root to dir, with gaps for the steps that are
// open, and returns these. Every file is looked at before the first is written.
func writeCopy(root, dir string, open func(step string) bool) ([]gap, error) {
	if err := checkEmpty(root, dir); err != nil {
		return nil, err
	}
	ignore, err := os.ReadFile(filepath.Join(root, ".gitignore"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []gap
	files := map[string][]byte{} // by name, with slashes
	err = fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case leftOut(name) || ignored(string(ignore), name):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular():
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
		files[name] = src
		return nil
	})
	if err != nil {
		return nil, err
	}
	for name, src := range files {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(to, src, 0o644); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// leftOut reports whether a file or folder is not for students. Of a stage's
// tests they get main_test.go, which runs the checks: the others test single
// functions, and give their bodies away.
func leftOut(name string) bool {
	base := path.Base(name)
	switch {
	case slices.Contains(notForStudents, name):
		return true
	case strings.HasPrefix(name, "lab-notes/") && strings.HasPrefix(base, "instructors"):
		return true
	case strings.HasSuffix("/"+name, "/testdata/fuzz"): // what fuzz tests have found: for who works on the kit
		return true
	case inStage(name):
		return base == "testdata" || strings.HasSuffix(base, "_test.go") && base != "main_test.go"
	}
	return false
}

func inStage(name string) bool {
	folder, _, _ := strings.Cut(name, "/")
	return kit.Stages[folder] != 0
}

// ignored reports whether .gitignore names a file or folder, by its path from
// the root ("/stage1-single/stage1-single") or by its last element ("*.exe").
// That is all of git's language that this .gitignore uses.
func ignored(patterns, name string) bool {
	for pattern := range strings.Lines(patterns) {
		pattern = strings.TrimSuffix(strings.TrimSpace(pattern), "/")
		if pattern == "" || pattern[0] == '#' {
			continue
		}
		of := path.Base(name)
		if pattern[0] == '/' {
			of = "/" + name
		}
		if ok, err := path.Match(pattern, of); ok && err == nil {
			return true
		}
	}
	return false
}

// needsKit reports whether a Go file is built only with the tag kit, as tests
// of the kit itself are.
func needsKit(src []byte) (needs bool) {
	for line := range strings.Lines(string(src)) {
		if strings.HasPrefix(line, "package ") {
			break
		}
		if expr, err := constraint.Parse(strings.TrimSpace(line)); err == nil {
			expr.Eval(func(tag string) bool { // which asks for every tag there is
				needs = needs || tag == "kit"
				return false
			})
		}
	}
	return needs
}
