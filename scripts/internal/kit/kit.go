// Package kit knows this workspace: where it is, how its stages are called, and
// how one is built:
//
//	Find -> the root -> Build (go list: what may it import? go build) -> a program
package kit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"weblab.example/scripts/internal/launch"
	"weblab.example/scripts/internal/term"
)

// Stages are the folders of the stages and their numbers.
var Stages = map[string]int{
	"stage1-single":     1,
	"stage2-concurrent": 2,
	"stage3-client":     3,
}

// Folder is the folder of a stage, by its number.
func Folder(stage int) string {
	for folder, number := range Stages {
		if number == stage {
			return folder
		}
	}
	return ""
}

// ParseStages reads a list of stages, such as "1,3".
func ParseStages(list string) (stages []int, err error) {
	for number := range strings.SplitSeq(list, ",") {
		stage, err := strconv.Atoi(number)
		if err != nil || Folder(stage) == "" || slices.Contains(stages, stage) {
			return nil, fmt.Errorf("-stages is a list of some of 1, 2 and 3, such as 1,2, not %q", list)
		}
		stages = append(stages, stage)
	}
	return stages, nil
}

// Find looks for the kit, this workspace, in the working directory and above.
func Find() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module weblab.example\n") {
			return dir, nil
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", errors.New("the kit is not here or above: run this inside of it")
		}
		dir = above
	}
}

// banned are packages that a stage may not be made of, each with what it does.
// One that ends in a slash is all packages below it.
var banned = map[string]string{
	"C":                       "is code in another language",
	"embed":                   "brings answers along",
	"golang.org/x/net/":       "speaks HTTP",
	"mime/multipart":          "reads header fields",
	"net/http":                "speaks HTTP",
	"net/http/":               "speaks HTTP",
	"net/mail":                "reads header fields",
	"net/rpc":                 "speaks HTTP",
	"net/rpc/":                "speaks HTTP",
	"net/smtp":                "reads header fields",
	"net/textproto":           "reads header fields",
	"expvar":                  "speaks HTTP",
	"os/exec":                 "starts other programs",
	"plugin":                  "loads other programs",
	"testing":                 "is for tests",
	"weblab.example/scripts/": "is the checks",
}

// errBuild is what is wrong with the source of a stage.
type errBuild string

func (e errBuild) Error() string { return string(e) }

// IsBuildError tells an error of the stage's source from other trouble.
func IsBuildError(err error) bool { return errors.As(err, new(errBuild)) }

// Build builds a stage in the workspace or module at root and returns the
// program. It looks at the build's own list of packages first: none of those
// that do the student's work may be in it. Env is added to the environment.
func Build(ctx context.Context, root, stage, program string, race bool, env ...string) error {
	const most = 3 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	run := func(args ...string) (string, error) {
		cmd := launch.Command(ctx, "go", args...)
		cmd.Dir = filepath.Join(root, stage)
		cmd.Env = append(os.Environ(), env...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		switch {
		case ctx.Err() != nil:
			return "", errBuild(fmt.Sprintf("%s could not be built within %v", stage, most))
		case errors.As(err, new(*exec.ExitError)):
			return "", errBuild(fmt.Sprintf("%s could not be built:\n%s", stage, firstLines(stderr.Bytes(), 10)))
		case err != nil:
			return "", err
		}
		return stdout.String(), nil
	}
	out, err := run("list", "-deps", "-e", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, ".")
	if err != nil {
		return err
	}
	if err := checkImports(out); err != nil {
		return err
	}
	args := []string{"build", "-o", program}
	if race {
		args = append(args, "-race")
	}
	_, err = run(append(args, ".")...)
	return err
}

// checkImports looks for banned packages in what go list prints: in each line
// a package, and those that it imports. What the student imports is named first. The
// standard library's own imports are its own business, unless they bring one in: so the
// whole list counts.
func checkImports(list string) error {
	for _, student := range []bool{true, false} {
		for line := range strings.Lines(list) {
			words := strings.Fields(line)
			if len(words) == 0 || strings.HasPrefix(words[0], "weblab.example/") != student {
				continue
			}
			for _, name := range words[1:] {
				for bad, does := range banned {
					is := name == bad || strings.HasSuffix(bad, "/") && strings.HasPrefix(name, bad)
					if is && (student || name != "C") {
						return errBuild(fmt.Sprintf("%s may not be used: %s imports it, and it %s. That is the student's work", name, words[0], does))
					}
				}
			}
		}
	}
	return nil
}

// firstLines is the beginning of what a compiler says.
func firstLines(out []byte, n int) string {
	lines := slices.Collect(bytes.Lines(bytes.TrimSpace(out)))
	text := string(bytes.Join(lines[:min(n, len(lines))], nil))
	if len(lines) > n {
		text += fmt.Sprintf("... and %d lines more\n", len(lines)-n)
	}
	return term.Visible(strings.TrimSpace(text[:min(len(text), 4000)]))
}
