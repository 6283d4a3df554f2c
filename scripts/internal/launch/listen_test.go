package launch

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func init() {
	// listener listens on two addresses. One of the sockets only its child has.
	parts["listener"] = func() {
		own, err := net.Listen("tcp", "[::]:0") // or 0.0.0.0, without IPv6
		if err != nil {
			panic(err)
		}
		childs, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		socket, err := childs.(*net.TCPListener).File()
		if err != nil {
			panic(err)
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), partEnv+"=deaf")
		cmd.ExtraFiles = []*os.File{socket}
		if err := errors.Join(cmd.Start(), childs.Close(), socket.Close()); err != nil {
			panic(err)
		}
		fmt.Printf("http://%s/ serves %s\n", own.Addr(), childs.Addr())
		deaf()
	}
}

func TestListening(t *testing.T) {
	t.Parallel()
	if _, err := Listening(os.Getpid()); errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	c, begun := play(t, t.Context(), "listener")
	own, childs, err := c.StartServer(patience)
	if err != nil {
		t.Fatal(err)
	}
	begun(2)
	at, err := Listening(c.Process.Pid)
	var got []string
	for _, addr := range at {
		got = append(got, addr.String())
	}
	want := []string{own, childs}
	slices.Sort(got)
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if err := c.Kill(); err != nil {
		t.Error(err)
	}
	if at, err := Listening(c.Process.Pid); len(at) != 0 || err != nil {
		t.Errorf("a process that has ended: %v, %v", at, err)
	}
}

// TestStates: of two ends of a connection the one that closes first keeps TIME-WAIT.
func TestStates(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	ends := [][2]netip.AddrPort{
		{server.LocalAddr().(*net.TCPAddr).AddrPort(), server.RemoteAddr().(*net.TCPAddr).AddrPort()},
		{client.LocalAddr().(*net.TCPAddr).AddrPort(), client.RemoteAddr().(*net.TCPAddr).AddrPort()},
	}
	for _, step := range []struct {
		does func() error
		want []string
	}{
		{func() error { return nil }, []string{"ESTABLISHED", "ESTABLISHED"}},
		{server.(*net.TCPConn).CloseWrite, []string{"FIN-WAIT-2", "CLOSE-WAIT"}},
		{server.Close, []string{"FIN-WAIT-2", "CLOSE-WAIT"}},
		{client.Close, []string{"TIME-WAIT", "CLOSED"}},
	} {
		if err := step.does(); err != nil {
			t.Fatal(err)
		}
		got, err := States(ends)
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		for end := time.Now().Add(patience); err == nil && !slices.Equal(got, step.want) && time.Now().Before(end); time.Sleep(time.Millisecond) {
			got, err = States(ends) // the system of the other end answers a little later
		}
		if err != nil || !slices.Equal(got, step.want) {
			t.Errorf("%q, want %q (%v)", got, step.want, err)
		}
	}
}
