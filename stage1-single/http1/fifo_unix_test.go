//go:build unix

package http1

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFIFO: a FIFO that nobody writes to holds up nobody, and is no file.
func TestFIFO(t *testing.T) {
	site, dir := newSite(t, map[string]string{"a": ""})
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644); err != nil {
		t.Skip(err)
	}
	answered := make(chan *Response, 1)
	go func() { answered <- site.Get("/fifo") }()
	select {
	case resp := <-answered:
		if resp.Status != 404 || !strings.Contains(resp.Why, "not a regular file") {
			t.Errorf("%d, %q", resp.Status, resp.Why)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it waits for somebody to write")
	}
}
