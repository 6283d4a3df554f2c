//go:build kit

package golden

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/verdict"
)

var update = flag.Bool("update", false, "show how the servers' answers differ from cases/*.response, and write them there")

// TestUpdate writes the responses anew, from what stage 1 answers; whether stage 2 answers
// the same, TestStages says. It does so only when asked, and never where nobody looks at the
// difference: what is written is an error, so that go test shows it.
func TestUpdate(t *testing.T) {
	if !*update {
		t.Skip("only with -update")
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("-update is for a person who reads what changes; CI=true is set")
	}
	session, err := openSession(t.Context(), Program{Args: []string{build(t, filepath.Join("..", ".."), "stage1-single")}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer session.close()
	for _, g := range goldens {
		server, err := session.take(strings.Join(g.Flags, " "), g.Flags)
		if err != nil {
			t.Fatal(err)
		}
		h, err := server.talk(g.Request)
		body, _ := siteFiles.ReadFile("site/" + g.body) // most have none
		switch answer, whole := bytes.CutSuffix(h.Bytes, body); {
		case err != nil || h.End != exchange.EndFIN || !wellFormedHead.Match(h.Bytes) || !whole:
			t.Fatalf("%s: the answer is %.300q, and the connection is %s (%v): nothing to keep as an example", g.Name, h.Bytes, h.End, err)
		case bytes.Equal(h.Bytes, g.Response):
		default:
			t.Errorf("%s.response changes:\n%s", g.Name, verdict.Difference(g.Response, h.Bytes))
			if err := os.WriteFile(filepath.Join("cases", g.Name+".response"), answer, 0o644); err != nil {
				t.Error(err)
			}
		}
	}
}
