package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"weblab.example/scripts/internal/language"
)

// The command that starts a submission's server may be its own: that of its line in the
// file of -cmd @FILE, else that of its file run, else -cmd. A command that does not say
// which file it starts, or names one that is not there, gets the only one that listens.

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
	own, err := language.ReadRun(inner(s.dir, false))
	if err != nil || own != nil {
		return own, err
	}
	return strings.Fields(g.command), nil
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
