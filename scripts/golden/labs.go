package golden

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/verdict"
)

// labs are the programs under test, one for each set of flags: they are
// started when a check first asks for them.
type labs struct {
	ctx       context.Context
	program   Program
	site      *site
	seed      uint64
	unwritten *gaps
	reached   atomic.Bool // a server has accepted a connection
	mu        sync.Mutex
	running   map[string]*lab // by turn
}

// A lab is what a check works with.
type lab struct {
	*labs
	addr   string // of the server; "" when there is none
	proc   *process
	seeded bool // random has been called

	restart func() error // of a foreign program
	begun   time.Time    // when it was started
	tried   time.Time    // when that was first tried, if its port was not free
}

func openLabs(ctx context.Context, program Program, seed uint64) (*labs, error) {
	if err := intact(); err != nil {
		return nil, fmt.Errorf("%w: %w", kit.ErrTrouble, err)
	}
	site, err := layOut(program)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", kit.ErrTrouble, err)
	}
	unwritten := &gaps{texts: map[string]string{}}
	return &labs{ctx: ctx, program: program, site: site, seed: seed, unwritten: unwritten, running: map[string]*lab{}}, nil
}

// programs is how many programs with the same flags share a step's checks.
func (ls *labs) programs() int {
	if ls.program.Foreign && !slices.ContainsFunc(ls.program.Args, func(arg string) bool { return strings.Contains(arg, "{port}") }) {
		return 1 // there is but one port
	}
	return 4
}

// random is a source that the seed begins anew for each check.
func (l *lab) random() *rand.Rand {
	l.seeded = true
	return rand.New(rand.NewPCG(l.seed, 0))
}

func (ls *labs) close() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, l := range ls.running {
		if l.proc != nil {
			l.proc.kill()
		}
	}
	ls.site.remove()
}

// noServer among the flags means that a check starts the program itself.
const noServer = "no server"

// take returns the server that runs for this turn. One that has died is
// started again: that costs the check which saw it, not those after it.
func (ls *labs) take(turn string, flags []string) (*lab, error) {
	if ls.program.Foreign && len(flags) > 0 && !(ls.program.client() && slices.Contains(flags, noServer)) {
		return nil, notHere("this program has none of the kit's flags")
	}
	if slices.Contains(flags, noServer) {
		return &lab{labs: ls}, nil
	}
	ls.mu.Lock()
	l := ls.running[turn]
	ls.mu.Unlock()
	if l != nil && l.ended(0) == "" {
		return l, nil
	}
	l, err := ls.serve(flags...)
	if err != nil {
		return nil, err
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.running[turn] = l
	return l, nil
}

// drop ends the server that runs for this turn.
func (ls *labs) drop(turn string) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.running[turn]; l != nil && l.proc != nil {
		l.proc.kill()
	}
}

// serve starts a server on a free port.
func (ls *labs) serve(flags ...string) (*lab, error) {
	if ls.program.Foreign {
		return ls.serveForeign()
	}
	all := append([]string{"-addr", "127.0.0.1:0", "-root", ls.site.dir}, flags...)
	proc, addr, _, err := ls.startServer(all...)
	if err == nil {
		if _, _, bad := net.SplitHostPort(addr); bad != nil {
			err = verdict.Failf("not-announced", "the program says that it listens on %q: %v", addr, bad)
		}
	}
	if err != nil {
		proc.kill()
		return nil, err
	}
	return &lab{labs: ls, addr: addr, proc: proc}, nil
}

// ended says how the program ended, or "" if it runs and goes on to. Where
// nobody listens on its port any more, it is about to end, and is waited for:
// on a busy machine the end of its connections is seen long before its own.
func (l *lab) ended(within time.Duration) string {
	if l.proc == nil {
		return ""
	}
	_, err := l.proc.wait(within)
	if err != nil && l.restart == nil && !l.listens() { // a foreign program may not listen yet
		_, err = l.proc.wait(exchange.Patience)
	}
	if err != nil {
		return ""
	}
	return fmt.Sprintf("the program has ended: %v\n%s", l.proc.cmd.ProcessState, l.proc.stderr)
}

// listens reports whether somebody has the port of a server. A connection would
// tell as well, but the server would see it, and may not be ready for one that
// says nothing.
func (l *lab) listens() bool {
	ln, err := net.Listen("tcp", l.addr)
	if err != nil {
		return true
	}
	ln.Close() // nobody has connected to it
	return false
}
