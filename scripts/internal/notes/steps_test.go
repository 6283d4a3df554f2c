//go:build kit

package notes

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"weblab.example/scripts/golden"
)

const stepPages = "lab-notes/steps" // has a page for each step, called after it

// ways are the words that a step's page has for its place, in Chinese or not.
var ways = map[bool]struct{ end, place, strict, before, next, goOn string }{
	false: {".md", "[Stage %d](../stage%[1]d.md) · step %d of %d", "[Stage %d](../stage%[1]d.md) · strict step %d of %d", " · before: ", " · next: ", "Next: "},
	true:  {twinEnd, "[阶段 %d](../stage%[1]d.zh-CN.md) · 第 %d 步，共 %d 步", "[阶段 %d](../stage%[1]d.zh-CN.md) · 严格层次第 %d 步，共 %d 步", " · 上一步：", " · 下一步：", "下一步："},
}

// stepBegins are the title and the time of a step's page.
var stepBegins = regexp.MustCompile(`(?s)^# ([123S]\.[1-9]) ([^\n]+)\n.*?\n\*([^\n]+?)(?:\. Guess first: |。先猜一猜：)`)

// TestSteps: a step's page says where its step stands, leads to those before and after
// it, and has the command that checks it. The page of the stage has it in a table.
func TestSteps(t *testing.T) {
	pages := map[string]*Page{}
	for _, p := range readPages(t) {
		pages[p.Name] = p
	}
	for _, words := range ways {
		file := func(i int) string { return golden.Steps[i].ID + words.end }
		title := func(i int) []string { return stepBegins.FindStringSubmatch(pages[stepPages+"/"+file(i)].Text) }
		var all []int // the steps that have pages
		of := map[byte]int{}
		for i := range golden.Steps {
			if pages[stepPages+"/"+file(i)] != nil {
				all = append(all, i)
			}
			of[golden.Steps[i].ID[0]]++
		}
		nth := map[byte]int{}
		for at, i := range all {
			step, text := golden.Steps[i], pages[stepPages+"/"+file(i)].Text
			begins := title(i)
			if begins == nil || begins[1] != step.ID {
				t.Errorf("%s has no title with its step, or no time", file(i))
				continue
			}
			place := words.place
			if step.Level == golden.Strict {
				place = words.strict
			}
			nth[step.ID[0]]++
			way := fmt.Sprintf(place, step.Stage, nth[step.ID[0]], of[step.ID[0]])
			want := []string{fmt.Sprintf("```sh\ngo run ./scripts/grade -only %s -stages %d\n```\n", step.ID, step.Stage)}
			if at > 0 {
				way += fmt.Sprintf("%s[%s](%s)", words.before, golden.Steps[all[at-1]].ID, file(all[at-1]))
			}
			if at+1 < len(all) {
				next := all[at+1]
				way += fmt.Sprintf("%s[%s](%s)", words.next, golden.Steps[next].ID, file(next))
				want = append(want, fmt.Sprintf("%s[%s %s](%s)\n", words.goOn, title(next)[1], title(next)[2], file(next)))
			}
			for _, part := range append(want, "\n\n"+way+"\n\n") {
				if !strings.Contains(text, part) {
					t.Errorf("%s does not have %q", file(i), part)
				}
			}
			stage := fmt.Sprintf("lab-notes/stage%d%s", step.Stage, words.end)
			if row := fmt.Sprintf("\n| [%s](steps/%s) | %s | %s |\n", step.ID, file(i), begins[2], begins[3]); !strings.Contains(pages[stage].Text, row) {
				t.Errorf("%s does not have %q", stage, row)
			}
		}
	}
}
