// Compare runs stage 1 and stage 2 side by side. It shows what each of them does
// in a browser, or with -text in the terminal.
//
//	go run ./scripts/compare
//	go run ./scripts/compare -text
//	go run ./scripts/compare -screenshots DIR
//
// Two tabs of a browser cannot show this. A browser sends only one request at a
// time for the same URL, opens silent connections ahead of time, and keeps
// answers. So this program starts the stages and lets the browser load from them.
// Then it shows what the browser measured beside what the server logged.
//
// Read the files in this order: main.go (the command line), trial.go (one stage
// runs for one picture), log.go (what it logged), lanes.go (log and measurements
// become a picture), lengths.go and same.go (the two experiments without a
// picture), web.go and page/ (for the browser), text.go (for the terminal),
// browser.go (finds a browser).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
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
		fmt.Fprintf(os.Stderr, "compare: %v (-h lists the flags)\n", err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// run does what the command line asks for. It returns nil after Ctrl-C.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:0", "`host:port` of the page; the stages listen on the same host, so :0 publishes them, too; port 0 picks a free port")
	noBrowser := flags.Bool("no-browser", false, "open no browser: print the address only")
	text := flags.Bool("text", false, "show the same in the terminal, without a browser, then end")
	screenshots := flags.String("screenshots", "", "write pictures of the page to a `directory` with a headless Chromium, then end")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return fmt.Errorf("%w: the command line", errUsage) // flags has said what is wrong with it
	}
	host, _, err := net.SplitHostPort(*addr)
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("%w: unexpected argument %q", errUsage, flags.Arg(0))
	case err != nil:
		return fmt.Errorf("%w: -addr is host:port, such as 127.0.0.1:8080, not %q", errUsage, *addr)
	case *text && *screenshots != "":
		return fmt.Errorf("%w: choose either -text or -screenshots", errUsage)
	}
	var ln net.Listener
	if !*text { // before anything is built: the port may be taken
		if ln, err = net.Listen("tcp", *addr); err != nil {
			return fmt.Errorf("cannot serve the page: %w", err)
		}
		defer ln.Close()
	}
	c, err := prepare(ctx, host)
	if err != nil {
		return err
	}
	defer c.close()
	switch {
	case *text:
		return c.printAll(ctx, stdout)
	case *screenshots != "":
		return c.withPage(ctx, ln, func(url string) error { return c.takeScreenshots(ctx, url, *screenshots, stdout) })
	}
	return c.withPage(ctx, ln, func(url string) error {
		fmt.Fprintf(stdout, "%s compares the stages; Ctrl-C ends it and them\n", url)
		if isPublic(ln) {
			fmt.Fprintln(stderr, "compare: this page starts programs, and everybody who can reach this machine can open it; with -addr 127.0.0.1:0 only you can")
		}
		if !*noBrowser {
			openBrowser(url, func(err error) {
				fmt.Fprintf(stderr, "compare: cannot start a browser (%v): open the address by hand\n", err)
			})
		}
		<-ctx.Done()
		return nil
	})
}

// A comparison is what all experiments share: the programs and their files.
type comparison struct {
	host     string         // on which the stages listen
	temp     string         // removed at the end
	programs map[int]string // by stage
	running  running
	problems atomic.Value // a string: what went wrong on the page that was shown most recently
}

// prepare builds both stages and writes the files that they serve.
func prepare(ctx context.Context, host string) (*comparison, error) {
	root, err := kit.Find()
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "weblab-compare-")
	if err != nil {
		return nil, err
	}
	c := &comparison{host: host, temp: temp, programs: map[int]string{}}
	var builds errgroup.Group
	for _, stage := range []int{1, 2} {
		folder := kit.Folder(stage)
		program := filepath.Join(temp, folder+".exe") // only Windows needs the ending
		c.programs[stage] = program
		builds.Go(func() error { return kit.Build(ctx, root, folder, program, false) })
	}
	if err := errors.Join(builds.Wait(), writeSite(c.site())); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *comparison) site() string { return filepath.Join(c.temp, "site") }

// close ends the stages that still run.
func (c *comparison) close() {
	c.running.stopAll()
	os.RemoveAll(c.temp) // if this fails, the system clears its temporary folder some day
}

// withPage serves the page while use runs. When it returns, all requests have
// ended: a request might start another stage.
func (c *comparison) withPage(ctx context.Context, ln net.Listener, use func(url string) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var requests sync.WaitGroup
	page := c.handler()
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			defer requests.Done()
			page.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	go server.Serve(ln) // returns when server is closed
	defer func() {
		cancel()
		server.Close()
		requests.Wait()
	}()
	host, port, _ := net.SplitHostPort(ln.Addr().String())
	if isPublic(ln) {
		host = "127.0.0.1"
	}
	return use("http://" + net.JoinHostPort(host, port) + "/")
}

// isPublic reports whether a listener takes connections on every interface.
func isPublic(ln net.Listener) bool { return ln.Addr().(*net.TCPAddr).IP.IsUnspecified() }
