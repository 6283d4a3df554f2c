package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"weblab.example/scripts/internal/launch"
)

// A kind is one kind of server, and the command that starts it. A command is a program
// and its arguments. Words in capitals stand for what start chooses.
type kind struct{ name, command string }

// The servers that are measured. All serve the same folder. Only rows with persistent
// connections need step 1.9 to be written.
var (
	stage1  = kind{"stage 1", "stage1-single -addr ADDR -root SITE -log off"}
	stage2  = kind{"stage 2", "stage2-concurrent -addr ADDR -root SITE -log off"}
	keeping = kind{"stage 2", stage2.command + " -keep-alive -idle-timeout 60s -max-conns 10000"}
	netHTTP = kind{"net/http", "fileserver ADDR SITE"}
	nginx   = kind{"nginx", "nginx -p TEMP -c TEMP/nginx.conf"}
	python  = kind{"Python", "python3 -m http.server PORT --bind 127.0.0.1 --directory SITE"}
)

// nginxConfig sets nginx up to be fast, as people do. Its names are those of files below
// the temporary folder. If root starts nginx, the workers must keep the rights of root:
// otherwise they could not read that folder.
const nginxConfig = `user root; daemon off; pid nginx.pid; error_log stderr;
worker_processes auto;
worker_rlimit_nofile 12000;
events { worker_connections 10000; }
http {
	access_log off;
	sendfile on;
	keepalive_requests 1000000000;
	keepalive_timeout 10m;
	types { text/html html; }
	client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;
	server { listen ADDR; root site; }
}
`

// An excuse is why something is not measured although nothing failed.
type excuse string

func (e excuse) Error() string { return string(e) }

// tools are programs that bench uses if they are installed, the flag that prints their
// version, and how to install them.
var tools = []struct{ name, version, install string }{
	{"nginx", "-v", "apt install nginx, or brew install nginx"},
	{"wrk", "-v", "apt install wrk, or brew install wrk"},
	{"python3", "--version", "apt install python3, or python.org"},
	{"curl", "--version", "apt install curl"},
}

// find returns the path of a program that was built, or of a tool.
func (b *bench) find(program string) (string, error) {
	if path, err := exec.LookPath(b.built(program)); err == nil {
		return path, nil
	}
	// Servers are often in folders where only root's shell looks.
	for _, folder := range []string{"", "/usr/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(filepath.Join(folder, program)); err == nil {
			return path, nil
		}
	}
	for _, t := range tools {
		if t.name == program {
			program += ": " + t.install
		}
	}
	return "", excuse("not installed: " + program)
}

// command prepares a command. Its first word is the program. For others that stand for
// something, values are the words and what they stand for, in turn.
func (b *bench) command(ctx context.Context, command string, values ...string) (*launch.Cmd, error) {
	words := strings.Fields(command)
	program, err := b.find(words[0])
	if err != nil {
		return nil, err
	}
	replace := strings.NewReplacer(append(values, "SITE", b.site(), "TEMP", b.temp)...)
	for i, word := range words {
		words[i] = replace.Replace(word)
	}
	return launch.Command(ctx, program, words[1:]...), nil
}

// A server is a server that runs, or the reason why it does not.
type server struct {
	addr string
	cmd  *launch.Cmd
	err  error
}

func (s *server) stop() {
	if s.cmd != nil {
		s.cmd.Kill() // what still runs then ends with bench
	}
}

// serverOf returns the server of a kind. The first call starts it.
func (b *bench) serverOf(ctx context.Context, k kind) (*server, error) {
	if b.running[k] == nil {
		b.running[k] = b.start(ctx, k)
	}
	return b.running[k], b.running[k].err
}

// start starts a server on a free port, and warms it up. Its output goes to a file,
// because Python's server logs each request, and a file takes the least time for it.
func (b *bench) start(ctx context.Context, k kind) *server {
	addr, err := freeAddr()
	log, logErr := os.CreateTemp(b.temp, "log-")
	config := os.WriteFile(filepath.Join(b.temp, "nginx.conf"), []byte(strings.ReplaceAll(nginxConfig, "ADDR", addr)), 0o644)
	if err := errors.Join(err, logErr, config); err != nil {
		return &server{err: err}
	}
	defer log.Close()
	cmd, err := b.command(ctx, k.command, "ADDR", addr, "PORT", strings.TrimPrefix(addr, "127.0.0.1:"))
	if err != nil {
		return &server{err: err}
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return &server{err: fmt.Errorf("start %s: %w", k.name, err)}
	}
	s := &server{addr: addr, cmd: cmd}
	if s.err = s.listens(); s.err == nil {
		s.err = b.warmUp(addr)
	}
	if s.err != nil {
		s.stop()
		said, _ := os.ReadFile(log.Name()) // without it, there is less to report
		s.err = orUnwritten(fmt.Errorf("%s: %w\n%.1000s", k.name, s.err, said))
	}
	return s
}

// listens waits until a server takes connections. Only the stages say when they do.
func (s *server) listens() error {
	const startTime = 10 * time.Second
	for end := time.Now().Add(startTime); ; {
		conn, err := net.Dial("tcp", s.addr)
		if err == nil {
			conn.Close() // it was only to see that it can be made
			return nil
		}
		select {
		case <-s.cmd.Done():
			return errors.New("it ended at once")
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(end) {
			return err
		}
	}
}

// freeAddr returns an address at which no program listens. Another program may take it
// before the caller does. So the caller checks that its server answers.
func freeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// orUnwritten turns an error into an excuse if it comes from a function that is not
// written yet in a student's copy: its program names the step.
func orUnwritten(err error) error {
	gap := regexp.MustCompile(`step \S+ is not written yet[^\n<"]*`)
	if text := gap.FindString(err.Error()); text != "" {
		return excuse(text)
	}
	return err
}
