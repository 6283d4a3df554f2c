// Grade runs the kit's checks and says what they found: on this workspace, on
// folders of submissions, or on any program on a port.
//
//	go run ./scripts/grade
//	go run ./scripts/grade -out reports submissions/*
//	go run ./scripts/grade -cmd 'python3 WebServer.py {port}' -checks textbook alice bob
//	go run ./scripts/grade -addr localhost:6789 -only hello
//
// One direction, and a file or two for each line:
//
//	flags -> a selection of checks, folders                      main.go, folders.go
//	folder -> copy -> programs                                   submission.go
//	programs -> worker, a process of few rights -> golden.Grade  worker.go, confine_linux.go
//	results -> rows, one for each step                           rows.go
//	rows -> report, table, json, csv, gradescope                 report.go, formats.go
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/launch"
	"weblab.example/scripts/internal/term"
)

// Exit statuses.
const (
	allPassed  = 0
	someFailed = 1
	trouble    = 2 // wrong use, or the grader's own trouble
)

// A selection says which checks are run. Workers get it, too.
type selection struct {
	Checks string       // golden or textbook
	Only   string       // a check or a step; "" is all
	Level  golden.Level // and those before it
	Seed   uint64
	Rubric golden.Rubric // of the textbook's checks
	Lang   string        // en or zh: in which language the results say why
}

// list is the checks of a stage that are asked for.
func (s selection) list(stage int) []golden.Check {
	list := golden.Checks(stage)
	if s.Checks == "textbook" {
		list = golden.Textbook(stage, s.Rubric)
	}
	return slices.DeleteFunc(list, func(c golden.Check) bool {
		return s.Only != "" && c.Name != s.Only && c.Step != s.Only || !s.Level.Has(golden.StepOf(c.Step).Level)
	})
}

// A grader is what the command line asks for.
type grader struct {
	selection
	command, clientCommand string            // of programs in any language
	commands               map[string]string // of -cmd @FILE, by the name of the submission; nil without
	addr                   string
	again                  string // the flags that say of which programs a check is repeated
	rubric                 string // "print", a file, or "" for the kit's
	format                 string
	out                    string // directory of the full reports
	stages                 []int
	atOnce                 int
	folders                []string

	root       string     // of the kit
	temp       string     // removed at the end
	protection protection // of the programs
	ownID      bool       // they run under the grader's id: nobody else may start them
	stderr     io.Writer
}

// foreign reports whether programs in any language are graded.
func (g *grader) foreign() bool { return g.command != "" || g.clientCommand != "" || g.addr != "" }

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
	if err == nil && g.rubric == "print" {
		stdout.Write(golden.DefaultRubric) // an error here has nowhere to go
		return allPassed
	}
	var status int
	if err == nil {
		status, err = g.grade(ctx, stdout)
	}
	if ctx.Err() != nil {
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
	flags.StringVar(&g.command, "cmd", "", "`command` that starts a server in any language, in each folder; {port} and {root} are replaced, and {main} by the only file\n"+
		"that listens on a port; python3 alone is python3 {main} {port}. The first line of a file run in the folder comes before it,\n"+
		"and before that @FILE, with lines NAME,COMMAND")
	flags.StringVar(&g.clientCommand, "client-cmd", "", "`command` that starts a client; {host}, {port} and {file} are replaced")
	flags.StringVar(&g.addr, "addr", "", "`host:port` where such a server listens; without -cmd one that runs already, on the files of scripts/golden/site")
	flags.StringVar(&g.Checks, "checks", "golden", "golden (byte for byte) or textbook (status and body)")
	flags.StringVar(&g.Lang, "lang", localeLanguage(), "`language` of the reports, en or zh")
	flags.StringVar(&g.rubric, "rubric", "", "`file` of points and deductions for the textbook's checks; print prints the kit's")
	flags.StringVar(&g.format, "format", "table", "table, json, csv or gradescope")
	flags.StringVar(&g.out, "out", "", "`directory` for each submission's full report")
	flags.StringVar(&g.Only, "only", "", "run one `check` (or step) alone, such as hello or 1.6")
	flags.StringVar((*string)(&g.Level), "level", string(golden.Strict), "core, protocol (and core) or strict (and both): what is above the `level` is not run and not counted")
	flags.Uint64Var(&g.Seed, "seed", 0, "make the files that nobody can know before from this `number` again; 0 picks one")
	stages := flags.String("stages", "", "the stages to grade, such as 1,2 (default all; with -cmd or -addr 1, with -client-cmd 3)")
	flags.IntVar(&g.atOnce, "j", runtime.NumCPU(), "how many `submissions` at once")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return g, err
	} else if err != nil {
		return g, errors.New("-h lists the flags") // what is wrong has been said
	}
	flags.Visit(func(f *flag.Flag) {
		if slices.Contains([]string{"addr", "checks", "client-cmd", "cmd"}, f.Name) {
			g.again += fmt.Sprintf(" -%s %s", f.Name, quoted(f.Value.String()))
		}
	})
	if g.command != "" && !strings.Contains(g.again, "-checks") {
		fmt.Fprintln(stderr, "grade: the golden checks compare each byte with this kit's contract; for servers of the textbook's assignment there is -checks textbook")
	}
	err := g.wrongUse(flags.NArg())
	if err == nil {
		err = g.readRubric()
	}
	if err == nil {
		err = g.readCommands()
	}
	if err == nil {
		err = g.findStages(*stages)
	}
	if err == nil {
		g.root, err = kit.Find()
	}
	if err == nil {
		g.folders, err = expand(flags.Args(), !g.foreign())
	}
	if err == nil && g.format == "gradescope" && len(g.folders) > 1 {
		err = errors.New("-format gradescope is the result of one submission")
	}
	for g.Seed == 0 {
		g.Seed = uint64(rand.Uint32())
	}
	return g, err
}

// readRubric finds out what the textbook's checks are worth.
func (g *grader) readRubric() (err error) {
	text := golden.DefaultRubric
	if g.rubric != "" && g.rubric != "print" {
		if text, err = os.ReadFile(g.rubric); err != nil {
			return fmt.Errorf("-rubric is a file, or print: %w", err)
		}
	}
	g.Rubric, err = golden.ReadRubric(text)
	return err
}

// quoted is a text as one argument of a command. It has no quotes in it.
func quoted(text string) string {
	if strings.ContainsAny(text, " &()") {
		return `"` + text + `"`
	}
	return text
}

// wrongUse looks for flags that make no sense, or not together.
func (g *grader) wrongUse(folders int) error {
	_, port, _ := strings.Cut(g.addr, ":")
	for _, wrong := range []struct {
		is   bool
		says string
	}{
		{g.Checks != "golden" && g.Checks != "textbook", fmt.Sprintf("-checks is golden or textbook, not %q", g.Checks)},
		{g.Level != golden.Strict && g.Checks == "textbook", "the textbook's checks have no levels: -level is for -checks golden"},
		{g.rubric != "" && g.rubric != "print" && g.Checks != "textbook", "-rubric is for -checks textbook: the steps of the golden checks have their points"},
		{!slices.Contains(golden.Levels, g.Level), fmt.Sprintf("-level is core, protocol or strict, not %q", g.Level)},
		{g.Lang != "en" && g.Lang != "zh", fmt.Sprintf("-lang is en or zh, not %q", g.Lang)},
		{encoders[g.format] == nil, fmt.Sprintf("-format is table, json, csv or gradescope, not %q", g.format)},
		{g.atOnce < 1, "-j must be at least 1"},
		{g.clientCommand != "" && !strings.Contains(g.clientCommand, "{file}"), "-client-cmd has {host}, {port} and {file} where the client takes them"},
		{strings.ContainsAny(g.command+g.clientCommand, `"'`), "-cmd and -client-cmd are words with spaces between them: quotes mean nothing there"},
		{g.command != "" && g.addr == "" && !g.hasPort() && !findsListener(), "-cmd without {port} needs -addr here: where does the server listen?"},
		{g.addr != "" && g.command == "" && folders > 0, "-addr without -cmd is a server that runs already: it has no folder"},
		{g.addr != "" && port == "", fmt.Sprintf("-addr is host:port, such as localhost:6789, not %q", g.addr)},
	} {
		if wrong.is {
			return errors.New(wrong.says)
		}
	}
	return nil
}

// hasPort reports whether -cmd takes a port, as far as it says so here.
func (g *grader) hasPort() bool {
	return strings.Contains(g.command, "{port}") || strings.HasPrefix(g.command, "@") || len(strings.Fields(g.command)) == 1
}

// findsListener reports whether this system tells where a program listens.
func findsListener() bool {
	_, err := launch.Listening(os.Getpid())
	return err == nil
}

// findStages finds out which stages are graded: those of the list, or all for which there
// is a program. One in another language is stage 2 as well where its threads are a step.
func (g *grader) findStages(list string) (err error) {
	server := !g.foreign() || g.command != "" || g.addr != ""
	there := map[int]bool{1: server, 2: server, 3: !g.foreign() || g.clientCommand != ""}
	if list != "" {
		if g.stages, err = kit.ParseStages(list); err != nil {
			return err
		}
	} else {
		g.stages = slices.DeleteFunc([]int{1, 2, 3}, func(n int) bool {
			return !there[n] || n == 2 && g.foreign() && g.Checks == "golden"
		})
	}
	if i := slices.IndexFunc(g.stages, func(n int) bool { return !there[n] }); i >= 0 {
		return fmt.Errorf("there is no program for stage %d: -cmd or -addr is for the servers, -client-cmd for stage 3", g.stages[i])
	}
	if !slices.ContainsFunc(g.stages, func(n int) bool { return len(g.list(n)) > 0 }) {
		return fmt.Errorf("no check and no step of what is graded is called %q; go test -v ./... lists them", g.Only)
	}
	return nil
}

// grade grades what is asked for and prints the sheet.
func (g *grader) grade(ctx context.Context, stdout io.Writer) (int, error) {
	var err error
	if g.temp, err = os.MkdirTemp("", "weblab-grade-"); err != nil {
		return trouble, err
	}
	defer os.RemoveAll(g.temp)
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
	class := &turns{progress: term.NewProgress(g.stderr), of: len(subs), start: time.Now()}
	defer class.progress.Clear()
	var all errgroup.Group
	all.SetLimit(g.atOnce)
	if g.command != "" && !g.hasPort() && g.protection != inNamespaces {
		all.SetLimit(1) // they all listen on the same port
	}
	for i, s := range subs {
		all.Go(func() error {
			end := class.begin(s.Name)
			g.gradeOne(ctx, i, s)
			s.Seconds = end().Round(100 * time.Millisecond).Seconds()
			return ctx.Err()
		})
	}
	return all.Wait()
}
