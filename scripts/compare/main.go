// Compare runs stage 1 and stage 2 side by side. It shows what each of them does
// in a browser, or with -text in the terminal.
//
//	go run ./scripts/compare
//	go run ./scripts/compare -text
//	go run ./scripts/compare -with 'python3 WebServer.py {port}' -dir FOLDER
//
// Two tabs of a browser cannot show this. A browser sends only one request at a
// time for the same URL, opens silent connections ahead of time, and keeps
// answers. So this program starts the stages and lets the browser load from them.
// Then it shows what the browser measured beside what the server logged.
//
// A picture of a stage comes about like this; the files have these names:
//
//	settings -> trial: a stage, or a program of -with, runs behind a tap -> a client loads
//	  from it -> timings, what passed the tap, and the log of a stage -> lanes: the rows of
//	  a picture, and wire: what was said -> web, page/ (for the browser), or text
//	send: a message -> everyone, behind taps -> what each made of it; same: all golden cases
//	live: everyone, for anybody -> events; lengths: a stage four times -> the browser's frames
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
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/launch"
	"weblab.example/scripts/internal/tap"
	"weblab.example/scripts/internal/term"
)

// errUsage is what is wrong with the command line.
var errUsage = errors.New("wrong use (-h lists the flags)")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		if errors.Is(err, errUsage) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// run does what the command line asks for. It returns nil after Ctrl-C.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("compare", flag.ExitOnError)
	addr := flags.String("addr", "127.0.0.1:0", "`host:port` of the page; the stages listen on the same host, so :0 publishes them, too; port 0 picks a free port")
	noBrowser := flags.Bool("no-browser", false, "open no browser: print the address only")
	text := flags.Bool("text", false, "show the same in the terminal, without a browser, then end")
	var programs []*contestant
	programFlags(flags, &programs)
	flags.Parse(args) // ends the program if something is wrong
	host, _, err := net.SplitHostPort(*addr)
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("%w: unexpected argument %q", errUsage, flags.Arg(0))
	case err != nil:
		return fmt.Errorf("%w: -addr is host:port, such as 127.0.0.1:8080, not %q", errUsage, *addr)
	}
	for _, p := range programs {
		if err := p.check(); err != nil {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
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
	c.programs = programs
	if err := c.copyPrograms(stderr); err != nil {
		return err
	}
	if direct, tapped, err := tap.Cost(200); err == nil { // else there is a tap all the same
		c.tapCost = tapped - direct
	}
	if *text {
		return c.printAll(ctx, stdout)
	}
	url := c.servePage(ln)
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
}

// A comparison is what all experiments share.
type comparison struct {
	host       string        // on which the stages listen
	programs   []*contestant // that take part
	site       string        // what the stages serve
	cases      []golden.Case // golden
	tapCost    time.Duration // what a tap adds to a request here
	removeSite func()
	temp       string          // the programs and their files; removed at the end
	ctx        context.Context // of the stages and the page's requests
	end        context.CancelFunc
	busy       sync.WaitGroup // stages and requests that have not ended

	// What the page's requests share.
	page    http.Server
	trials  sync.Map  // by number, a *trial that the page has begun
	lengths sync.Map  // by mode, the []byte of an answer
	shown   chan bool // from a page that has shown everything to the picture that waits for it
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
	c := &comparison{host: host, temp: temp, shown: make(chan bool)}
	c.ctx, c.end = context.WithCancel(ctx)
	if c.cases, err = golden.Cases(); err == nil {
		c.site, c.removeSite, err = golden.LayOut()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(temp))
	}
	var builds errgroup.Group
	for _, stage := range []int{1, 2} {
		builds.Go(func() error { return kit.Build(ctx, root, kit.Folder(stage), c.program(stage), false) })
	}
	if err := errors.Join(builds.Wait(), writeSite(c.site)); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// copyPrograms copies the folder of each program, and adds the files of the experiments.
func (c *comparison) copyPrograms(stderr io.Writer) error {
	for i, p := range c.programs { // each runs in a copy of its folder, with the files of the experiments
		if p.remark != "" {
			fmt.Fprintf(stderr, "compare: %s: %s\n", p.dir, term.Visible(p.remark))
		}
		p.files = filepath.Join(c.temp, fmt.Sprintf("program-%d", i+1))
		left, err := kit.CopyFiles(p.files, p.dir, func(string) bool { return true })
		if err := errors.Join(err, c.addSite(p.files)); err != nil {
			return err
		}
		if len(left) > 0 {
			fmt.Fprintf(stderr, "compare: too large, or no file, and so not copied from %s: %s\n", p.dir, term.Visible(strings.Join(left, ", ")))
		}
	}
	return nil
}

// program is the file of a stage. Only Windows needs the ending.
func (c *comparison) program(stage int) string {
	return filepath.Join(c.temp, kit.Folder(stage)+".exe")
}

// addSite adds the files that the stages serve to a program's folder. CopyFiles leaves out
// links, pipes and what is huge, and nobody may read forbidden.txt.
func (c *comparison) addSite(dir string) error {
	_, err := kit.CopyFiles(dir, c.site, func(name string) bool { return name != "forbidden.txt" })
	return err
}

// close ends the page, its requests, and the stages that still run.
func (c *comparison) close() {
	c.end()
	c.page.Close()
	c.busy.Wait()
	c.removeSite()
	os.RemoveAll(c.temp) // if this fails, the system clears its temporary folder some day
}

// servePage serves the page until close.
func (c *comparison) servePage(ln net.Listener) (url string) {
	page := c.handler()
	c.page.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.busy.Add(1)
		defer c.busy.Done()
		page.ServeHTTP(w, r)
	})
	c.page.ReadHeaderTimeout = 10 * time.Second
	c.page.BaseContext = func(net.Listener) context.Context { return c.ctx }
	go c.page.Serve(ln) // returns when page is closed
	host, port, _ := net.SplitHostPort(ln.Addr().String())
	if isPublic(ln) {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}

// isPublic reports whether a listener takes connections on every interface.
func isPublic(ln net.Listener) bool { return ln.Addr().(*net.TCPAddr).IP.IsUnspecified() }

// openBrowser opens the user's own browser. The browser goes on when this program
// ends. If it cannot be opened, openBrowser calls failed.
func openBrowser(url string, failed func(error)) {
	args := []string{"xdg-open", url}
	switch runtime.GOOS {
	case "windows":
		args = []string{"rundll32", "url.dll,FileProtocolHandler", url}
	case "darwin":
		args = []string{"open", url}
	}
	cmd := exec.Command(args[0], args[1:]...)
	launch.Detach(cmd)
	go func() { // the command may run as long as the browser
		if err := cmd.Run(); err != nil {
			failed(err)
		}
	}()
}
