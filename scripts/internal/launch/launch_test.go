package launch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// The programs of these tests are this test itself, in a part that the environment names.
const patience = 20 * time.Second // for what a right launcher does at once

const partEnv, addrEnv = "LAUNCH_TEST_PART", "LAUNCH_TEST_ADDR"

var parts = map[string]func(){
	"deaf":   deaf,
	"parent": func() { child(); deaf() },
	// leaver ends when it is told to. Its child holds its output open.
	"leaver": func() {
		child()
		io.Copy(io.Discard, os.Stdin)
		fmt.Print("left")
		os.Exit(3)
	},
	"polite": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		fmt.Print("http://localhost:1/ serves some dir\nand more\n")
		<-ctx.Done()
		os.Exit(7)
	},
	// starter starts a deaf program in the way that is tested here.
	"starter": func() {
		c := Command(context.Background(), os.Args[0])
		c.Env = append(os.Environ(), partEnv+"=deaf")
		c.Run()
	},
	"babbler": func() { fmt.Print("hello\n"); time.Sleep(time.Minute) },
	"silent":  func() { time.Sleep(time.Minute) },
	"ended":   func() { fmt.Print("no"); os.Exit(5) },
}

// deaf cannot be asked to stop. Its connection ends when it does.
func deaf() {
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	if conn, err := net.Dial("tcp", os.Getenv(addrEnv)); err == nil {
		conn.Read(make([]byte, 1)) // nothing is ever sent
	}
}

// child starts a deaf program.
func child() {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), partEnv+"=deaf")
	cmd.Stdout = os.Stdout
	if err := cmd.Start(); err != nil {
		panic(err)
	}
}

func TestMain(m *testing.M) {
	if part := parts[os.Getenv(partEnv)]; part != nil {
		part()
		return
	}
	os.Exit(m.Run())
}

// play prepares a part. begun waits until n deaf processes have begun, and returns a
// function that checks that they have ended.
func play(t *testing.T, ctx context.Context, part string) (c *Cmd, begun func(n int) (gone func())) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { ln.Close() })
	c = Command(ctx, os.Args[0])
	c.Env = append(os.Environ(), partEnv+"="+part, addrEnv+"="+ln.Addr().String())
	t.Cleanup(func() { c.Kill() })
	return c, func(n int) func() {
		t.Helper()
		var conns []net.Conn
		for range n {
			ln.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
			conn, err := ln.Accept()
			if err != nil {
				t.Fatalf("a deaf process of %s did not begin: %v", part, err)
			}
			t.Cleanup(func() { conn.Close() })
			conns = append(conns, conn)
		}
		return func() {
			t.Helper()
			for _, conn := range conns {
				conn.SetReadDeadline(time.Now().Add(time.Second))
				if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("a process of %s still runs (%v)", part, err)
				}
			}
		}
	}
}

// must fails the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestKill(t *testing.T) {
	t.Parallel()
	for _, how := range []struct {
		name string
		end  func(c *Cmd, cancel func()) error
	}{
		{"by Kill, twice", func(c *Cmd, _ func()) error { return errors.Join(c.Kill(), c.Kill()) }},
		{"by its context", func(c *Cmd, cancel func()) error {
			cancel()
			_, err := c.Wait(patience)
			return err
		}},
		{"as a server that cannot be asked", func(c *Cmd, _ func()) error { return (&Server{Cmd: c}).Stop() }},
	} {
		t.Run(how.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c, begun := play(t, ctx, "parent")
			must(t, c.Start())
			gone := begun(2)
			if _, err := c.Wait(time.Millisecond); err == nil {
				t.Error("Wait said that it had ended")
			}
			if err := how.end(c, cancel); err != nil {
				t.Error(err)
			}
			gone()
		})
	}
}

// TestLeftBehind checks that a child that lives on, with the output open, keeps nobody
// waiting, and is ended.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	c, begun := play(t, t.Context(), "leaver")
	var out bytes.Buffer
	c.Stdout = &out
	stdin, err := c.StdinPipe()
	must(t, err)
	must(t, c.Start())
	gone := begun(1)
	stdin.Close()
	if status, err := c.Wait(patience); status != 3 || err != nil {
		t.Fatalf("its status was %d, %v", status, err)
	}
	gone()
	if out.String() != "left" {
		t.Errorf("it wrote %q", out.String())
	}
	if err := c.Kill(); err != nil {
		t.Errorf("Kill, when it had ended: %v", err)
	}
}

// TestStarterIsKilled checks that a program does not outlive who started it.
func TestStarterIsKilled(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("this system has no way to do so")
	}
	t.Parallel()
	c, begun := play(t, t.Context(), "starter")
	starter := exec.Command(os.Args[0]) // not c: that would end all of them
	starter.Env = c.Env
	must(t, starter.Start())
	gone := begun(1)
	must(t, starter.Process.Kill())
	starter.Wait()
	gone()
}

// TestStartServer checks that what a server says first is read, and that it can be asked
// to stop.
func TestStartServer(t *testing.T) {
	t.Parallel()
	c, _ := play(t, t.Context(), "polite")
	var rest Tail
	c.Stdout = &rest
	addr, dir, err := c.StartServer(patience)
	if err != nil || addr != "localhost:1" || dir != "some dir" {
		t.Fatalf("it said %q, %q, %v", addr, dir, err)
	}
	if err := c.AskToStop(); errors.Is(err, errors.ErrUnsupported) {
		t.Skip("where there is no console: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	if status, err := c.Wait(patience); status != 7 || err != nil {
		t.Errorf("its status was %d, %v", status, err)
	}
	if rest.String() != "and more\n" {
		t.Errorf("behind its first line it wrote %q", rest.String())
	}
}

func TestNotAnnounced(t *testing.T) {
	t.Parallel()
	for part, want := range map[string]NotAnnounced{"babbler": {Line: "hello\n"}, "silent": {Waited: time.Second}, "ended": {Line: "no"}} {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			within := patience
			if want.Waited > 0 {
				within = want.Waited
			}
			c, _ := play(t, t.Context(), part)
			_, _, err := c.StartServer(within)
			var got *NotAnnounced
			if !errors.As(err, &got) || got.Line != want.Line || got.Waited != want.Waited {
				t.Errorf("the error was %v, want %v", err, &want)
			}
			if _, err := c.Wait(0); err != nil {
				t.Error(err) // it still runs
			}
		})
	}
}

func TestTail(t *testing.T) {
	tail := &Tail{Most: 4}
	for _, s := range []string{"ab", "cde", "", "fghijklmn", "o"} {
		fmt.Fprint(tail, s)
	}
	if got := tail.String(); got != "lmno" {
		t.Errorf("it kept %q", got)
	}
}
