//go:build kit

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weblab.example/scripts/golden"
)

// A server is one of testdata/servers, as students write them, with a habit or two: the
// first line of its file says which. Most serve one client at a time, which costs the
// points of the threads and nothing else.
type server struct {
	name     string
	points   string // of the server, the 404 and the threads; "" is not graded
	mistakes string // all that its report names, in the order of the alphabet
	says     string // what is told of them has this in it, or why it was not graded
}

var servers = []server{
	// Right ones.
	{"right", "40 20 20", "", ""},
	{"right-asyncio", "40 20 20", "no-length", ""},
	{"right-http-server", "40 20 20", "", ""},
	{"right-node", "40 20 20", "", ""},
	{"right-serial", "40 20 0", "serial", "thread"},
	{"slow", "40 20 20", "", ""},

	// How they are started.
	{"asks-for-port", "40 20 0", "no-length serial", ""},
	{"own-folder", "40 20 0", "page-name serial", "GET /index.html brings the file www/index.html"},
	{"no-module", "", "", "No module named 'weblab_no_such_framework'"},

	// What a browser forgives.
	{"404-bare", "40 17 0", "404-bare serial", ""},
	{"404-ok", "40 18 0", "serial wrong-phrase", `"OK"`},
	{"bare-lf", "40 20 0", "bare-lf no-length serial", ""},
	{"body-per-character-length", "35 20 20", "body-repeated", "The body came 20 times"},
	{"char-by-char", "40 20 0", "byte-by-byte serial", ""},
	{"crlf-after-body", "39 20 0", "crlf-after-body serial", ""},
	{"dies-on-empty", "38 20 0", "dies-on-empty one-read serial", "IndexError"},
	{"dies-outside", "40 20 0", "died serial", "ValueError: outside: /../secret.txt, in WebServer.py:19"},
	{"empty-line-first", "38 20 0", "bare-lf bytes-before-status-line no-length serial", ""},
	{"length-in-characters", "35 20 0", "length-counts-characters serial", "Content-Length is 12, but the body has 36 bytes"},
	{"length-plus-24", "35 20 0", "length-plus-24 serial", ""},
	{"never-closes", "38 20 0", "no-length not-closed serial", ""},
	{"one-read", "40 20 0", "one-read serial", ""},
	{"outside", "40 20 0", "no-length path-escape serial", ""},
	{"small-buffer", "38 20 0", "one-read reset serial", ""},

	// What it does not. A program that never sent a page is not called serial: nobody has
	// seen that the others were why a client got nothing. One that ended in order has not
	// died of what a client sent.
	{"404-as-200", "40 10 0", "serial wrong-status", ""},
	{"404-silent", "40 10 0", "no-answer serial", ""},
	{"ascii-only", "15 10 0", "died no-length", "UnicodeDecodeError"},
	{"body-first", "0 10 0", "no-status-line", ""},
	{"body-per-character", "0 10 0", "body-repeated", "The body came 12 times"},
	{"ends-at-404", "40 10 0", "no-length only-once serial", ""},
	{"hard-coded-file", "25 10 0", "hard-coded serial", ""},
	{"no-empty-line", "0 10 0", "no-empty-line", ""},
	{"send-str", "0 0 0", "died", "TypeError: a bytes-like object is required, not 'str', in WebServer.py:"},
	{"serves-once", "30 10 0", "only-once serial", ""},
	{"str-of-bytes", "0 10 0", "body-differs", ""},
	{"swallows-errors", "0 0 0", "no-answer", ""},
	{"thread-global", "40 20 15", "mixed-answers", ""},
	{"thread-joined", "40 20 0", "serial", ""},
	{"waits-for-the-end", "0 0 0", "no-answer-open", ""},
}

// lay makes a server's submission in a folder of its own. An error is that this system has
// not what it takes.
func (v server) lay(t *testing.T, class, file string) error {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	main := "WebServer" + filepath.Ext(file)
	put(t, filepath.Join(class, v.name, main), string(text))
	switch {
	case v.name == "own-folder":
		put(t, filepath.Join(class, v.name, "www", "index.html"), "<h1>My first page</h1>\n")
	case filepath.Ext(file) == ".js":
		put(t, filepath.Join(class, v.name, "run"), "node "+main+" {port}\n")
		_, err = exec.LookPath("node")
	}
	return err
}

// told is what a report names of a submission: its mistakes in the order of the alphabet,
// the sentence of the dearest one (threads are for who has time), and all that was seen.
func (s *submission) told() (mistakes, first, all string) {
	var found []string
	cost := -1
	tell := func(stage int, diagnosis string, points int, why, seen string) {
		found, all = append(found, diagnosis), all+why+"\n"+seen+"\n"
		if points > cost && (stage == 1 || first == "") {
			first, cost = why, points
		}
	}
	for _, r := range s.Stages {
		for _, c := range r.Results {
			if c.Status == golden.Failed {
				tell(r.Stage, c.Diagnosis, c.Weight, c.Why, c.Seen)
			}
			for _, d := range c.Deductions {
				tell(r.Stage, d.Diagnosis, d.Points, d.Why, d.Seen)
			}
		}
	}
	slices.Sort(found)
	return strings.Join(slices.Compact(found), " "), first, all
}

// TestServers grades all servers of testdata/servers. Each of them gets the points that it
// has earned, and the sentences for which there is a reason.
func TestServers(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs python3: ", err)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "servers", "*"))
	if err != nil || len(files) != len(servers) {
		t.Fatalf("%d files for %d servers, %v", len(files), len(servers), err)
	}
	class := t.TempDir()
	tried := servers[:0:0]
	for _, v := range servers {
		file, _ := filepath.Glob(filepath.Join("testdata", "servers", v.name+".*")) // the pattern is a good one
		if len(file) != 1 {
			t.Fatalf("%s has %d files", v.name, len(file))
		}
		if err := v.lay(t, class, file[0]); err != nil {
			t.Logf("not tried on this system: %s: %v", v.name, err)
			os.RemoveAll(filepath.Join(class, v.name))
			continue
		}
		tried = append(tried, v)
	}
	found := gradeJSON(t, trouble, "-cmd", "python3 WebServer.py {port}", "-checks", "textbook", "-j", "2", filepath.Join(class, "*"))
	for _, v := range tried {
		v.check(t, found[v.name])
	}
}

// check compares a server's grade with the one that it must get.
func (v server) check(t *testing.T, s *submission) {
	t.Helper()
	var points []string
	for _, p := range s.Parts {
		points = append(points, fmt.Sprint(p.Points))
	}
	mistakes, first, all := s.told()
	got := server{v.name, strings.Join(points, " "), mistakes, v.says}
	if s.Trouble != "" {
		got.points, first, all = "", s.Trouble, s.Trouble
	}
	t.Logf("%-25s %-8s %5.1f s  %s", v.name, got.points, s.Seconds, first)
	if diff := cmp.Diff(v, got, cmp.AllowUnexported(server{})); diff != "" || !strings.Contains(all, v.says) {
		t.Errorf("%s: -want +got:\n%s\nwant %q in\n%s", v.name, diff, v.says, all)
	}
	if s.Seconds > 60 {
		t.Errorf("%s took %v s", v.name, s.Seconds)
	}
}
