package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"weblab.example/scripts/internal/launch"
)

// downloadTimeout is for one download of the large file.
const downloadTimeout = 2 * time.Minute

// A downloader is a program that downloads a URL and drops the body.
type downloader func(url string) (program string, args []string, err error)

func (b *bench) stage3(url string) (string, []string, error) {
	return b.programs[3], []string{"-fail", "-body", "-o", os.DevNull, url}, nil
}

func curl(url string) (string, []string, error) {
	path, err := findTool("curl")
	return path, []string{"-s", "-f", "-o", os.DevNull, url}, err
}

// downloadTime measures how long the program takes from its start to its end.
func (b *bench) downloadTime(d downloader) func(context.Context) (measurement, error) {
	return func(ctx context.Context) (measurement, error) {
		var took time.Duration
		err := b.download(ctx, d, func(cmd *exec.Cmd) error {
			start := time.Now()
			err := cmd.Run()
			took = time.Since(start)
			return err
		})
		return measurement{value: took.Seconds()}, err
	}
}

// downloadPeak measures the memory of the program. It does not measure the time,
// because watching may slow the program down.
func (b *bench) downloadPeak(d downloader) func(context.Context) (measurement, error) {
	return func(ctx context.Context) (measurement, error) {
		var peak int64
		err := b.download(ctx, d, func(cmd *exec.Cmd) (err error) {
			peak, err = peakMemory(cmd)
			return err
		})
		return measurement{value: float64(peak)}, err
	}
}

// download lets the program download the large file from stage 2.
func (b *bench) download(ctx context.Context, d downloader, run func(*exec.Cmd) error) error {
	s, err := b.serverOf(ctx, stage2)
	if err != nil {
		return err
	}
	if err := b.readLarge(); err != nil {
		return err
	}
	program, args, err := d("http://" + s.addr + "/" + largeName)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	var said strings.Builder
	cmd.Stderr = &said
	cmd.Cancel = func() error { return launch.KillGroup(cmd) }
	cmd.WaitDelay = time.Second
	launch.OwnGroup(cmd)
	if err := run(cmd); err != nil {
		return fmt.Errorf("%w %s", err, strings.TrimSpace(said.String()))
	}
	return nil
}

// readLarge reads the large file once. After that the system has it in memory, so
// that the first download is like the others.
func (b *bench) readLarge() error {
	if b.largeHot {
		return nil
	}
	f, err := os.Open(filepath.Join(b.site(), largeName))
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(io.Discard, f)
	b.largeHot = err == nil
	return err
}
