//go:build kit

package golden

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"weblab.example/scripts/internal/launch"
)

// A mistake of a program, not of a connection, is the test binary started
// again: it starts the right server and changes what is seen of it.

// museumEnv names the one of processes that the test binary is.
const museumEnv = "WEBLAB_MUSEUM"

func init() {
	if name := os.Getenv(museumEnv); name != "" {
		os.Exit(processes[name].run(os.Args[1], os.Args[2:]))
	}
}

// A wrongProcess bends what its fields say, and passes on the rest.
type wrongProcess struct {
	stdout, stderr func(line string) string
	status         func(int) int
	signal         func(right *exec.Cmd, args []string, n int) // the n-th signal; nil: pass it on
	behind         func(addr string) (port string)             // listens in front of the right server
}

var processes = map[string]wrongProcess{
	"chatter":    {stdout: func(line string) string { return line + "ready to serve...\n" }},
	"greeting":   {stdout: func(line string) string { return "The server is ready to receive\n" + line }},
	"no address": {stdout: func(line string) string { return "http://localhost/ serves " + line[strings.LastIndex(line, " ")+1:] }},
	"port taken": {stderr: func(line string) string {
		if strings.Contains(line, "taken") {
			return "OSError: [Errno 98] Address already in use\n"
		}
		return line
	}},
	"any use": {status: func(status int) int {
		if status == 2 {
			return 0
		}
		return status
	}},
	"interrupted": {signal: func(right *exec.Cmd, _ []string, _ int) {
		right.Process.Kill()
		fmt.Fprintln(os.Stderr, "KeyboardInterrupt")
	}},
	"deaf to signals": {signal: func(*exec.Cmd, []string, int) {}},
	"stops at once": {
		signal: func(right *exec.Cmd, _ []string, _ int) { right.Process.Kill() },
		status: func(status int) int { return max(status, 0) }, // -1 is a signal's
	},
	"sleeps": {
		signal: func(right *exec.Cmd, _ []string, _ int) {
			right.Process.Signal(syscall.SIGTERM)
			time.AfterFunc(1500*time.Millisecond, func() { right.Process.Kill() }) // fails if it has ended
		},
		status: func(status int) int { return max(status, 0) }, // -1 is a signal's
	},
	"sleeps long": {status: func(status int) int {
		time.Sleep(2500 * time.Millisecond)
		return status
	}},
	"one signal": {signal: func(right *exec.Cmd, _ []string, n int) {
		if n == 1 {
			right.Process.Signal(syscall.SIGTERM)
		}
	}},
	"waits for the silent": {signal: func(right *exec.Cmd, args []string, _ int) {
		if !slices.Contains(args, "-idle-timeout") { // else it waits for that long
			right.Process.Signal(syscall.SIGTERM)
		}
	}},
	"whole": {behind: holdWhole},
}

// run runs the right server and returns the exit status of the wrong one.
func (w wrongProcess) run(right string, args []string) int {
	cmd := exec.Command(right, args...)
	same := func(line string) string { return line }
	if w.stderr == nil {
		w.stderr = same
	}
	if w.stdout == nil {
		w.stdout = same
	}
	cmd.Stderr = &lines{to: os.Stderr, edit: w.stderr}
	out, err := cmd.StdoutPipe()
	if err != nil {
		panic(err)
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	go func() {
		n := 0
		for s := range signals {
			if n++; w.signal != nil {
				w.signal(cmd, args, n)
			} else {
				cmd.Process.Signal(s)
			}
		}
	}()
	for in := bufio.NewReader(out); ; {
		line, err := in.ReadString('\n')
		if line != "" {
			if addr, dir, ok := launch.Announced(line); ok && w.behind != nil {
				host, _, _ := net.SplitHostPort(addr)
				line = fmt.Sprintf("http://%s:%s/ serves %s\n", host, w.behind(addr), dir)
			}
			io.WriteString(os.Stdout, w.stdout(line))
		}
		if err != nil {
			break
		}
	}
	cmd.Wait() // its status is looked at
	status := cmd.ProcessState.ExitCode()
	if w.status != nil {
		return w.status(status)
	}
	if status < 0 {
		return 130
	}
	return status
}

// holdWhole listens, and sends an answer when it has all of it.
func holdWhole(addr string) (port string) {
	ln, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				panic(err)
			}
			go func() {
				defer client.Close()
				server, err := net.Dial("tcp", addr)
				if err != nil {
					return
				}
				defer server.Close()
				go io.Copy(server, client)
				answer, _ := io.ReadAll(server)
				client.Write(answer) // fails if the client left
			}()
		}
	}()
	_, port, _ = net.SplitHostPort(ln.Addr().String())
	return port
}
