//go:build kit

package golden

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"weblab.example/scripts/internal/launch"
)

// plainServer is the textbook's, on a port that is an expression. It ends when somebody
// leaves without a word, and does not set SO_REUSEADDR.
const plainServer = `
import socket, sys
ear = socket.socket()
ear.bind(('', PORT))
ear.listen(1)
while True:
    conn, _ = ear.accept()
    name = conn.recv(8192).decode().split()[1]
    try:
        text = open(name[1:], encoding='utf-8').read()
        conn.send(('HTTP/1.1 200 OK\r\n\r\n' + text).encode())
    except IOError:
        conn.send(b'HTTP/1.1 404 Not Found\r\n\r\n<h1>gone</h1>')
    conn.close()
`

// TestForeign grades a server that dies in the middle, on a port of its own choice and on
// one that it is given, on a system that tells where it listens and on one that does not. It
// is started again each time. What is wrong after that is wrong with its answers.
func TestForeign(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs python3: ", err)
	}
	serves := map[string]Status{"page": Passed, "other-page": Passed, "random-page": Passed, "again": Passed, "pieces": Failed,
		"empty-connection": Failed, "outside": Failed, "missing": Passed, "after-missing": Passed}
	for _, c := range []struct {
		name, port string // FREE is a port that is free
		poor       bool
		trouble    string
	}{
		{name: "its own port", port: "FREE"},
		{name: "its own port, poor", port: "FREE", poor: true},
		{name: "a port that it is given", port: "int(sys.argv[1])"},
		{name: "a port that it is given, poor", port: "int(sys.argv[1])", poor: true},
		{name: "no port", port: "int('x')", trouble: "the server could not be started: it ended before it listened (exit status 1). " +
			"It says: ValueError: invalid literal for int() with base 10: 'x' (server.py:4: ear.bind(('', int('x'))))."},
		{name: "no port, poor", port: "int('x')", poor: true, trouble: "the server could not be started: it ended before it listened (exit status 1). " +
			"It says: ValueError: invalid literal for int() with base 10: 'x' (server.py:4: ear.bind(('', int('x'))))."},
	} {
		t.Run(c.name, func(t *testing.T) {
			free, err := launch.FreePort() // not while others start programs: those have its socket for a moment
			if err != nil {
				t.Fatal(err)
			}
			t.Parallel()
			program := Program{Foreign: true, Args: []string{"python3", "server.py", "{port}"}, Dir: t.TempDir(), poor: c.poor, Notes: &Notes{}}
			if c.port == "FREE" {
				program.Args, program.Addr = program.Args[:2], net.JoinHostPort("localhost", free)
			}
			text := strings.Replace(plainServer, "PORT", strings.Replace(c.port, "FREE", free, 1), 1)
			if err := os.WriteFile(filepath.Join(program.Dir, "server.py"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			rubric, err := ReadRubric(DefaultRubric)
			if err != nil {
				t.Fatal(err)
			}
			got, seen := map[string]Status{}, ""
			for _, r := range Grade(t.Context(), Textbook(1, rubric), program, 1) {
				got[r.Name] = r.Status
				seen += fmt.Sprintln(r.Name, r.Status, r.Diagnosis, r.Seen)
			}
			if program.Notes.Trouble != c.trouble || c.trouble == "" && !cmp.Equal(got, serves) {
				t.Errorf("trouble %q; -want +got:\n%s\n%s", program.Notes.Trouble, cmp.Diff(serves, got), seen)
			}
		})
	}
}
