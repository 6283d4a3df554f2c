// Bench measures the stages against the programs that people would use instead:
// nginx, net/http's file server, Python's http.server and curl. All of them run on
// this machine, with the same files. They take turns.
//
//	go run ./scripts/bench
//	go run ./scripts/bench -only 1,2 -rounds 9 -time 2s
//	go run ./scripts/bench -json -svg performance.svg
//	go run ./scripts/bench -only 7 -grading
//
// Read the files in this order: main.go (the command line), rows.go (what is
// measured, and the aims), rounds.go (taking turns), stats.go (medians and ratios),
// servers.go, nginx.go and fileserver/ (the contestants), load.go, wrk.go and
// sockets.go (clients that keep a server busy), idle.go and download.go (the other
// rows), memory_*.go and files_*.go (what each system does in its own way),
// connections.go and grading.go (the cost as work grows), tools.go (what is
// installed), report.go and text.go (the output), progress.go, svg.go and
// svgcurves.go (a picture).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"weblab.example/scripts/internal/kit"
)

// errUsage is what is wrong with the command line.
var errUsage = errors.New("wrong use")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "bench: %v (-h lists the flags)\n", err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// Options are what the command line asks for.
type options struct {
	rounds  int
	time    time.Duration // of one measurement under load
	only    []string      // numbers of rows, and "connections"; none is all
	json    bool
	svg     string // file
	grading bool
	short   bool
}

// theConnections is the word for -only that measures more and more connections.
const theConnections = "connections"

// parse reads the command line.
func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rounds, "rounds", 5, "how often each contestant takes its turn")
	flags.DurationVar(&o.time, "time", time.Second, "length of one measurement under load; wrk takes only whole seconds, so this is rounded up for it")
	only := flags.String("only", "", "measure only these `rows`, such as 2,3; the word connections measures more and more connections")
	flags.BoolVar(&o.json, "json", false, "print every single measurement, as JSON")
	flags.StringVar(&o.svg, "svg", "", "draw the result, as an SVG `file`")
	flags.BoolVar(&o.grading, "grading", false, "also measure how long scripts/grade takes; this may take minutes")
	flags.BoolVar(&o.short, "short", false, "one round, as short as possible, to see that it runs")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return o, err
		}
		return o, fmt.Errorf("%w: the command line", errUsage) // flags has said what is wrong with it
	}
	const shortest, longest, mostRounds = 100 * time.Millisecond, time.Minute, 1000
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("%w: unexpected argument %q", errUsage, flags.Arg(0))
	case o.rounds < 1 || o.rounds > mostRounds:
		return o, fmt.Errorf("%w: -rounds is 1 to %d, not %d", errUsage, mostRounds, o.rounds)
	case o.time < shortest || o.time > longest:
		return o, fmt.Errorf("%w: -time is %v to %v, not %v", errUsage, shortest, longest, o.time)
	}
	if *only != "" {
		for word := range strings.SplitSeq(*only, ",") {
			word = strings.TrimSpace(word)
			if !slices.Contains(rowNames, word) && word != theConnections {
				return o, fmt.Errorf("%w: -only lists rows, 1 to %d, or %s, not %q", errUsage, len(rowNames), theConnections, word)
			}
			o.only = append(o.only, word)
		}
	}
	if o.short {
		o.rounds, o.time = 1, shortLoad
	}
	return o, nil
}

// shortLoad is how long a measurement takes with -short. wrk would need a second.
const shortLoad = 300 * time.Millisecond

func (o options) wants(what string) bool { return len(o.only) == 0 || slices.Contains(o.only, what) }

// run does what the command line asks for. If a contestant fails, run measures and
// prints all the others, and then returns an error.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	b, err := prepare(ctx, o, stderr)
	if err != nil {
		return err
	}
	defer b.close()
	result, trouble := b.measure(ctx)
	b.progress.clear()
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if o.svg != "" {
		if err := os.WriteFile(o.svg, drawing(result), 0o644); err != nil {
			return err
		}
	}
	tell := printText
	if o.json {
		tell = printJSON
	}
	return errors.Join(tell(stdout, result), trouble)
}

// A bench is what all measurements share.
type bench struct {
	options
	root     string         // of the kit
	temp     string         // removed at the end
	programs map[int]string // by stage; 0 is net/http's file server
	most     int            // how many connections the limit of open files allows
	running  map[string]*server
	largeHot bool // the large file has been read
	progress *progress
}

// prepare builds the stages and writes the files that all serve.
func prepare(ctx context.Context, o options, stderr io.Writer) (*bench, error) {
	root, err := kit.Find()
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "weblab-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, root: root, temp: temp, programs: map[int]string{}, running: map[string]*server{}, progress: newProgress(stderr)}
	const others = 200 // open files that are not connections
	b.most = raiseFileLimit() - others
	b.progress.now("building the stages")
	var builds errgroup.Group
	for folder, stage := range kit.Stages {
		program := filepath.Join(temp, folder+".exe") // only Windows needs the ending
		b.programs[stage] = program
		builds.Go(func() error { return kit.Build(ctx, root, folder, program, false) })
	}
	b.programs[0] = filepath.Join(temp, "fileserver.exe")
	builds.Go(func() error { return b.goBuild(ctx, b.programs[0], "./scripts/bench/fileserver") })
	if err := errors.Join(builds.Wait(), writeSite(b.site())); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// goBuild builds a program of the kit other than a stage.
func (b *bench) goBuild(ctx context.Context, program, of string) error {
	build := exec.CommandContext(ctx, "go", "build", "-o", program, of)
	build.Dir = b.root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", of, err, out)
	}
	return nil
}

// close ends the servers that still run.
func (b *bench) close() {
	for _, s := range b.running {
		s.stop()
	}
	b.progress.clear()
	os.RemoveAll(b.temp) // if this fails, the system clears its temporary folder some day
}

func (b *bench) site() string { return filepath.Join(b.temp, "site") }

// measure measures everything that the command line asks for. The error says what
// went wrong with single contestants.
func (b *bench) measure(ctx context.Context) (*report, error) {
	r := b.newReport()
	var trouble []error
	for _, row := range b.rows() {
		if b.wants(row.name()) && ctx.Err() == nil {
			result, err := b.takeTurns(ctx, row)
			r.Rows = append(r.Rows, result)
			trouble = append(trouble, err)
		}
	}
	if b.wants(theConnections) && ctx.Err() == nil {
		points, err := b.growConnections(ctx)
		r.Connections = points
		trouble = append(trouble, err)
	}
	if b.grading && ctx.Err() == nil {
		times, err := b.growGrading(ctx)
		r.Grading = times
		trouble = append(trouble, err)
	}
	r.Took = time.Since(r.Date).Seconds()
	return r, errors.Join(trouble...)
}
