package golden

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/verdict"
)

// Textbook lists the checks of a stage as the assignment in the textbook asks
// it: the server of one request, its 404, the server with threads, the client.
// A page counts if a browser shows it. What else is wrong with an answer, and forgiven by
// browsers, is a deduction: see [Rubric]. A check's weight is its points in the rubric.
func Textbook(stage int, rubric Rubric) []Check {
	checks := checksOf(stage, func(s Step) bool { return s.Level == "" && s.Stage == stage })
	for i := range checks {
		checks[i].Weight, checks[i].costs = rubric.Points[checks[i].Name], rubric.Deductions
	}
	return checks
}

// experience is what the checks have learned of a program that knows none of the kit's
// flags. It spares them waits whose end is known.
type experience struct {
	noPage    atomic.Bool  // the page of the assignment was asked for, and did not come
	took      atomic.Int64 // nanoseconds, of the slowest page that came so far
	staysOpen atomic.Bool  // it does not close its connections
	silent    atomic.Int32 // checks in which nothing came, for as long as they waited
	serial    atomic.Bool  // it serves one client at a time
	docroot   atomic.Value // where its pages are, below the site's directory, if not there
}

// patience is how long a page may take: a hundred times what one has taken here, within
// bounds.
func (e *experience) patience() time.Duration {
	if took := time.Duration(e.took.Load()); took > 0 {
		return min(max(100*took, 2*time.Second), exchange.Patience)
	}
	return exchange.Patience
}

// closeTime is how long the end of a connection may take, when all of a page has come.
const closeTime = 2 * time.Second

// hopeless reports whether a program has never answered: to wait for it again tells nothing new.
func (e *experience) hopeless() bool { return e.silent.Load() >= 2 && e.took.Load() == 0 }

// getsPage wants a status and the page of a file, as a browser would show it. Without a
// file it may be any page.
func (c *conversation) getsPage(value string) error {
	code, name, named := strings.Cut(value, " ")
	status, _ := strconv.Atoi(code) // isStatus has seen it
	var page []byte
	if named {
		var err error
		if page, err = os.ReadFile(c.path(name)); err != nil { // the site of a server that runs already is elsewhere
			if page, err = fs.ReadFile(siteFiles, "site/"+name); err != nil {
				return err
			}
		}
	}
	if err := c.hearPage(status, page); err != nil {
		return err
	}
	habits, failed := verdict.Browser(c.heard, status, page)
	if c.habits = append(c.habits, habits...); failed != nil {
		return failed
	}
	c.learned.took.Store(max(1, c.learned.took.Load(), int64(c.answered)))
	return nil
}

// hearPage hears a page out. When all of it is there, it waits for the end of the connection
// for a shorter time, and not at all where it knows that no end comes.
func (c *conversation) hearPage(status int, page []byte) error {
	if err := c.connect(); err != nil {
		return err
	}
	start, shown := time.Now(), false
	c.heard = exchange.Hear(c.conn, c.learned.patience(), func(all []byte) bool {
		_, failed := verdict.Browser(exchange.Heard{Bytes: all, End: exchange.EndOpen}, status, page)
		shown = failed == nil
		return shown
	})
	c.answered = time.Since(start) - c.heard.Quiet
	switch {
	case shown && c.learned.staysOpen.Load():
		c.heard.End = exchange.EndFIN // nobody waits to see that it does not come
	case shown:
		rest := exchange.Hear(c.conn, closeTime, func([]byte) bool { return false })
		rest.Bytes = append(c.heard.Bytes, rest.Bytes...)
		c.heard = rest
		if c.heard.End == exchange.EndOpen {
			c.learned.staysOpen.Store(true)
		}
	case c.heard.End == exchange.EndOpen && len(c.heard.Bytes) == 0:
		c.learned.silent.Add(1)
	case c.heard.End == exchange.EndOpen:
		c.learned.staysOpen.Store(true)
	}
	c.heard.Sent = c.sent
	return nil
}

// findsPage is getsPage for the page of the assignment, HelloWorld.html. If it is not where the program
// looks for pages, one of the program's own folder may be: then the site's pages are put
// beside that.
func (c *conversation) findsPage(value string) error {
	failed := c.getsPage(value)
	c.learned.noPage.Store(failed != nil)
	if failed == nil || len(c.heard.Bytes) == 0 || c.program.Dir == "" {
		return failed
	}
	habits := c.habits
	for _, file := range c.ownPages() {
		for _, url := range []string{path.Base(file), file} {
			c.habits = habits[:0:0]
			c.connection = &connection{}
			c.lines[""] = c.connection
			c.sent = fmt.Appendf(nil, "GET /%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", url, c.addr)
			if c.connect() != nil {
				return failed
			}
			if _, err := c.conn.Write(c.sent); err != nil || c.getsPage("200 "+file) != nil {
				continue
			}
			c.learned.noPage.Store(false)
			c.habits = append(c.habits, &verdict.Failure{Diagnosis: "page-name", Args: []any{url}, Seen: fmt.Sprintf("GET /%s brings the file %s", url, file)})
			return c.moveSite(strings.TrimSuffix(file, url))
		}
	}
	c.habits = habits
	return failed
}

// ownPages are the pages of the program's own folder, and names that they may have.
func (c *conversation) ownPages() (files []string) {
	const most = 8
	filepath.WalkDir(c.program.Dir, func(name string, d fs.DirEntry, err error) error { // what cannot be read is no page
		if rel, bad := filepath.Rel(c.program.Dir, name); err == nil && bad == nil && d.Type().IsRegular() && len(files) < most &&
			slices.Contains([]string{".html", ".htm"}, strings.ToLower(filepath.Ext(name))) {
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	return files
}

// moveSite puts the site's pages where the program looks for them, and goes on there.
func (c *conversation) moveSite(docroot string) error {
	c.learned.docroot.Store(docroot)
	for _, name := range []string{"HelloWorld.html", "dir/page.html"} {
		page, err := fs.ReadFile(siteFiles, "site/"+name)
		if err != nil {
			return err
		}
		to := c.path(name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, page, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// mild looks at one thing alone in a run of the client: the line and the end of its
// request, or a part of what it printed.
func (c clientCase) mild(r *clientRun) error {
	if c.rule != "" {
		return clientRules[c.rule](r)
	}
	if c.requests == nil {
		if strings.Contains(r.stdout, c.shows) {
			return nil
		}
		f := verdict.Output(c.server.all(), c.server.all(), r.stdout, false)
		f.Seen = fmt.Sprintf("the server sent %q, standard output was %q\n%s", c.server.all(), r.stdout, strings.TrimSpace(r.stderr))
		return f
	}
	request := strings.Join(r.requests[:min(1, len(r.requests))], "")
	want, _, _ := strings.Cut(c.requests[0], "\r\n")
	line, _, _ := strings.Cut(request, "\n")
	line = strings.TrimSuffix(line, "\r")
	if (line == want || line == strings.Replace(want, "HTTP/1.1", "HTTP/1.0", 1)) && exchange.ReadMessage([]byte(request)).Ended {
		return nil
	}
	f := verdict.Request(c.requests[0], request)
	f.Seen = fmt.Sprintf("the request was %q", request)
	return f
}
