//go:build unix

package http1

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestOpenFIFO: a FIFO that nobody writes to holds up nobody, and is no file.
func TestOpenFIFO(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644); err != nil {
		t.Skip(err)
	}
	site, err := OpenSite(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer site.root.Close()
	answered := make(chan error, 1)
	go func() {
		file, err := site.open("fifo")
		if err == nil {
			_, err = fileResponse(file)
		}
		answered <- err
	}()
	select {
	case err := <-answered:
		if !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%v, want: %v", err, fs.ErrInvalid)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it waits for somebody to write")
	}
}
