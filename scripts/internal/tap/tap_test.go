package tap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// patience is for what happens at once.
const patience = 10 * time.Second

// listen is a server's socket, and a tap in front of it.
func listen(t *testing.T) (net.Listener, *Tap) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tap, err := Open("127.0.0.1:0", func(ctx context.Context) (*net.TCPConn, error) { return dial(ctx, ln.Addr().String()) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tap.Close(); ln.Close() })
	return ln, tap
}

func dial(ctx context.Context, addr string) (*net.TCPConn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// connect makes a connection through a tap, and returns its two ends.
func connect(t *testing.T, ln net.Listener, tap *Tap) (client *net.TCPConn, server net.Conn) {
	t.Helper()
	client, err := dial(t.Context(), tap.Addr)
	if err == nil {
		server, err = ln.Accept()
	}
	if err != nil {
		t.Fatal(err)
	}
	return client, server
}

// passed is what a tap has seen of its first connection, when it is over.
func passed(t *testing.T, tap *Tap) Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conns, err := tap.Wait(ctx, func(conns []Conn) bool { return len(conns) > 0 && conns[0].Over })
	if err != nil {
		t.Fatalf("the connection was not over: %d connections", len(conns))
	}
	return conns[0]
}

// A talk is a connection with somebody at both ends, and what they see.
type talk struct {
	t     *testing.T
	ends  map[string]*net.TCPConn
	saw   []string
	bytes map[string][]byte // sent by each
}

// do does steps, such as "client sends", "server reads", "client ends" (a FIN), "server closes",
// "client resets". Whoever reads gets all that was sent and not yet read, or meets an end.
func (k *talk) do(steps string) {
	k.t.Helper()
	unread := map[string][]byte{}
	other := map[string]string{Client: Server, Server: Client}
	for step := range strings.SplitSeq(steps, ", ") {
		who, what, _ := strings.Cut(step, " ")
		conn := k.ends[who]
		conn.SetDeadline(time.Now().Add(patience))
		switch what {
		case "sends":
			data := fmt.Appendf(nil, "%s\r\n\x00%d", who, rand.Uint64())
			if _, err := conn.Write(data); err != nil {
				k.t.Fatalf("%s: %v", step, err)
			}
			k.bytes[who] = append(k.bytes[who], data...)
			unread[other[who]] = append(unread[other[who]], data...)
		case "ends":
			conn.CloseWrite()
		case "resets":
			abort(conn)
		case "closes":
			conn.Close()
		case "reads":
			data := make([]byte, len(unread[who]))
			if _, err := io.ReadFull(conn, data); err != nil || !bytes.Equal(data, unread[who]) {
				k.t.Errorf("%s %q, want %q (%v)", step, data, unread[who], err)
			}
			unread[who] = nil
		case "reads a byte":
			if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
				k.t.Fatalf("%s: %v", step, err)
			}
		case "sees":
			n, err := conn.Read(make([]byte, 1))
			if err != io.EOF {
				var timeout net.Error
				if errors.As(err, &timeout) && timeout.Timeout() {
					k.t.Fatalf("%s nothing", step)
				}
				err = errors.New("reset")
			}
			k.saw = append(k.saw, fmt.Sprintf("%s %d %v", step, n, err))
		default:
			k.t.Fatalf("what is %q?", step)
		}
	}
}

// passes are what both ends do, what they see of it, and the pieces that passed.
var passes = []struct{ name, steps, saw, pieces, first string }{
	{"the server closes", "client sends, server reads, server sends, server sends, server closes, client reads, client sees, client closes",
		"client sees 0 EOF", "client, server, FIN server, FIN client", Server},
	{"the client ends its half", "client sends, client ends, server reads, server sees, server sends, client reads, server sends, client reads, server closes, client sees, client closes",
		"server sees 0 EOF, client sees 0 EOF", "client, FIN client, server, server, FIN server", Client},
	{"the server ends its half", "server sends, server ends, client reads, client sees, client sends, server reads, client sends, server reads, client closes, server sees, server closes",
		"client sees 0 EOF, server sees 0 EOF", "server, FIN server, client, client, FIN client", Server},
	{"the client resets", "client sends, server reads, client resets, server sees", "server sees 0 reset", "client, RST client", Client},
	{"the server resets", "client sends, server reads, server resets, client sees", "client sees 0 reset", "client, RST server", Server},
	{"the server closes, and does not read what came", "client sends, server reads a byte, server sends, client reads, server closes, client sees", "client sees 0 reset", "client, server, RST server", Server},
	{"a client that is reset when it has ended", "client sends, client ends, server reads, server sees, server resets, client sees", "server sees 0 EOF, client sees 0 reset", "client, FIN client, RST server", Client},
	{"a server that is reset when it has ended", "server ends, client sees, client resets, server sees", "client sees 0 EOF, server sees 0 reset", "FIN server, RST client", Server},
	{"nothing is said", "client closes, server sees, server closes", "server sees 0 EOF", "FIN client, FIN server", Client},
}

// TestPasses: both ends see through a tap what they see without one, and it writes down
// all bytes, every end, and who closed first.
func TestPasses(t *testing.T) {
	t.Parallel()
	for _, test := range passes {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ln, tap := listen(t)
			var saw []string
			for _, addr := range []string{ln.Addr().String(), tap.Addr} {
				client, err := dial(t.Context(), addr)
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				server, err := ln.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer server.Close()
				k := &talk{t: t, ends: map[string]*net.TCPConn{Client: client, Server: server.(*net.TCPConn)}, bytes: map[string][]byte{}}
				k.do(test.steps)
				if saw = append(saw, strings.Join(k.saw, ", ")); len(saw) == 1 {
					continue
				}
				c := passed(t, tap)
				got, sums := []string{}, map[string][]byte{}
				for _, p := range c.Pieces {
					if line := strings.TrimSpace(p.End + " " + p.From); len(got) == 0 || got[len(got)-1] != line || p.End != "" {
						got = append(got, line)
					}
					if len(p.Bytes) != p.Size {
						t.Errorf("%d of %d bytes are kept", len(p.Bytes), p.Size)
					}
					sums[p.From] = append(sums[p.From], p.Bytes...)
				}
				for who, sent := range k.bytes {
					if !bytes.Equal(sums[who], sent) {
						t.Errorf("of the %s it has %q, want %q", who, sums[who], sent)
					}
				}
				want := slices.Compact(strings.Split(test.pieces, ", ")) // the system may join two pieces
				if diff := cmp.Diff(want, got); diff != "" || c.ClosedFirst() != test.first {
					t.Errorf("%s closed first; the pieces (-want +got):\n%s", c.ClosedFirst(), diff)
				}
			}
			if diff := cmp.Diff([]string{test.saw, test.saw}, saw); diff != "" {
				t.Errorf("seen without a tap, and with one (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAfterClose: a client that goes on after the server has closed is reset, through a tap as
// without one. What Windows calls 10054 must not be lost.
func TestAfterClose(t *testing.T) {
	t.Parallel()
	ln, tap := listen(t)
	client, server := connect(t, ln, tap)
	defer client.Close()
	server.Close()
	client.SetDeadline(time.Now().Add(patience))
	if n, err := client.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Fatalf("behind the close: %d, %v", n, err)
	}
	if _, err := client.Write([]byte("more")); err != nil {
		t.Fatal(err)
	}
	c := passed(t, tap) // so the reset has been sent
	var got []string
	for _, p := range c.Pieces {
		got = append(got, fmt.Sprint(p.From, " ", p.Size, p.End))
	}
	if diff := cmp.Diff([]string{"server 0FIN", "client 4", "server 0RST"}, got); diff != "" {
		t.Errorf("the pieces (-want +got):\n%s", diff)
	}
	if _, err := client.Write([]byte("more")); err == nil {
		t.Error("the client could go on")
	}
}

// TestRefused: where no server listens, the client is reset, and it is known why.
func TestRefused(t *testing.T) {
	t.Parallel()
	ln, tap := listen(t)
	ln.Close()
	if client, err := dial(t.Context(), tap.Addr); err == nil { // else it was reset even before
		defer client.Close()
		client.SetDeadline(time.Now().Add(patience))
		if _, err := client.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("the client sees %v", err)
		}
	}
	if c := passed(t, tap); c.Failed == nil || !c.Connected.IsZero() || len(c.Pieces) > 0 {
		t.Errorf("it has %+v", c)
	}
}

// TestFreePort: a server that closed first, and that does not ask for the address to be reused,
// has its port again at once.
func TestFreePort(t *testing.T) {
	t.Parallel()
	ln, tap := listen(t)
	tap.FreePort = true
	client, server := connect(t, ln, tap)
	server.Close()
	client.SetDeadline(time.Now().Add(patience))
	client.Read(make([]byte, 1))
	client.Close()
	passed(t, tap)
	ln.Close()
	if err := bindAnew(ln.Addr().(*net.TCPAddr)); err != nil {
		t.Errorf("the port is not free: %v", err)
	}
}

// TestMany: where a connection has too many pieces, the last ones are counted as one.
func TestMany(t *testing.T) {
	t.Parallel()
	ln, tap := listen(t)
	client, server := connect(t, ln, tap)
	const pieces, each = keepPieces + 100, 200
	sent, came := make([]byte, pieces*each), make([]byte, each)
	for i := range sent {
		sent[i] = byte(rand.Uint32())
	}
	for one := range slices.Chunk(sent, each) {
		client.Write(one)
		if _, err := io.ReadFull(server, came); err != nil { // so that the next one is a piece of its own
			t.Fatal(err)
		}
	}
	client.Close()
	server.Close()
	c := passed(t, tap)
	var kept []byte
	size, parts := 0, 0
	for _, p := range c.Pieces {
		kept, size, parts = append(kept, p.Bytes...), size+p.Size, parts+p.Parts
	}
	if len(c.Pieces) != keepPieces+2 || size != len(sent) || parts != pieces || !bytes.Equal(kept, sent[:keepBytes]) {
		t.Errorf("%d pieces, %d bytes in %d parts, %d are kept", len(c.Pieces), size, parts, len(kept))
	}
}

// TestFlood: a server resets while the client sends. The system tells the tap of that once,
// where it sends or where it reads; no end may come of it.
func TestFlood(t *testing.T) {
	t.Parallel()
	for range 30 {
		ln, tap := listen(t)
		client, server := connect(t, ln, tap)
		defer client.Close()
		client.SetDeadline(time.Now().Add(patience))
		flood := make(chan error)
		go func() {
			for {
				if _, err := client.Write(make([]byte, bufferSize)); err != nil {
					flood <- err
					return
				}
			}
		}()
		io.ReadFull(server, make([]byte, 1<<20))
		abort(server.(*net.TCPConn))
		<-flood
		c := passed(t, tap)
		ends := ""
		for _, p := range c.Pieces {
			if p.End != "" {
				ends += p.From + p.End
			}
		}
		if ends != Server+RST {
			t.Fatalf("the ends are %q", ends)
		}
	}
}

// TestOver: connections that end on both sides at the same time are over, each of them.
func TestOver(t *testing.T) {
	t.Parallel()
	const clients = 3000
	ln, tap := listen(t)
	go func() {
		for {
			server, err := ln.Accept()
			if err != nil {
				return
			}
			server.Close()
		}
	}()
	for range clients {
		client, err := dial(t.Context(), tap.Addr)
		if err != nil {
			t.Fatal(err)
		}
		client.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	open := func(c Conn) bool { return !c.Over }
	conns, err := tap.Wait(ctx, func(conns []Conn) bool { return len(conns) == clients && !slices.ContainsFunc(conns, open) })
	if err != nil {
		t.Fatalf("of %d connections, %d came, and not all are over", clients, len(conns))
	}
}
