package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weblab.example/scripts/internal/kit"
)

// expand makes folders of the arguments. A pattern is expanded (not every
// shell does that), and so is a folder that holds submissions.
func expand(args []string, kit bool) (folders []string, err error) {
	for _, arg := range args {
		matches, err := filepath.Glob(arg)
		if err != nil || len(matches) == 0 {
			matches = []string{arg}
		}
		for _, folder := range matches {
			info, err := os.Stat(folder)
			switch {
			case err != nil:
				return nil, errors.New(oneLine(fmt.Sprintf("cannot open the submission %s: %v", folder, err)))
			case !info.IsDir() && len(matches) > 1:
				continue // a file beside the folders
			case !info.IsDir():
				return nil, errors.New(oneLine(folder) + " is no folder: unpack it first")
			case kit:
				folders = append(folders, submissionsIn(folder)...)
			default:
				folders = append(folders, folder)
			}
		}
	}
	if len(args) > 0 && len(folders) == 0 {
		return nil, errors.New("there is no submission in " + strings.Join(args, " "))
	}
	return folders, nil
}

// submissionsIn are the submissions in a folder: itself when it has a stage,
// or one level below; else those of its folders that have one.
func submissionsIn(dir string) []string {
	var below []string
	found := false
	for _, e := range visible(dir) { // what cannot be read will be found to have nothing
		sub := filepath.Join(dir, e.Name())
		if info, err := os.Stat(sub); err == nil && info.IsDir() { // or a link to one, to be told of and not graded
			below, found = append(below, sub), found || hasStage(inner(sub, true))
		}
	}
	if !found || hasStage(inner(dir, true)) {
		return []string{dir}
	}
	return below // also those that have none: they are submissions with nothing in them
}

// visible lists what is in a folder, but for what the system puts there: macOS
// puts __MACOSX into its zips.
func visible(dir string) []fs.DirEntry {
	entries, _ := os.ReadDir(dir)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return strings.HasPrefix(e.Name(), ".") || e.Name() == "__MACOSX"
	})
}

// inner is the folder that has the work, where a zip was unpacked into a folder of
// its own. Stages may have files beside that folder; other programs have none.
func inner(dir string, stages bool) string {
	if stages && hasStage(dir) {
		return dir
	}
	entries := visible(dir)
	if stages {
		entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !e.IsDir() })
	}
	if len(entries) == 1 && entries[0].IsDir() {
		return filepath.Join(dir, entries[0].Name())
	}
	return dir
}

func hasStage(dir string) bool {
	for folder := range kit.Stages {
		if info, err := os.Stat(filepath.Join(dir, folder)); err == nil && info.IsDir() {
			return true
		}
	}
	return false
}
