//go:build kit

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"weblab.example/scripts/internal/launch"
)

// TestMain is the program itself where a test starts it.
func TestMain(m *testing.M) {
	if os.Getenv("WEBLAB_COMPARE") == "1" {
		main()
		return
	}
	m.Run()
}

// program is the program, to be run in a directory.
func program(t *testing.T, dir string, args ...string) *launch.Cmd {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute) // t.Context ends before a Cleanup
	t.Cleanup(cancel)
	cmd := launch.Command(ctx, self, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "WEBLAB_COMPARE=1")
	return cmd
}

// startPage starts the program in a directory, and returns the address of its page. It
// stops at the end of the test.
func startPage(t *testing.T, dir string, args ...string) (cmd *launch.Cmd, url string) {
	t.Helper()
	cmd = program(t, dir, append(args, "-no-browser")...)
	stdout, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, os.Stderr
	must(t, cmd.Start())
	go func() {
		<-cmd.Done()
		w.Close()
	}()
	t.Cleanup(func() {
		cmd.AskToStop() // fails if it has ended
		if status, err := cmd.Wait(10 * time.Second); err != nil || status != 0 {
			t.Errorf("after Ctrl-C: exit status %d, %v", status, err)
		}
		cmd.Kill() // fails if it has ended
	})
	if _, err := fmt.Fscanf(stdout, "%s compares the stages", &url); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, stdout) // until it ends
	return cmd, url
}

// TestText: the same in the terminal, without any browser.
func TestText(t *testing.T) {
	t.Parallel()
	out, err := program(t, "", "-text").CombinedOutput()
	t.Logf("%v\n%s", err, out)
	for _, want := range []string{
		`(?m)^  object-6\.svg +\|[ .-]*#+ *\|$`,
		`(?m)^  connection 7 +\| *:{20,}=+_* *\|$`,
		`(?m)^stage 1 took [234]\.\d times as long as stage 2$`, // 7 delays to 2
		`(?m)^  slow client +\|\?{40,}`,
		`announced: nothing, sent: 36 bytes\n  a client that trusts the head gets 36 bytes: ` + hello + `\n`,
		`announced: 24, sent: 36 bytes\n  a client that trusts the head gets 24 bytes: 太棒了，服务器正\n`,
		`announced: 36, sent: 36 bytes\n  a client that trusts the head gets 36 bytes: ` + hello + `\n`,
		`announced: 60, sent: 36 bytes\n  a client that trusts the head gets 36 bytes: ` + hello + `\n  and then reports: unexpected EOF\n`,
		`stage 1 and stage 2 sent the same bytes, the golden ones: in (\d+) of `,
		`-keep-alive -idle-timeout 1s\n`,
	} {
		if err != nil || !regexp.MustCompile(want).Match(out) {
			t.Errorf("the output has nothing like %s", want)
		}
	}
}

// TestStops: a stage ends when its page has measured or was left, and with the program,
// which Ctrl-C ends with status 0.
func TestStops(t *testing.T) {
	t.Parallel()
	cmd, url := startPage(t, "")
	post := func(path, body string) (begun struct{ ID, Port string }) {
		resp, err := http.Post(url+path, "application/json", strings.NewReader(body))
		must(t, err)
		defer resp.Body.Close()
		json.NewDecoder(resp.Body).Decode(&begun) // an error's text is no JSON
		return begun
	}
	runs := func(port string) bool {
		conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
		if err == nil {
			conn.Close()
		}
		return err == nil
	}
	left, kept := post("trials", `{"stage":1}`), post("trials", `{"stage":2,"objects":1}`)
	if !runs(left.Port) || !runs(kept.Port) {
		t.Fatal("the stages do not run")
	}
	post("trials/"+left.ID, "{}")
	if runs(left.Port) || !runs(kept.Port) {
		t.Error("the stage of a page that was left runs, or another has ended")
	}
	must(t, cmd.AskToStop())
	<-cmd.Done() // startPage looks at its status
	if runs(kept.Port) {
		t.Error("a stage still runs")
	}
}

// TestUnwritten: in a student's copy the stages are not written yet, and that
// is what is said, everywhere.
func TestUnwritten(t *testing.T) {
	t.Parallel()
	copied := filepath.Join(t.TempDir(), "copy")
	handout := launch.Command(t.Context(), "go", "run", "./scripts/handout", "-o", copied)
	handout.Dir = filepath.Join("..", "..")
	if out, err := handout.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := program(t, copied, "-text").CombinedOutput(); err == nil || !strings.Contains(string(out), "step 1.1 is not written yet") {
		t.Errorf("-text of that: %v\n%s", err, out)
	}
	_, url := startPage(t, copied)
	dom := dump(t, url+"?run=objects,slow,lengths,same,persistent")
	for id, state := range map[string]string{"objects": "done", "slow": "done", "lengths": "failed", "same": "done", "persistent": "done"} {
		says := one(t, `(?s)<section id="`+id+`"[^>]*data-state="`+state+`"(.*?)</section>`, dom)[0]
		one(t, `step [12]\.1 is not written yet`, says) // which of the stages is met first
	}
}
