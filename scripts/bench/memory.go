package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"weblab.example/scripts/internal/launch"
)

// idleConnections are held at once, to measure the memory of one.
const idleConnections = 5000

// withIdle measures how much memory an idle persistent connection costs a server.
// Each measurement starts a new server, because a server may keep memory that it
// once had.
func (b *bench) withIdle(k kind) *contestant {
	return &contestant{name: k.name, measure: func(ctx context.Context) (sample, error) {
		s := b.start(ctx, k)
		defer s.stop()
		if s.err != nil {
			return nil, s.err
		}
		before, err := b.memoryOf(ctx, s)
		if err != nil {
			return nil, err
		}
		l := load{pageName, page, false}
		var all errgroup.Group
		all.SetLimit(64) // if a server's queue of connections is full, a client waits a second before it tries again
		for range idleConnections {
			client := l.client()
			defer client.CloseIdleConnections()
			all.Go(func() error { return l.ask(client, s.addr) })
		}
		if err := all.Wait(); err != nil {
			return nil, fmt.Errorf("%d connections (ulimit -n must allow them): %w", idleConnections, err)
		}
		// The server has written the last answers, but perhaps it does not yet wait for
		// the next requests. Only the server itself can see that.
		time.Sleep(200 * time.Millisecond)
		after, err := b.memoryOf(ctx, s)
		return sample{"B": (after - before) / idleConnections}, err
	}}
}

// memoryOf returns the memory of a server and its workers, in bytes. They are a group
// of processes. Memory that they share counts more than once, but it is there from the
// start, and so it does not matter for a difference.
func (b *bench) memoryOf(ctx context.Context, s *server) (sum float64, err error) {
	ps, err := b.command(ctx, "ps -eo pgid=,rss=")
	if err != nil {
		return 0, err
	}
	out, err := ps.Output()
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == strconv.Itoa(s.cmd.Process.Pid) {
			kilobytes, _ := strconv.Atoi(f[1]) // ps prints digits
			sum += float64(kilobytes) * 1024
		}
	}
	if err != nil || sum == 0 {
		return 0, excuse("this ps does not show the memory of a group of processes")
	}
	return sum, nil
}

// Commands that download a URL and drop the body.
const (
	stage3 = "stage3-client -fail -body -o NULL URL"
	curl   = "curl -s -f -o NULL URL"
)

// downloads measures a command that downloads the large file from stage 2.
func (b *bench) downloads(name, command string) *contestant {
	return &contestant{name: name, measure: func(ctx context.Context) (sample, error) {
		s, err := b.serverOf(ctx, stage2)
		if err != nil {
			return nil, err
		}
		b.once.Do(func() { // so that the system has the file in memory for each download
			if f, err := os.Open(filepath.Join(b.site(), largeName)); err == nil {
				io.Copy(io.Discard, f) // if it fails, the first download is slow
				f.Close()
			}
		})
		const most = 2 * time.Minute
		ctx, cancel := context.WithTimeout(ctx, most)
		defer cancel()
		cmd, err := b.command(ctx, command, "NULL", os.DevNull, "URL", "http://"+s.addr+"/"+largeName)
		if err != nil {
			return nil, err
		}
		said := &launch.Tail{}
		cmd.Stderr = said
		peak, took, err := cmd.Measure()
		if err == nil && cmd.ExitStatus() != 0 {
			err = orUnwritten(fmt.Errorf("exit status %d: %s", cmd.ExitStatus(), said))
		}
		return sample{"s": took.Seconds(), "B": float64(peak)}, err
	}}
}
