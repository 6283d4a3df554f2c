//go:build kit

package hostile

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"weblab.example/scripts/internal/launch"
)

// TestDescriptorsRunOut: a server may have 64 files open, and 200 clients come. It
// must not end, and must not try again without a pause. It waits a little, logs this,
// and goes on when connections have closed. If a client asks for a file meanwhile, the
// answer is 503 and not 404.
func TestDescriptorsRunOut(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("needs a shell with ulimit -n: Windows has no such limit for sockets")
	}
	const limit, clients, says = "64", 200, "too many open files"
	for stage := 1; stage <= 2; stage++ {
		t.Run(programName(stage), func(t *testing.T) {
			dir := site(t)
			must(t, errors.Join(os.WriteFile(filepath.Join(dir, "other.txt"), []byte("other"), 0o644),
				os.WriteFile(filepath.Join(dir, "large.bin"), make([]byte, 1<<20), 0o644)))
			s := &server{log: &lockedBuffer{}}
			args := []string{"-c", `ulimit -n ` + limit + ` && exec "$0" "$@"`, programs[stage], "-addr", "127.0.0.1:0", "-root", dir, "-head-timeout", "1m"}
			if s.Server, err = launch.Serve(context.Background(), s.log, sh, args...); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { must(t, s.Stop()) })
			before := descriptors(s.Process.Pid)
			if stage == 1 { // it has one connection at a time, so descriptors cannot run out
				manyFiles(t, s, before)
				t.Logf("%s descriptors, 200 requests one after the other: all answered, every descriptor is back", limit)
				return
			}

			conns := hold(t, s.Addr, clients)
			waitFor(t, "it to say that it has too many open files", func() bool { return strings.Contains(s.log.String(), says) })
			tries, worked, begin := strings.Count(s.log.String(), says), processorTime(s.Process.Pid), time.Now()
			time.Sleep(2 * time.Second) // the test counts how often it tries in this time, and how much it works
			tries, worked = strings.Count(s.log.String(), says)-tries, processorTime(s.Process.Pid)-worked
			if tries < 5 || tries > 40 || worked > 200*time.Millisecond {
				t.Errorf("in %v it tried %d times, and worked for %v", time.Since(begin), tries, worked)
			}

			_, err := io.WriteString(conns[0], "GET /other.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
			must(t, err)
			got, err := io.ReadAll(conns[0].in)
			if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n") {
				t.Errorf("a client that asks meanwhile gets %.200q, %v", got, err)
			}
			for _, c := range conns {
				c.Close()
			}
			manyFiles(t, s, before)
			t.Logf("%s descriptors, %d clients: it tried to accept %d times in 2 s, worked for %v, answered 503 to who asked for a file, and 200 to all 200 that came later",
				limit, clients, tries, worked)
		})
	}
}

// manyFiles asks for small and large files, more often than there are descriptors.
// If the server did not close one, they would run out. At the end all are free again.
func manyFiles(t *testing.T, s *server, before int) {
	t.Helper()
	for range 100 {
		_, err := ask(s.Addr)
		must(t, err)
		conn := dial(t, s.Addr)
		_, err = io.WriteString(conn, "GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n")
		must(t, err)
		got, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 200 OK\r\n") || len(got) < 1<<20 {
			t.Fatalf("a large file: %d bytes, %.100q, %v", len(got), got, err)
		}
		conn.Close()
	}
	waitFor(t, "its descriptors to be those of the beginning", func() bool { return descriptors(s.Process.Pid) == before })
}

// programName is how a test calls a stage.
func programName(stage int) string {
	return strings.TrimSuffix(filepath.Base(programs[stage]), ".exe")
}
