// Bench measures the stages against what people would use instead: nginx,
// net/http's file server, Python's http.server, curl. All run on this machine,
// with the same files, one after the other in turns.
//
//	go run ./scripts/bench
//	go run ./scripts/bench -only 1,2 -rounds 9 -time 2s
//	go run ./scripts/bench -json -svg performance.svg
//	go run ./scripts/bench -only 7 -grading
//
// With -soak it measures nothing, and tries to break them instead: clients that
// send good, malformed and huge requests, abort or are slow keep the stages busy,
// built with the race detector, and at the end they must hold no more than after
// the first seconds, and have answered everything right.
//
//	go run ./scripts/bench -soak 10m
//
// In reading order: main.go (what is asked for), rows.go (what is measured,
// and what is wanted), rounds.go (taking turns), stats.go (many numbers become
// few), servers.go, nginx.go and fileserver/ (the contestants), load.go,
// wrk.go and sockets.go (clients that keep a server busy), idle.go,
// download.go and allocs.go (the rows that are not load), memory_*.go and
// files_*.go (what each system is asked in its own way), connections.go and
// grading.go (cost as work grows), tools.go (what is installed), report.go and
// text.go (what is told), progress.go, svg.go and svgcurves.go (a picture of it).
// Of -soak: soak.go (the servers, from start to stop), probe.go and probe.go.txt
// (what a server holds), soakclients.go (the clients, one function for each way to
// behave), soakscript.go (what they say and must hear), soakend.go (the verdict
// and what is told).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"weblab.example/scripts/golden"
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
	soak    time.Duration // 0: measure
	seed    uint64        // 0: a new one
}

// theConnections is what -only calls the cost as connections grow.
const theConnections = "connections"

// parse reads the command line.
func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rounds, "rounds", 5, "how often each contestant has its turn")
	flags.DurationVar(&o.time, "time", time.Second, "length of one measurement under load; wrk takes whole seconds and gets it rounded up")
	only := flags.String("only", "", "measure these `rows` alone, such as 2,3; connections is the cost as they grow")
	flags.BoolVar(&o.json, "json", false, "print all single measurements, as JSON")
	flags.StringVar(&o.svg, "svg", "", "draw the result into a `file`")
	flags.BoolVar(&o.grading, "grading", false, "measure also how long scripts/grade takes, which may take minutes")
	flags.BoolVar(&o.short, "short", false, "one round, as short as can be: to see that it runs")
	flags.DurationVar(&o.soak, "soak", 0, "measure nothing, but keep the stages busy for so long with clients that behave badly, and see what is left behind")
	flags.Uint64Var(&o.seed, "seed", 0, "with -soak: the `number` that an earlier one has printed, to do nearly the same again")
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
	if err := o.checkSoak(flags); err != nil {
		return o, err
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

// checkSoak checks that -soak stands alone.
func (o options) checkSoak(flags *flag.FlagSet) error {
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	soak, seed := given["soak"], given["seed"]
	delete(given, "soak")
	delete(given, "seed")
	switch {
	case seed && !soak:
		return fmt.Errorf("%w: -seed goes with -soak", errUsage)
	case soak && len(given) > 0:
		return fmt.Errorf("%w: beside -soak there may be -seed alone, not -%s", errUsage, slices.Sorted(maps.Keys(given))[0])
	case soak && o.soak < leastSoak:
		return fmt.Errorf("%w: -soak is %v or more, not %v", errUsage, leastSoak, o.soak)
	}
	return nil
}

// shortLoad is how long a measurement takes with -short, where wrk does not
// need its second.
const shortLoad = 300 * time.Millisecond

func (o options) wants(what string) bool { return len(o.only) == 0 || slices.Contains(o.only, what) }

// run does what the command line asks for. A contestant that fails makes it an
// error, after all the others have been measured and told.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if o.soak > 0 {
		return soakAll(ctx, o, stdout, stderr)
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
	most     int            // connections that the limit of open files allows
	running  map[string]*server
	largeHot bool // the large file has been read
	progress *progress
}

// prepare builds the stages and writes the files that all serve.
func prepare(ctx context.Context, o options, stderr io.Writer) (*bench, error) {
	root, err := golden.FindKit()
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "weblab-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, root: root, temp: temp, programs: map[int]string{}, running: map[string]*server{}, progress: newProgress(stderr)}
	const others = 200 // files that are open beside connections
	b.most = raiseFileLimit() - others
	b.progress.now("building the stages")
	var builds errgroup.Group
	for folder, stage := range golden.Stages {
		program := filepath.Join(temp, folder+".exe") // Windows needs the ending, the others do not mind
		b.programs[stage] = program
		builds.Go(func() error { return golden.Build(ctx, root, folder, program, false) })
	}
	b.programs[0] = filepath.Join(temp, "fileserver.exe")
	builds.Go(func() error { return b.goBuild(ctx, b.programs[0], "./scripts/bench/fileserver") })
	if err := errors.Join(builds.Wait(), writeSite(b.site())); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// goBuild builds a program of the kit that is no stage.
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
	os.RemoveAll(b.temp) // a temporary folder: what cannot be removed is the system's to clear
}

func (b *bench) site() string { return filepath.Join(b.temp, "site") }

// measure measures everything that is asked for. The error is what went wrong
// with single contestants.
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
