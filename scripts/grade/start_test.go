//go:build kit && linux

package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"weblab.example/scripts/golden"
)

// pythonServer is the assignment's server, bound to an address that is an expression. Its
// pages cost nothing.
func pythonServer(address string) string {
	return strings.NewReplacer("('', int(sys.argv[1]))", address, `\n\n' + text + '\r\n'`, `\r\n\r\n' + text`).Replace(textbookServer)
}

// onItsPort is such a server on the port that it is given.
var onItsPort = pythonServer("('', int(sys.argv[1]))")

// A start is a way in which a server is started, or cannot be.
type start struct {
	name, command string
	files         map[string]string
	lines         string        // of a file for -cmd
	want          golden.Status // of the check of a page: passed, if it is ""; not run is not graded
	says          string        // its remark, or why it is not graded
}

const onPort = "python3 WebServer.py {port}"

var starts = []start{
	{name: "takes the port", command: onPort, files: map[string]string{"WebServer.py": onItsPort}},
	{name: "a low port", command: onPort, files: map[string]string{"WebServer.py": pythonServer("('', 80)")},
		says: "the server listens on 0.0.0.0:80, whatever port it is given, and was asked there"},
	{name: "no port in the command", command: "python3 WebServer.py", files: map[string]string{"WebServer.py": pythonServer("('localhost', 6789)")},
		says: "the server listens on 127.0.0.1:6789, whatever port it is given, and was asked there"},
	{name: "the author's address", command: onPort, files: map[string]string{"WebServer.py": pythonServer("('192.168.1.5', 6789)")},
		says: "the server listens on 192.168.1.5:6789, whatever port it is given, and was asked there"},
	{name: "the host's name", command: onPort, files: map[string]string{"WebServer.py": pythonServer("(socket.gethostbyname(socket.gethostname()), 6789)")},
		says: "the server listens on 127.0.0.1:6789, whatever port it is given, and was asked there"},
	{name: "the author's name", command: onPort, files: map[string]string{"WebServer.py": pythonServer("('annas-laptop.example', 6789)")},
		says: "the server listens on 127.0.0.1:6789, whatever port it is given, and was asked there"},
	{name: "asks for the port", command: "python3 WebServer.py", files: map[string]string{"WebServer.py": pythonServer("('', int(input('Port: ')))")}},
	{name: "a command that is missing", command: "python9 WebServer.py {port}", files: map[string]string{"WebServer.py": onItsPort}, want: golden.NotRun,
		says: `cannot start python9: exec: "python9": executable file not found in $PATH. Install it, or name another command: in -cmd, or in a file run in its folder.`},
	{name: "a file that is missing", command: "./server {port}", files: map[string]string{"README": ""}, want: golden.NotRun,
		says: `cannot start ./server: fork/exec ./server: no such file or directory.`},
	{name: "wrong syntax", command: onPort, files: map[string]string{"WebServer.py": "import socket\nwhile True print(1)\n"}, want: golden.NotRun,
		says: "the server could not be started: it ended before it listened (exit status 1). It says: SyntaxError: invalid syntax (WebServer.py:2: while True print(1))."},
	{name: "Python 2", command: onPort, files: map[string]string{"WebServer.py": "print 'Ready'\n"}, want: golden.NotRun,
		says: "(WebServer.py:1: print 'Ready'). It is written in Python 2: name python2 in -cmd, or in a file run in its folder."},
	{name: "an address that is taken", command: onPort, files: map[string]string{"WebServer.py": "import socket\na = socket.socket()\na.bind(('', 80))\nb = socket.socket()\nb.bind(('', 80))\n"}, want: golden.NotRun,
		says: "It says: OSError: [Errno 98] Address already in use (WebServer.py:5: b.bind(('', 80))). Something else has that address, or had it a minute ago (TIME-WAIT). End it, or change the line and say where the server listens."},
	{name: "an error that it prints", command: onPort, files: map[string]string{"WebServer.py": "print('Socket created')\nprint('Bind failed')\n"}, want: golden.NotRun,
		says: "the server could not be started: it ended before it listened (exit status 0). It says: Bind failed."},
	{name: "never listens", command: onPort, files: map[string]string{"WebServer.py": "import time\nprint('Ready', flush=True)\ntime.sleep(60)\n"}, want: golden.NotRun,
		says: "the server could not be started: it did not listen within 15s. It says: Ready."},
	{name: "asks another's server", command: onPort, files: map[string]string{"WebServer.py": "import socket\nif socket.socket().connect_ex(('localhost', OTHERS)) == 0: raise SystemExit('reached')\n" + onItsPort}},

	// Which file is started.
	{name: "python3 alone", command: "python3", files: map[string]string{"src/my server.txt": "", "src/my_server.py": onItsPort, "client.py": textbookPythonClient, "test_server.py": onItsPort}},
	{name: "python3 alone, two servers", command: "python3", files: map[string]string{"a.py": onItsPort, "b/b.py": onItsPort}, want: golden.NotRun,
		says: "these listen on a port: a.py, b/b.py. Say which is the server, in a file run in its folder: python3 a.py {port}"},
	{name: "python3 alone, no server", command: "python3", files: map[string]string{"client.py": textbookPythonClient}, want: golden.NotRun,
		says: "no .py file of it listens on a port, as far as that can be seen: name the file in the command, or in a file run in its folder"},
	{name: "another name", command: onPort, files: map[string]string{"server.py": onItsPort},
		says: "WebServer.py is not there: server.py was started, the only one that listens"},
	{name: "another name, two servers", command: onPort, files: map[string]string{"a.py": onItsPort, "b.py": onItsPort}, want: golden.NotRun,
		says: "there is no WebServer.py in it, and these listen on a port: a.py, b.py. Say which is the server, in a file run in its folder: python3 a.py {port}"},
	{name: "another name, and options", command: "python3 -u {main} {port}", files: map[string]string{"server.py": onItsPort}},
	{name: "a file run", command: onPort, files: map[string]string{"run": "python3 b.py {port}\nsecond line\n", "a.py": "", "b.py": onItsPort}},
	{name: "a file run of quotes", command: onPort, files: map[string]string{"run": "python3 'my server.py'\n"}, want: golden.NotRun,
		says: `the first line of its file run is no command, as python3 WebServer.py {port} without quotes, but "python3 'my server.py'"`},
	{name: "a file run that is huge", command: onPort, files: map[string]string{"run": strings.Repeat("x", 5000)}, want: golden.NotRun,
		says: "its file run is no regular file of at most 4 kB: its first line is the command that starts the server"},
	{name: "a line of its own", command: "@", lines: "bob,python9\nanna,python3 b.py {port}\n", files: map[string]string{"run": "python9", "b.py": onItsPort}},
	{name: "no line of its own", command: "@", lines: "bob,python9\n", files: map[string]string{"run": onPort, "WebServer.py": onItsPort}, want: golden.NotRun,
		says: "there is no line for it in commands.csv"},

	// What is a result.
	{name: "ends when a client comes", command: onPort, want: golden.Failed, files: map[string]string{"WebServer.py": "import socket\na = socket.socket()\na.bind(('', 80))\na.listen(1)\na.accept()\nraise SystemExit(1)\n"},
		says: "the server listens on 0.0.0.0:80, whatever port it is given, and was asked there"},
}

// TestStart starts servers in all the ways that students find. Each of them gets the points
// of a page, or is not graded, once and with the reason. They mostly wait, and do it together.
func TestStart(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil || !canConfine(t) {
		t.Skip("needs python3 and namespaces: ", err)
	}
	_, port, _ := strings.Cut(listen(t), ":")
	for _, c := range starts {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "anna")
			for name, text := range c.files {
				put(t, filepath.Join(dir, filepath.FromSlash(name)), strings.ReplaceAll(text, "OTHERS", port))
			}
			want := cmp.Or(c.want, golden.Passed)
			status := map[golden.Status]int{golden.Passed: allPassed, golden.Failed: someFailed, golden.NotRun: trouble}[want]
			if c.lines != "" {
				c.command += filepath.Join(filepath.Dir(dir), "commands.csv")
				put(t, c.command[1:], c.lines)
			}
			anna := gradeJSON(t, status, "-cmd", c.command, "-checks", "textbook", "-only", "page", dir)["anna"]
			said := strings.TrimSpace(strings.Join(append(anna.Remarks, anna.Trouble), "\n"))
			if got := anna.Stages[0].Results[0].Status; got != want || (anna.Trouble != "") != (want == golden.NotRun) || !strings.Contains(said, c.says) || c.says == "" && said != "" {
				t.Errorf("%s, and\n%s\nwant %s, and\n%s", got, said, want, c.says)
			}
			if anna.Seconds > 20 {
				t.Errorf("it took %v s", anna.Seconds)
			}
		})
	}
}

// TestClients grades a client that takes no arguments, and asks for them, one whose last
// line end is late, and the article's, which goes on when the server has closed.
func TestClients(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs python3: ", err)
	}
	article, err := os.ReadFile(filepath.Join("..", "..", "lab-notes", "article", "client.py"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, client string
		status       int
		want         string
	}{
		{"asks", "import sys\nsys.argv[1:] = [input(), input(), input()]\n" + textbookPythonClient, allPassed, "20 of 20 []"},
		{"late", textbookPythonClient + "conn.send(b'\\r\\n')\n", allPassed, "20 of 20 []"},
		{"article", string(article), someFailed, "18 of 20 [goes-on]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "anna")
			put(t, filepath.Join(dir, "client.py"), test.client)
			r := gradeJSON(t, test.status, "-client-cmd", "python3 client.py {host} {port} {file}", "-checks", "textbook", dir)["anna"].Stages[0]
			mistakes := []string{}
			for _, c := range r.Results {
				for _, d := range c.Deductions {
					mistakes = append(mistakes, d.Diagnosis)
				}
			}
			if got := fmt.Sprintf("%d of %d %v", r.Points, r.Max, mistakes); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}
