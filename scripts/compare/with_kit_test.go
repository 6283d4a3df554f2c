//go:build kit

package main

import (
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"weblab.example/scripts/internal/launch"
)

// python is a textbook server, in parts: it notes each request in the file ../got, and its
// second argument says what is wrong with it.
const python = `from socket import *
import os, sys, time
what = sys.argv[2]
if what == "twice" and not os.path.exists("begun"):
    open("begun", "w").close()
    sys.exit("the first time I do not want to")
if what == "late" and not os.path.exists("begun"):
    open("begun", "w").close()
    sys.exit("Address already in use")
server = socket(AF_INET, SOCK_STREAM)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen(20)
while True:
    conn, addr = server.accept()
    request = conn.recv(65536)
    with open(sys.argv[3], "ab") as got:
        got.write(request)
    if what == "hangs":
        server.accept()
    name = request.split()[1][1:]
    with open(name, "rb") as file:
        page = file.read()
    conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for i in range(0, len(page), 50):
        conn.sendall(page[i:i + 50])
    conn.close()
    if what == "once":
        time.sleep(0.1)
        sys.exit(1)
`

// withPrograms is a folder with the server in it, and -with for each way of being wrong.
func withPrograms(t *testing.T, whats ...string) (dir, got string, args []string) {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("the programs of this test are Python: ", err)
	}
	dir = t.TempDir()
	got = filepath.Join(dir, "got")
	if err := os.WriteFile(filepath.Join(dir, "server.py"), []byte(python), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, what := range whats {
		args = append(args, "-with", "python3 server.py {port} "+what+" "+got, "-dir", dir)
	}
	return dir, got, args
}

// TestWithPage: programs take part in the page. Each of its pieces on the wire is what the
// program got, and the others' pictures come whatever happens to one.
func TestWithPage(t *testing.T) {
	t.Parallel()
	_, got, args := withPrograms(t, "right", "hangs", "twice")
	_, url := startPage(t, "", args...)
	shown := section(t, dump(t, url+"?run=objects&again&report"), "objects")
	shown = regexp.MustCompile(`<span class="field">([^<]*)</span>`).ReplaceAllString(shown, "$1")
	programs := strings.Split(shown, "<h3>Program ")
	if len(programs) < 4 {
		t.Fatalf("%d programs are shown", len(programs)-1)
	}
	for i, want := range []string{"", // the stages
		`client \d+ bytes, server 1\d\d\d bytes( in \d+ pieces)?, the server closed first`,
		`(?s)did not send the page, and was ended by the kit after 15s\nIts standard error does not say why.*client \d+ bytes, server nothing`,
		`object-6\.svg.*client \d+ bytes, server \d+ bytes`, // when it was started again
	} {
		one(t, want, text(programs[i]))
	}
	if ended := text(programs[2]); strings.Contains(ended, "server closed") || strings.Contains(ended, "server reset") {
		t.Error("what ends a program that hangs is told as its own doing")
	}
	if strings.Contains(programs[3], "Start it again") || !strings.Contains(programs[2], "Start it again") {
		t.Error("the program that works when it is started again still has its trouble, or the one that hangs has none")
	}
	requests, err := os.ReadFile(got)
	if err != nil {
		t.Fatal(err)
	}
	for i, program := range programs[1:4] {
		asked := all(`(?s)<li class="client"><span class="when">[\d.]+ ms</span> client: \d+ bytes<pre>(.*?)</pre>`, program)
		if i == 0 && len(asked) != 7 {
			t.Errorf("program 1 was asked %d times on the wire", len(asked))
		}
		for _, said := range asked {
			var sent strings.Builder
			for line := range strings.SplitSeq(html.UnescapeString(said[1]), "\n") {
				sent.WriteString(strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(line))
			}
			if i != 1 && !strings.Contains(string(requests), sent.String()) {
				t.Errorf("on the wire, program %d was asked %q, and it did not get that", i+1, sent.String())
			}
		}
	}
}

// TestWithText: the same in the terminal. A program with a port of its own, which does not
// allow it to be used again, is started for each picture.
func TestWithText(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells where a program listens")
	}
	dir, _, args := withPrograms(t, "right")
	port, err := launch.FreePort() // one that the system gives to no connection
	must(t, err)
	args[1] = strings.Replace(args[1], "{port}", port, 1)
	if err := os.WriteFile(filepath.Join(dir, "broken.py"), []byte("import nothing_there\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := program(t, "", append(args, "-text", "-with", "python3 broken.py", "-dir", dir)...).CombinedOutput()
	t.Logf("%v\n%s", err, out)
	if n := strings.Count(string(out), "in use"); err != nil || n > 0 {
		t.Errorf("%v; %d times the port was in use", err, n)
	}
	for want, times := range map[string]int{
		`(?m)^stage 1: `:   4, // pictures
		`(?m)^program 1: `: 5,
		`  ! ended before it listened \(exit status 1\)\n +Its standard error says:\n +Traceback`:             4,
		`ModuleNotFoundError: No module named 'nothing_there'`:                                                5, // once in the checks of the textbook
		`(?m)^program 1: python3 server\.py \d+ right \S+: 38 of 80 points$`:                                  1,
		`(?m)^threads silent-others: failed$`:                                                                 1,
		`(?m)^    slow client: client nothing, server nothing, the client closed first`:                       1, // of program 1
		`did not send the page, and has ended \(exit status 1\)(.*\n)+? +IndexError: list index out of range`: 1,
		`(?m)^ +[\d.]+ ms  client +\d+  GET /object-6\.svg HTTP/1\.1\\r\\n$`:                                  6, // of three, in two experiments
	} {
		if n := len(regexp.MustCompile(want).FindAll(out, -1)); n != times {
			t.Errorf("%d times there is %s, want %d", n, want, times)
		}
	}
}
