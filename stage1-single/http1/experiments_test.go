package http1

import (
	"net"
	"runtime"
	"testing"
	"time"
)

// TestBacklog counts how many connections are made while nobody accepts.
func TestBacklog(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if err := (&Experiments{Backlog: 1}).listen(ln); err != nil {
		if runtime.GOOS == "windows" {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	if runtime.GOOS != "linux" {
		t.Skip("how many connections a backlog of 1 holds differs; on Linux it is 2")
	}
	made := 0
	for range 4 {
		conn, err := net.DialTimeout("tcp", ln.Addr().String(), 200*time.Millisecond)
		if err == nil {
			defer conn.Close()
			made++
		}
	}
	if made != 2 {
		t.Errorf("with a backlog of 1, %d connections were made, want 2", made)
	}
}

func TestExperiment(t *testing.T) {
	for _, c := range []struct {
		mode         string
		status       int
		size, length int64
		connection   string
	}{
		{"", 200, 36, 36, ""}, {"exact", 200, 36, 36, ""}, {"none", 200, 36, -1, "close"},
		{"short", 200, 36, 24, "close"}, {"short", 200, 5, 0, "close"}, {"long", 200, 36, 60, "close"}, {"long", 404, 36, 36, ""},
	} {
		resp := &Response{Status: c.status, Size: c.size, ContentLength: c.size}
		(&Experiments{ContentLength: c.mode}).experiment(resp)
		if resp.ContentLength != c.length || resp.Connection != c.connection {
			t.Errorf("%s %d: Content-Length %d, Connection %q", c.mode, c.status, resp.ContentLength, resp.Connection)
		}
	}
}

func TestIMFFixdate(t *testing.T) {
	beijing := time.FixedZone("CST", 8*60*60)
	if got, want := imfFixdate(time.Date(1994, 11, 6, 16, 49, 37, 0, beijing)), "Sun, 06 Nov 1994 08:49:37 GMT"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
