package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/launch"
	"weblab.example/scripts/internal/term"
)

// The files that all contestants serve.
const (
	pageName  = "HelloWorld.html"
	fileName  = "1MB.bin"
	fileSize  = 1_000_000 // bytes; random ones
	largeName = "1GB.bin"
	largeSize = 1_000_000_000 // bytes; zeros, which take no room on the disk
)

// page is the first page of the kit. It is a copy, because students change theirs.
var page = []byte("太棒了，服务器正常工作！")

// A bench is what all measurements share.
type bench struct {
	options
	temp     string // removed at the end
	file     []byte // the content of fileName
	running  map[kind]*server
	once     sync.Once
	progress *term.Progress
}

func (b *bench) site() string { return filepath.Join(b.temp, "site") }

// built is where a program of the kit is. Windows needs the ending.
func (b *bench) built(program string) string { return filepath.Join(b.temp, program+".exe") }

// prepare builds the stages and net/http's file server, and writes the files that all
// serve.
func prepare(ctx context.Context, o options, stderr io.Writer) (*bench, error) {
	root, err := kit.Find()
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "weblab-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, temp: temp, file: make([]byte, fileSize), running: map[kind]*server{}, progress: term.NewProgress(stderr)}
	b.progress.Now("building the stages")
	var builds errgroup.Group
	for stage := range kit.Stages {
		builds.Go(func() error { return kit.Build(ctx, root, stage, b.built(stage), false) })
	}
	builds.Go(func() error {
		build := launch.Command(ctx, "go", "build", "-C", root, "-o", b.built("fileserver"), "./scripts/bench/fileserver")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build net/http's file server: %w\n%s", err, out)
		}
		return nil
	})
	if err := errors.Join(builds.Wait(), b.writeFiles()); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// writeFiles writes the files.
func (b *bench) writeFiles() error {
	rand.Read(b.file) // does not fail
	large := filepath.Join(b.site(), largeName)
	return errors.Join(os.Mkdir(b.site(), 0o755),
		os.WriteFile(filepath.Join(b.site(), pageName), page, 0o644),
		os.WriteFile(filepath.Join(b.site(), fileName), b.file, 0o644),
		os.WriteFile(large, nil, 0o644), os.Truncate(large, largeSize),
		os.WriteFile(filepath.Join(b.temp, "wrk.lua"), []byte(wrkReport), 0o644))
}

// close ends the servers that still run.
func (b *bench) close() {
	for _, s := range b.running {
		s.stop()
	}
	b.progress.Clear()
	os.RemoveAll(b.temp) // if this fails, the system clears its temporary folder some day
}
