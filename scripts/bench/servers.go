package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/launch"
)

// A kind is one kind of server.
type kind struct {
	name  string
	tool  string // that must be installed, or ""
	how   string // how it is started, in a line
	start func(context.Context, *bench) (*server, error)
}

// The servers that are measured. All serve the same folder.
var (
	stage1 = kind{name: "stage 1", how: "-log off", start: func(ctx context.Context, b *bench) (*server, error) {
		return b.startStage(ctx, 1)
	}}
	stage2 = kind{name: "stage 2", how: strings.Join(stage2Flags, " "), start: func(ctx context.Context, b *bench) (*server, error) {
		return b.startStage(ctx, 2, stage2Flags...)
	}}
	netHTTP = kind{name: "net/http", how: "http.Serve(ln, http.FileServer(http.Dir(folder)))", start: func(ctx context.Context, b *bench) (*server, error) {
		return b.startOurs(ctx, "fileserver", b.programs[0], b.site())
	}}
	nginx  = kind{name: "nginx", tool: "nginx", how: nginxHow, start: startNginx}
	python = kind{name: "Python", tool: "python3", how: "python3 -m http.server", start: startPython}
)

var stage2Flags = []string{"-log", "off", "-keep-alive", "-idle-timeout", "60s", "-max-conns", "10000"}

// A server is a server that runs.
type server struct {
	addr string
	stop func()
	log  string // the file with its standard error
}

// said returns the beginning of what the server wrote to standard error.
func (s *server) said() string {
	content, _ := os.ReadFile(s.log) // if it fails, there is nothing to report
	return strings.TrimSpace(string(content[:min(len(content), 1000)]))
}

// serverOf returns the server of a kind. The first call starts it.
func (b *bench) serverOf(ctx context.Context, k kind) (*server, error) {
	if s := b.running[k.name]; s != nil {
		return s, nil
	}
	s, err := b.startServer(ctx, k)
	if err == nil {
		b.running[k.name] = s
	}
	return s, err
}

// startServer starts a server and warms it up. The first answers of a program take
// longer, and stage 2 remembers a file only after a tenth of a second without a
// change.
func (b *bench) startServer(ctx context.Context, k kind) (*server, error) {
	s, err := k.start(ctx, b)
	if err != nil {
		return nil, err
	}
	for _, l := range []load{
		{path: pageName, size: len(page), body: page, conns: 2, close: true, time: 150 * time.Millisecond},
		{path: fileName, size: fileSize, conns: 2, close: true, time: 50 * time.Millisecond},
	} {
		if _, err := l.fromSockets(ctx, s.addr); err != nil {
			s.stop()
			return nil, fmt.Errorf("%s, asked for /%s: %w\n%s", k.name, l.path, err, s.said())
		}
	}
	return s, nil
}

// startStage starts one of the kit's servers, without a log.
func (b *bench) startStage(ctx context.Context, stage int, flags ...string) (*server, error) {
	args := append([]string{"-addr", "127.0.0.1:0", "-root", b.site(), "-log", "off"}, flags...)
	return b.startOurs(ctx, kit.Folder(stage), b.programs[stage], args...)
}

// startOurs starts a server that announces itself.
func (b *bench) startOurs(ctx context.Context, name, program string, args ...string) (*server, error) {
	log, err := os.Create(filepath.Join(b.temp, name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s, err := launch.Serve(ctx, log, program, args...)
	if err != nil {
		return nil, err
	}
	return &server{addr: s.Addr, stop: func() { s.Stop() }, log: log.Name()}, nil
}

// startPython starts Python's server. It always logs each request, so its log goes
// to a file.
func startPython(ctx context.Context, b *bench) (*server, error) {
	addr, port, err := freePort()
	if err != nil {
		return nil, err
	}
	return b.startForeign(ctx, "python3", addr, "-m", "http.server", port, "--bind", "127.0.0.1", "--directory", b.site())
}

// startForeign starts a program that does not say when it listens, and waits
// until it answers at addr.
func (b *bench) startForeign(ctx context.Context, tool, addr string, args ...string) (*server, error) {
	path, err := findTool(tool)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(b.temp, tool+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return launch.KillGroup(cmd) }
	launch.OwnGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", tool, err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait() // stop kills it, so its status says nothing
		close(ended)
	}()
	s := &server{addr: addr, log: log.Name(), stop: func() {
		launch.KillGroup(cmd) // fails if it has ended by itself
		<-ended
	}}
	const startTime = 10 * time.Second
	deadline := time.After(startTime)
	for ask(addr) != nil {
		select {
		case <-ended:
			return nil, fmt.Errorf("%s ended at once: %s", tool, s.said())
		case <-deadline:
			s.stop()
			return nil, fmt.Errorf("%s did not answer within %v", tool, startTime)
		case <-ctx.Done():
			<-ended
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond): // the program does not say when it listens
		}
	}
	return s, nil
}

// errNotHere says that this system cannot measure something.
var errNotHere = errors.New("not measured on " + runtime.GOOS)
