package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"weblab.example/scripts/golden"
	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/launch"
)

// A soak keeps both servers busy for a long time, with clients of every sort, and
// with the race detector on. Leaks are small and some faults are rare, so they need
// time. A soak finds out whether the servers hold more at the end than after the
// first seconds, and whether all answers were right.
type soak struct {
	root     string // of the kit
	warmUp   time.Duration
	rest     time.Duration
	seed     uint64
	replaced map[string][]byte // for tests: other contents for files of the kit
	progress *progress
	servers  []*soaked
}

const (
	leastSoak  = 10 * time.Second
	soakWarmUp = 5 * time.Second
	minuteMark = time.Minute // how often a long soak prints a line about its progress
)

// A soaked is one server in a soak.
type soaked struct {
	name    string
	stage   int
	flags   []string
	clients int
	mixture mixture

	ways   [sorts][]way
	script *script
	guests []*guest
	server *launch.Server
	log    *soakLog

	requests [sorts]atomic.Int64
	mu       sync.Mutex // guards wrong and wrongs
	wrong    []string   // the first wrong answers
	wrongs   int
	ended    soakEnd
}

// newSoak is a soak of all servers.
func newSoak(root string, o options, progress *progress) *soak {
	return &soak{
		root: root, warmUp: soakWarmUp, rest: o.soak - soakWarmUp, seed: o.seed, progress: progress,
		servers: []*soaked{
			// Clients of stage 1 wait for each other, so more clients would only wait longer.
			{name: "stage 1", stage: 1, clients: 3, mixture: mixtureAlone},
			{name: "stage 2", stage: 2, clients: 16, mixture: mixtureAmong},
			{name: "stage 2 -keep-alive", stage: 2, flags: []string{"-keep-alive"}, clients: 16, mixture: mixtureAmong},
		},
	}
}

// soakAll does what -soak asks for, and returns an error when a server failed.
func soakAll(ctx context.Context, o options, stdout, stderr io.Writer) error {
	root, err := kit.Find()
	if err != nil {
		return err
	}
	if o.seed == 0 {
		o.seed = rand.Uint64()
	}
	s := newSoak(root, o, newProgress(stderr))
	start := time.Now()
	err = s.run(ctx)
	s.progress.clear()
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case err != nil:
		return err
	}
	if err := printSoak(stdout, s, time.Since(start)); err != nil {
		return err
	}
	return s.trouble()
}

// run builds and starts the servers, soaks them, and stops them. It returns an error
// if it could not do this. The field ended of each server says what it did wrong.
func (s *soak) run(ctx context.Context) error {
	temp, err := os.MkdirTemp("", "weblab-soak-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp) // if this fails, the system clears its temporary folder some day
	s.progress.now("building the stages with the race detector")
	p, err := buildProbed(ctx, s.root, temp, s.replaced)
	if err != nil {
		return err
	}
	site, remove, err := golden.LayOut()
	if err != nil {
		return err
	}
	defer remove()
	// Otherwise a server with the race detector sleeps for a second before it ends.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		return err
	}
	for i, server := range s.servers {
		if err := server.start(ctx, p.programs[server.stage], site, rand.NewPCG(s.seed, uint64(i))); err != nil {
			return err
		}
		defer server.server.Stop()
	}
	if err := s.soak(ctx, p); err != nil {
		return err
	}
	for _, server := range s.servers {
		server.stop()
	}
	return nil
}

// start starts a server, and gets its clients ready.
func (s *soaked) start(ctx context.Context, program, site string, source rand.Source) (err error) {
	keepAlive := len(s.flags) > 0
	if s.script, err = newScript(site, keepAlive); err != nil {
		return err
	}
	s.ways = visits(keepAlive)
	random := rand.New(source)
	for range s.clients {
		mine := rand.New(rand.NewPCG(random.Uint64(), random.Uint64()))
		s.guests = append(s.guests, &guest{soaked: s, random: mine, buf: make([]byte, 32<<10)})
	}
	s.log = &soakLog{}
	args := append([]string{"-addr", "127.0.0.1:0", "-root", site}, s.flags...)
	for _, timeout := range []string{"-head-timeout", "-idle-timeout", "-stall", "-linger"} {
		args = append(args, timeout, soakTimeout.String())
	}
	if s.server, err = launch.Serve(ctx, s.log, program, args...); err != nil {
		_, _, said := s.log.sum()
		return fmt.Errorf("%s: %w\n%s", s.name, err, said)
	}
	return nil
}

// soak lets the clients in twice: for the first seconds, and for the rest of the
// time. After each it reads what the servers hold.
func (s *soak) soak(ctx context.Context, p *probed) error {
	s.progress.now("asking for everything")
	var all sync.WaitGroup
	for _, server := range s.servers {
		all.Go(func() { server.guests[0].askAll(ctx) })
	}
	all.Wait()
	if err := s.letIn(ctx, s.warmUp, "the first seconds"); err != nil {
		return err
	}
	s.readAll(ctx, p, func(server *soaked, r reading, err error) {
		server.ended.first, server.ended.firstErr = r, err
	})
	if err := s.letIn(ctx, s.rest, "soaking"); err != nil {
		return err
	}
	s.readAll(ctx, p, func(server *soaked, r reading, err error) {
		server.ended.last, server.ended.lastErr = r, err
	})
	return ctx.Err()
}

// letIn lets the clients of all servers in for some time. It returns when the last
// one has left.
func (s *soak) letIn(ctx context.Context, d time.Duration, what string) error {
	start := time.Now()
	end := start.Add(d)
	left := make(chan struct{})
	var all sync.WaitGroup
	for _, server := range s.servers {
		for _, g := range server.guests {
			all.Go(func() { g.visitUntil(ctx, end) })
		}
	}
	go func() {
		all.Wait()
		close(left)
	}()
	said := start
	for tick := time.NewTicker(time.Second); ; {
		select {
		case <-left:
			tick.Stop()
			s.progress.done("%s: %s", what, s.soFar())
			return ctx.Err()
		case <-tick.C:
			s.progress.now("%s, %v to go: %s", what, max(0, time.Until(end)).Round(time.Second), s.soFar())
			if time.Since(said) >= minuteMark {
				said = time.Now()
				s.progress.done("after %v: %s", said.Sub(start).Round(time.Second), s.soFar())
			}
		}
	}
}

// soFar sums up the soak so far.
func (s *soak) soFar() string {
	var requests int64
	var wrongs int
	for _, server := range s.servers {
		requests += server.asked(good, huge)
		server.mu.Lock()
		wrongs += server.wrongs
		server.mu.Unlock()
	}
	return fmt.Sprintf("%s requests, %d wrong answers", thousands(float64(requests)), wrongs)
}

// readAll reads what the servers hold, all at the same time, because it waits until
// each of them is quiet.
func (s *soak) readAll(ctx context.Context, p *probed, take func(*soaked, reading, error)) {
	var all errgroup.Group
	for _, server := range s.servers {
		all.Go(func() error {
			r, err := p.read(ctx, server.server.Process.Pid)
			take(server, r, err)
			return nil
		})
	}
	all.Wait() // no function returns an error
}

// hasEnded reports whether the server has ended.
func (s *soaked) hasEnded() bool {
	select {
	case <-s.server.Done():
		return true
	default:
		return false
	}
}

// asked counts the requests of the sorts from from to to.
func (s *soaked) asked(from, to int) (sum int64) {
	for sort := from; sort <= to; sort++ {
		sum += s.requests[sort].Load()
	}
	return sum
}

// note notes a wrong answer.
func (s *soaked) note(sort int, err error) {
	const kept = 10
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrongs++
	said := fmt.Sprintf("%s, %v", sortNames[sort], err)
	if len(s.wrong) < kept && !slices.Contains(s.wrong, said) {
		s.wrong = append(s.wrong, said)
	}
}

// stop stops the server, and notes how it ended.
func (s *soaked) stop() {
	s.ended.peak, s.ended.peakErr = peakSoFar(s.server.Process.Pid)
	s.ended.tooEarly = s.hasEnded()
	s.server.Stop()
	if runtime.GOOS != "windows" { // on Windows it can only be killed
		s.ended.status = s.server.ExitStatus()
	}
	s.ended.wrongs = s.wrongs
	s.ended.races, s.ended.panics, s.ended.said = s.log.sum()
}
