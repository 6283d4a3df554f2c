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

// TestUpdate writes the responses anew, from what stages 1 and 2 answer. It
// does so only when asked, and never where nobody looks at the difference:
// what is written is an error, so that go test shows it.
func TestUpdate(t *testing.T) {
	if !*update {
		t.Skip("only with -update")
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("-update is for a person who reads what changes; CI=true is set")
	}
	answers := map[string][][]byte{} // by case: stage 1's, stage 2's
	for _, folder := range []string{"stage1-single", "stage2-concurrent"} {
		session, err := openSession(t.Context(), Program{Args: []string{build(t, filepath.Join("..", ".."), folder)}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer session.close()
		for _, g := range goldens {
			l, err := session.take(strings.Join(g.flags, " "), g.flags)
			if err != nil {
				t.Fatal(err)
			}
			request, err := caseFiles.ReadFile("cases/" + g.name + ".request")
			if err != nil {
				t.Fatal(err)
			}
			h, err := l.talk(request)
			if err != nil {
				t.Fatal(err)
			}
			if h.End != exchange.EndFIN || !wellFormedHead.Match(h.Bytes) {
				t.Fatalf("%s: %s answers %.300q and the connection is %s: nothing to keep as an example", g.name, folder, h.Bytes, h.End)
			}
			answers[g.name] = append(answers[g.name], h.Bytes)
		}
	}
	for _, g := range goldens {
		both := answers[g.name]
		if !bytes.Equal(both[0], both[1]) {
			t.Errorf("%s: the two stages differ, nothing is written:\n%s", g.name, verdict.Difference(both[0], both[1]))
			continue
		}
		_, want, _ := g.load(caseFiles, siteFiles) // a new case has no response yet
		if bytes.Equal(both[0], want) {
			continue
		}
		answer := both[0]
		if g.body != "" {
			body, err := siteFiles.ReadFile("site/" + g.body)
			if err != nil || !bytes.HasSuffix(answer, body) {
				t.Errorf("%s: the answer does not end in %s (%v), nothing is written", g.name, g.body, err)
				continue
			}
			answer = bytes.TrimSuffix(answer, body)
		}
		t.Errorf("%s.response changes:\n%s", g.name, verdict.Difference(want, both[0]))
		if err := os.WriteFile(filepath.Join("cases", g.name+".response"), answer, 0o644); err != nil {
			t.Error(err)
		}
	}
}
