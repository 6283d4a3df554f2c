// Bench measures the stages against the programs that people would use instead:
// nginx, net/http's file server, Python's http.server and curl. All of them run on
// this machine, with the same files, and take turns.
//
//	site + kind -> server -> load (wrk), idle connections or download (curl) -> sample
//	test: its contestants take turns, in each round -> samples
//	samples -> rows: medians, ratios, aims -> report: a table
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		os.Exit(2) // parse has said what is wrong
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// Options are what the command line asks for.
type options struct {
	rounds int
	only   string // numbers of rows; none is all
}

// parse reads the command line, and says what is wrong with it.
func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rounds, "rounds", 5, "how often each contestant takes its turn")
	flags.StringVar(&o.only, "only", "", "measure only these `rows`, such as 2,3")
	if err = flags.Parse(args); err == nil && (flags.NArg() > 0 || o.rounds < 1) {
		err = errors.New("there are only flags, and -rounds is 1 or more")
		fmt.Fprintln(stderr, "bench:", err)
	}
	return o, err
}

// run does what the command line asks for. If a contestant fails, run measures and
// prints all the others, and then returns an error.
func run(ctx context.Context, o options, stdout, stderr io.Writer) error {
	b, err := prepare(ctx, o, stderr)
	if err != nil {
		return err
	}
	defer b.close()
	rows, trouble := b.measure(ctx)
	b.progress.Clear()
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case len(rows) == 0:
		return fmt.Errorf("there is no row %s", o.only)
	}
	_, err = fmt.Fprintln(stdout, b.report(rows)+machine())
	return errors.Join(err, trouble)
}

// measure measures all rows that the command line asks for. The error says what went
// wrong with single contestants.
func (b *bench) measure(ctx context.Context) (rows []row, trouble error) {
	for _, t := range b.tests() {
		t.rows = slices.DeleteFunc(t.rows, func(r row) bool { return !b.wants(r) })
		if len(t.rows) > 0 && ctx.Err() == nil {
			trouble = errors.Join(trouble, b.takeTurns(ctx, t))
			rows = append(rows, t.rows...)
		}
	}
	slices.SortFunc(rows, func(r, s row) int { return r.number - s.number })
	return rows, trouble
}

func (o options) wants(r row) bool {
	return o.only == "" || slices.Contains(strings.Split(o.only, ","), strconv.Itoa(r.number))
}
