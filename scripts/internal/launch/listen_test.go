package launch

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"testing"
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
