package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"weblab.example/scripts/golden"
)

// The command that starts a submission's server may be its own: that of its line in the
// file of -cmd @FILE, else that of its file run, else -cmd. A command that does not say
// which file it starts, or names one that is not there, gets the only one that listens.

// runFile is a file of a submission's folder with its command in the first line.
const runFile = "run"

// readCommands reads the file of -cmd @FILE: lines of NAME,COMMAND.
func (g *grader) readCommands() error {
	name, is := strings.CutPrefix(g.command, "@")
	if !is {
		return nil
	}
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("-cmd @FILE is a file of lines NAME,COMMAND: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	lines := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))) // which spreadsheets write
	if !bytes.Contains(text, []byte(",")) {
		lines.Comma = ';'
	}
	lines.FieldsPerRecord, lines.TrimLeadingSpace = 2, true
	all, err := lines.ReadAll()
	if err != nil {
		return fmt.Errorf("%s has lines NAME,COMMAND: %w", name, err)
	}
	g.commands = map[string]string{}
	for i, line := range all {
		if len(strings.Fields(line[1])) == 0 || strings.ContainsAny(line[1], `"'`) {
			return fmt.Errorf("%s, line %d: a command is words with spaces between them, without quotes, not %q", name, i+1, line[1])
		}
		g.commands[line[0]] = line[1]
	}
	return nil
}

// commandOf is the command that starts a submission's server.
func (g *grader) commandOf(s *submission) ([]string, error) {
	if g.commands != nil {
		abs, err := filepath.Abs(s.dir)
		command := g.commands[filepath.Base(abs)]
		if err == nil && command == "" {
			err = fmt.Errorf("there is no line for it in %s", filepath.Base(g.command[1:]))
		}
		return strings.Fields(command), err
	}
	if s.dir == "" || g.command == "" {
		return strings.Fields(g.command), nil
	}
	own, err := readRun(filepath.Join(inner(s.dir, false), runFile))
	if err != nil || own != nil {
		return own, err
	}
	return strings.Fields(g.command), nil
}

// readRun reads the command in a file run; nil if there is none.
func readRun(name string) ([]string, error) {
	const most = 4 << 10 // bytes
	info, err := os.Lstat(name)
	if err != nil || info.IsDir() {
		return nil, nil // a folder of that name means nothing
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, errors.New("its file run is no regular file of at most 4 kB: its first line is the command that starts the server")
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most))
	line, _, _ := strings.Cut(string(text), "\n")
	words := strings.Fields(strings.TrimPrefix(line, "\ufeff"))
	if err == nil && (len(words) == 0 || strings.HasPrefix(words[0], "#") || strings.ContainsAny(line, "\"'")) {
		err = fmt.Errorf("the first line of its file run is no command, as python3 WebServer.py {port} without quotes, but %.60q", line)
	}
	return words, err
}

// tools are the programs of the system that the instructor's commands start. Submissions
// have no say in it: where only the grader's own id can start one, all programs get that id.
func (g *grader) tools() (names []string) {
	for _, command := range append(slices.Collect(maps.Values(g.commands)), g.command, g.clientCommand) {
		if words := strings.Fields(command); len(words) > 0 {
			names = append(names, words[0])
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		_, err := exec.LookPath(name) // one that is not there, or is the submission's, no id can start
		return err != nil || !filepath.IsAbs(name) && strings.Contains(name, "/")
	})
}

var aTest = regexp.MustCompile(`(?i)^tests?[_.-]|[_.-]tests?\.|Tests?\.java$`)

// withMain fills in {main} in a command, and what to do where a file that it names is not
// there. files is the copy of the submission.
func (s *submission) withMain(words []string, files string) ([]string, error) {
	if len(words) == 0 {
		return words, nil
	}
	speaks, known := golden.LanguageOf(words[0])
	if known && len(words) == 1 {
		words = append(words, "{main}", "{port}")
	}
	at, gone := slices.IndexFunc(words, func(w string) bool { return strings.Contains(w, "{main}") }), ""
	switch {
	case !known && at >= 0:
		return nil, fmt.Errorf("{main} is for the commands python3, node, java, go and tcc, not for %s: name the file", words[0])
	case !known:
		return words, nil
	case at < 0:
		if at = slices.Index(words, missingFile(words, files)); at < 0 {
			return words, nil
		}
		gone = "there is no " + words[at] + " in it, and "
	}
	switch found := mainFiles(files, speaks); {
	case len(found) == 0:
		return nil, fmt.Errorf("%sno %s file of it listens on a port, as far as that can be seen: name the file in -cmd, or in a file run in its folder", gone, speaks.Ending)
	case len(found) > 1:
		return nil, fmt.Errorf("%sthese listen on a port: %s. Say which is the server, in a file run in its folder: %s %s {port}", gone, strings.Join(found, ", "), words[0], found[0])
	default:
		if gone != "" {
			s.remark(gone+"only one listens on a port, which was started: ", found)
			words[at] = "{main}"
		}
		words[at] = strings.ReplaceAll(words[at], "{main}", found[0])
		return words, nil
	}
}

// missingFile is the file that a command starts, if it is not there, or "".
func missingFile(words []string, files string) string {
	speaks, known := golden.LanguageOf(words[0])
	at := slices.IndexFunc(words, func(w string) bool { return strings.HasSuffix(w, speaks.Ending) })
	if !known || at < 0 {
		return ""
	}
	if _, err := os.Lstat(filepath.Join(files, words[at])); filepath.IsAbs(words[at]) || !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return words[at]
}

// mainFiles are the files in a language that listen on a port, without tests.
func mainFiles(files string, in golden.Language) (found []string) {
	const most = 1 << 20                                                        // bytes of a file that somebody has written
	const enough = 5                                                            // to say that there are several
	filepath.WalkDir(files, func(name string, d fs.DirEntry, err error) error { // what cannot be read is not found
		switch {
		case err != nil || d.Name() == "__MACOSX" || d.Name() == "node_modules":
			return fs.SkipDir
		case !d.Type().IsRegular() || filepath.Ext(name) != in.Ending || aTest.MatchString(d.Name()):
			return nil
		}
		if info, err := d.Info(); err != nil || info.Size() > most {
			return nil
		}
		if text, err := os.ReadFile(name); err == nil && in.Listens.Match(text) {
			rel, _ := filepath.Rel(files, name) // it is below
			if found = append(found, filepath.ToSlash(rel)); len(found) == enough {
				return fs.SkipAll
			}
		}
		return nil
	})
	return found
}
