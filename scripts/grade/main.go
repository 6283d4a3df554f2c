// Grade runs the kit's checks and says what they found: on this workspace, on
// folders of submissions, or on any program on a port.
//
//	go run ./scripts/grade
//	go run ./scripts/grade -out reports submissions/*
//	go run ./scripts/grade -cmd 'python3 WebServer.py {port}' -checks textbook alice bob
//	go run ./scripts/grade -addr localhost:6789 -only hello
//
// In reading order: main.go (what is asked for), submission.go (from a folder
// to programs), worker.go and confine_*.go (a process for each submission),
// sheet.go and gradescope.go (what is told), watch.go.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
)

// Exit statuses.
const (
	allPassed  = 0
	someFailed = 1
	trouble    = 2 // wrong use, or the grader's own trouble
)

// A grader is what the command line asks for.
type grader struct {
	command, clientCommand string // of programs in any language
	addr                   string
	checks                 string // golden or textbook
	format                 string
	out                    string // directory of the full reports
	only                   string
	level                  golden.Level // and those before it
	seed                   uint64
	stages                 []int
	atOnce                 int
	watch                  bool
	folders                []string

	root       string     // of the kit
	temp       string     // removed at the end
	self       string     // this program, where an unprivileged user may start it
	protection protection // of the programs
	stderr     io.Writer
}

// errUse is wrong use of the command line.
type errUse string

func (e errUse) Error() string { return string(e) }

func main() {
	if os.Getenv(workerEnv) != "" {
		work()
		return
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	g, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return allPassed
	}
	var status int
	if err == nil {
		status, err = g.grade(ctx, stdout)
	}
	if ctx.Err() != nil && (g == nil || !g.watch) { // -watch ends in no other way
		err = errors.New("interrupted")
	}
	if err != nil {
		show(stderr, fmt.Sprintf("grade: %v\n", err)) // an error here has nowhere to go
		return trouble
	}
	return status
}

// parse reads the command line.
func parse(args []string, stderr io.Writer) (*grader, error) {
	g := &grader{stderr: stderr}
	flags := flag.NewFlagSet("grade", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: go run ./scripts/grade [flags] [SUBMISSION ...]\nWithout a folder it grades this workspace.")
		flags.PrintDefaults()
	}
	flags.StringVar(&g.command, "cmd", "", "`command` that starts a server in any language, in each folder; {port} and {root} are replaced")
	flags.StringVar(&g.clientCommand, "client-cmd", "", "`command` that starts a client; {host}, {port} and {file} are replaced")
	flags.StringVar(&g.addr, "addr", "", "`host:port` where such a server listens; without -cmd one that runs already, on the files of scripts/golden/site")
	flags.StringVar(&g.checks, "checks", "golden", "golden (byte for byte) or textbook (status and body)")
	flags.StringVar(&g.format, "format", "table", "table, json, csv or gradescope")
	flags.StringVar(&g.out, "out", "", "`directory` for each submission's full report")
	flags.StringVar(&g.only, "only", "", "run one `check` (or step) alone, such as hello or 1.6")
	level := flags.String("level", "", "core, protocol (and core) or strict (and both): what is above the `level` is not run and not counted (default strict)")
	flags.Uint64Var(&g.seed, "seed", 0, "make the files that nobody can know before from this `number` again; 0 picks one")
	stages := flags.String("stages", "", "the stages to grade, such as 1,2 (default all; with -cmd or -addr 1, with -client-cmd 3)")
	flags.IntVar(&g.atOnce, "j", runtime.NumCPU(), "how many `submissions` at once")
	flags.BoolVar(&g.watch, "watch", false, "grade again whenever a file of the workspace changes")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, errUse("-h lists the flags") // what is wrong has been said
	}
	switch {
	case g.checks != "golden" && g.checks != "textbook":
		return nil, errUse(fmt.Sprintf("-checks is golden or textbook, not %q", g.checks))
	case *level != "" && g.checks == "textbook":
		return nil, errUse("the textbook's checks have no levels: -level is for -checks golden")
	case *level != "" && !slices.Contains(golden.Levels, golden.Level(*level)):
		return nil, errUse(fmt.Sprintf("-level is core, protocol or strict, not %q", *level))
	case !slices.Contains([]string{"table", "json", "csv", "gradescope"}, g.format):
		return nil, errUse(fmt.Sprintf("-format is table, json, csv or gradescope, not %q", g.format))
	case g.atOnce < 1:
		return nil, errUse("-j must be at least 1")
	case g.clientCommand != "" && !strings.Contains(g.clientCommand, "{file}"):
		return nil, errUse("-client-cmd has {host}, {port} and {file} where the client takes them")
	case strings.ContainsAny(g.command+g.clientCommand, `"'`):
		return nil, errUse("-cmd and -client-cmd are words with spaces between them: quotes mean nothing there")
	case g.command != "" && g.addr == "" && !strings.Contains(g.command, "{port}"):
		return nil, errUse("-cmd without {port} needs -addr: where does the server listen?")
	case g.watch && (g.foreign() || flags.NArg() > 0 || g.format != "table" || g.out != ""):
		return nil, errUse("-watch is for this workspace, in the terminal: it goes with -stages, -only, -level, -checks and -seed")
	case g.addr != "" && g.command == "" && flags.NArg() > 0:
		return nil, errUse("-addr without -cmd is a server that runs already: it has no folder")
	}
	if g.addr != "" {
		if _, port, ok := strings.Cut(g.addr, ":"); !ok || port == "" {
			return nil, errUse(fmt.Sprintf("-addr is host:port, such as localhost:6789, not %q", g.addr))
		}
	}
	g.level = cmp.Or(golden.Level(*level), golden.Strict)
	var err error
	if g.stages, err = g.parseStages(*stages); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(g.stages, func(n int) bool { return len(g.list(n)) > 0 }) {
		return nil, errUse(fmt.Sprintf("no check and no step of what is graded is called %q; go test -v ./... lists them", g.only))
	}
	if g.root, err = kit.Find(); err != nil {
		return nil, err
	}
	if g.folders, err = expand(flags.Args(), !g.foreign()); err != nil {
		return nil, err
	}
	if g.format == "gradescope" && len(g.folders) > 1 {
		return nil, errUse("-format gradescope is the result of one submission")
	}
	for g.seed == 0 {
		g.seed = uint64(rand.Uint32())
	}
	return g, nil
}

// foreign reports whether programs in any language are graded.
func (g *grader) foreign() bool { return g.command != "" || g.clientCommand != "" || g.addr != "" }

func (g *grader) parseStages(list string) (stages []int, err error) {
	server := g.command != "" || g.addr != ""
	switch {
	case list != "":
		for word := range strings.SplitSeq(list, ",") {
			n, err := strconv.Atoi(strings.TrimSpace(word))
			if err != nil || n < 1 || n > 3 || slices.Contains(stages, n) {
				return nil, errUse(fmt.Sprintf("-stages lists some of 1, 2 and 3, such as 1,2, not %q", list))
			}
			if n < 3 && !server && g.foreign() || n == 3 && g.clientCommand == "" && g.foreign() {
				return nil, errUse(fmt.Sprintf("there is no program for stage %d: -cmd or -addr is for the servers, -client-cmd for stage 3", n))
			}
			stages = append(stages, n)
		}
		return stages, nil
	case !g.foreign():
		return []int{1, 2, 3}, nil
	case server && g.checks == "textbook":
		stages = []int{1, 2} // one program: its server, and its threads
	case server:
		stages = []int{1}
	}
	if g.clientCommand != "" {
		stages = append(stages, 3)
	}
	return stages, nil
}

// list is the checks of a stage that are asked for.
func (g *grader) list(stage int) []golden.Check { return checks(g.checks, stage, g.only, g.level) }

func checks(kind string, stage int, only string, level golden.Level) []golden.Check {
	list := golden.Checks(stage)
	if kind == "textbook" {
		list = golden.Textbook(stage)
	}
	return slices.DeleteFunc(list, func(c golden.Check) bool {
		return only != "" && c.Name != only && c.Step != only || !level.Has(golden.StepOf(c.Step).Level)
	})
}

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
				return nil, errUse(oneLine(fmt.Sprintf("cannot open the submission %s: %v", folder, err)))
			case !info.IsDir() && len(matches) > 1:
				continue // a file beside the folders
			case !info.IsDir():
				return nil, errUse(oneLine(folder) + " is no folder: unpack it first")
			case kit:
				folders = append(folders, submissionsIn(folder)...)
			default:
				folders = append(folders, folder)
			}
		}
	}
	if len(args) > 0 && len(folders) == 0 {
		return nil, errUse("there is no submission in " + strings.Join(args, " "))
	}
	return folders, nil
}

// grade grades what is asked for and prints the sheet.
func (g *grader) grade(ctx context.Context, stdout io.Writer) (int, error) {
	var err error
	if g.temp, err = os.MkdirTemp("", "weblab-grade-"); err != nil {
		return trouble, err
	}
	defer os.RemoveAll(g.temp)
	if g.watch {
		return allPassed, g.watchWorkspace(ctx, stdout)
	}
	subs := g.submissions()
	if err := g.gradeAll(ctx, subs); err != nil {
		return trouble, err
	}
	if g.out != "" {
		if err := g.writeReports(subs); err != nil {
			return trouble, err
		}
	}
	if s := subs[0]; g.format == "gradescope" && s.Trouble != "" {
		return trouble, fmt.Errorf("%s was not graded: %s", s.Name, s.Trouble) // a result would be a zero
	}
	if err := g.print(stdout, subs); err != nil {
		return trouble, err
	}
	status := allPassed
	for _, s := range subs {
		switch {
		case s.Trouble != "":
			show(g.stderr, fmt.Sprintf("grade: %s was not graded: %s\n", s.Name, s.Trouble)) // it is in the sheet, too
			status = trouble
		case !s.passed() && status == allPassed:
			status = someFailed
		}
	}
	return status, nil
}

// gradeAll grades the submissions, some at once.
func (g *grader) gradeAll(ctx context.Context, subs []*submission) error {
	if len(g.folders) > 0 || g.foreign() {
		if err := g.prepareWorkers(ctx); err != nil {
			return err
		}
	}
	bar := newBar(g.stderr, len(subs))
	var all errgroup.Group
	all.SetLimit(g.atOnce)
	if g.command != "" && !strings.Contains(g.command, "{port}") {
		all.SetLimit(1) // they all listen on the same port
	}
	for i, s := range subs {
		all.Go(func() error {
			start := time.Now()
			g.gradeOne(ctx, i, s)
			s.Seconds = time.Since(start).Round(100 * time.Millisecond).Seconds()
			bar.step(s.Name)
			return ctx.Err()
		})
	}
	err := all.Wait()
	bar.end()
	return err
}
