//go:build kit

package main

import (
	"bytes"
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

// TestMain is the program itself where TestStops starts it.
func TestMain(m *testing.M) {
	if os.Getenv("WEBLAB_COMPARE") == "1" {
		main()
		return
	}
	m.Run()
}

// TestText: the same in the terminal, without any browser.
func TestText(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), []string{"-text"}, &out, io.Discard)
	t.Logf("%v\n%s", err, &out)
	for _, want := range []string{
		`(?m)^  object-6\.svg +\|[ .-]*#+ *\|$`,
		`(?m)^  connection 7 +\| *:{20,}=+_* *\|$`,
		`(?m)^stage 1 took [234]\.\d times as long as stage 2$`, // 7 delays to 2
		`(?m)^  slow client +\|\?{40,}`,
		`announced: nothing, sent: 36 bytes\n  a client that trusts the head gets 36 bytes: ` + hello + `\n`,
		`announced: 24, sent: 36 bytes\n  a client that trusts the head gets 24 bytes: 太棒了，服务器正\n`,
		`announced: 36, sent: 36 bytes\n  a client that trusts the head gets 36 bytes: ` + hello + `\n`,
		`announced: 60, sent: 36 bytes\n  a client that trusts the head gets 36 bytes: ` + hello + `\n  and then reports: unexpected EOF\n`,
		`stage 1 and stage 2 sent equal bytes:  (\d+); these were the golden bytes: `,
		`-keep-alive -idle-timeout 1s\n`,
	} {
		if err != nil || !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("the output has nothing like %s", want)
		}
	}
}

// TestStops: Ctrl-C ends the program with status 0, and the stages with it.
func TestStops(t *testing.T) {
	cmd := launch.Command(t.Context(), os.Args[0], "-no-browser")
	cmd.Env = append(os.Environ(), "WEBLAB_COMPARE=1")
	stdout, w := io.Pipe()
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Kill() }) // it has ended, as it should
	var url string
	if _, err := fmt.Fscanf(stdout, "%s compares the stages", &url); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, stdout) // until it ends
	resp, err := http.Post(url+"trials", "application/json", strings.NewReader(`{"stage":2,"objects":1}`))
	if err != nil {
		t.Fatal(err)
	}
	var begun struct{ Port string }
	err = json.NewDecoder(resp.Body).Decode(&begun)
	resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	stage := net.JoinHostPort("127.0.0.1", begun.Port)
	conn, err := net.Dial("tcp", stage)
	if err != nil {
		t.Fatalf("the stage does not run: %v", err)
	}
	conn.Close()
	if err := cmd.AskToStop(); err != nil {
		t.Fatal(err)
	}
	if status, err := cmd.Wait(10 * time.Second); err != nil || status != 0 {
		t.Errorf("after Ctrl-C: exit status %d, %v", status, err)
	}
	if conn, err := net.Dial("tcp", stage); err == nil {
		conn.Close()
		t.Error("the stage still runs")
	}
}

// TestUnwritten: in a student's copy the stages are not written yet, and that
// is what is said, everywhere: there is no picture of it.
func TestUnwritten(t *testing.T) {
	copied := filepath.Join(t.TempDir(), "copy")
	handout := launch.Command(t.Context(), "go", "run", "./scripts/handout", "-o", copied)
	handout.Dir = filepath.Join("..", "..")
	if out, err := handout.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Chdir(copied)
	if err := run(t.Context(), []string{"-text"}, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "step 1.1 is not written yet") {
		t.Errorf("-text of that: %v", err)
	}
	dom := dump(t, servePage(t)+"?run=objects,slow,lengths,same,persistent")
	for _, id := range []string{"objects", "slow", "lengths", "same", "persistent"} {
		says := one(t, `(?s)<section id="`+id+`"[^>]*data-state="failed".*?<p class="error" role="alert">(.*?)</p>`, dom)[0]
		one(t, `step [12]\.1 is not written yet`, says) // which of the stages is met first
	}
}
