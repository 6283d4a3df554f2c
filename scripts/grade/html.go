package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strings"

	"weblab.example/scripts/internal/kit"
	"weblab.example/scripts/internal/term"
)

// The pages need no other file, and no script but the one that sorts the table of the class.
//
//go:embed report.html
var pageText string

// A page is what a template shows: of one submission, or of a class.
type page struct {
	g     *grader
	Lang  string
	Title string

	S        *submission // nil: of a class
	Mistakes []mistake
	Class    []*submission
	Counts   []count
}

// Textbook reports whether the steps are those of the assignment: a program in another
// language has none of the kit's folders, and its mistakes say what was not run.
func (p page) Textbook() bool { return p.g.Checks == "textbook" }

// Say is a text in the language of the page, and Visible what a stranger may have a word in.
func (p page) Say(text string) string     { return say(p.Lang, text) }
func (p page) Visible(text string) string { return term.Visible(text) }

func (p page) Passed(s *submission) bool   { return s.passed() }
func (p page) Points(r row) string         { return fmt.Sprintf("%d/%d", r.points, r.max) }
func (p page) Mark(r row) string           { return say(p.Lang, r.mark) }
func (p page) Stage(r *stageResult) string { return kit.Folder(r.Stage) }
func (p page) File(s *submission) string   { return "./" + fileName(s.Name) + ".html" } // no name becomes a scheme

// First is the most expensive mistake of a submission.
func (p page) First(s *submission) string {
	if s.Trouble != "" {
		return p.Say("not graded") + ": " + s.Trouble
	}
	if all := s.mistakes(p.Lang); len(all) > 0 && (all[0].Lost > 0 || p.g.Checks == "golden") {
		return all[0].Title
	}
	return ""
}

// NotRun tells of checks that were not run, and why.
func (p page) NotRun(r *stageResult) []string { return notRunBecause(rowsOf(r.Results), p.Lang) }

var pages = template.Must(template.New("report").Parse(pageText))

// html is the page of a submission, or with nil that of the class.
func (g *grader) html(s *submission, class []*submission) ([]byte, error) {
	p := page{g: g, Lang: g.Lang, S: s, Class: class, Title: say(g.Lang, "The class")}
	if s != nil {
		p.Title, p.Mistakes = s.Name, s.mistakes(g.Lang)
	} else {
		p.Counts = classMistakes(class, g.Lang)
	}
	p.Title = term.Visible(p.Title)
	var b bytes.Buffer
	err := pages.Execute(&b, p)
	return b.Bytes(), err
}

// writeReports writes to -out, for each submission, a report for a terminal and a page for a
// browser, and a page for the class.
func (g *grader) writeReports(subs []*submission) error {
	if err := os.MkdirAll(g.out, 0o755); err != nil {
		return err
	}
	write := func(name string, text []byte) error { return os.WriteFile(filepath.Join(g.out, name), text, 0o644) }
	for _, s := range subs {
		html, err := g.html(s, nil)
		if err == nil {
			err = write(fileName(s.Name)+".html", html)
		}
		if err == nil {
			err = write(fileName(s.Name)+".txt", []byte(term.Visible(g.report(s, true))))
		}
		if err != nil {
			return err
		}
	}
	html, err := g.html(nil, subs)
	if err != nil {
		return err
	}
	return write("index.html", html)
}

// fileName is a name without what some systems do not allow in one. Of a long
// one the middle is left out: its end tells it from others.
func fileName(name string) string {
	const most, end = 200, 40 // bytes; systems allow 255
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most-end], "") + "..." + strings.ToValidUTF8(name[len(name)-end:], "")
	}
	if strings.EqualFold(name, "index") {
		name += "-" // the class has that name
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) {
			return '-'
		}
		return r
	}, name)
}
