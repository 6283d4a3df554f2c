package main

import (
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"runtime"
	"time"
)

// All files of the page. It needs nothing from another host.
//
//go:embed page
var pageFiles embed.FS

// handler serves the page and what its script asks for:
//
//	GET  /about            this machine
//	POST /trials           settings -> a stage runs; its number, and the address of its page
//	POST /trials/{id}      what the browser measured -> the picture; the stage ends,
//	                       even if the user left the page and nothing was measured
//	GET  /trials/{id}/quiet  answers when nothing happens there any more: a page that
//	                       breaks off may never say that it has loaded
//	POST /lengths          what a stage sends with each value of -content-length
//	GET  /relay/{mode}/HelloWorld.html   the bytes of one of these answers, without a change
//	POST /same             sends the golden cases to everyone
//	POST /sheet            runs the textbook's checks on a program
//	GET  /presets          messages that are there already
//	POST /send             sends a message to everyone
//	GET  /live             runs everyone for anybody, and tells what happens there
//	POST /done             the page has shown everything
//	GET  /hold             a picture that comes after that: a browser without a window
//	                       waits for it
func (c *comparison) handler() http.Handler {
	mux := http.NewServeMux()
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(err) // page is embedded above
	}
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /about", answer(c.about))
	mux.HandleFunc("POST /trials", answer(c.beginTrial))
	mux.HandleFunc("POST /trials/{id}", answer(c.finishTrial))
	mux.HandleFunc("GET /trials/{id}/quiet", answer(c.quiet))
	mux.HandleFunc("POST /lengths", answer(c.keepLengths))
	mux.HandleFunc("POST /same", answer(func(r *http.Request) (any, error) { return c.same(r.Context()) }))
	mux.HandleFunc("POST /sheet", answer(c.sheet))
	mux.HandleFunc("GET /presets", answer(func(*http.Request) (any, error) { return c.presets(), nil }))
	mux.HandleFunc("POST /send", answer(c.sendAll))
	mux.HandleFunc("GET /live", sameSite(c.live))
	mux.HandleFunc("GET /relay/{mode}/HelloWorld.html", c.relay)
	mux.HandleFunc("GET /hold", c.hold)
	mux.HandleFunc("POST /done", answer(c.done))
	// A page of another site, in the same browser, must not start programs here.
	return thisHost(http.NewCrossOriginProtection().Handler(mux))
}

// answer sends what f returns as JSON, or its error as a text.
func answer(f func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		result, err := f(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(result) // if it fails, the browser has left, and nobody needs the error
	}
}

// readJSON reads what the page sent.
func readJSON(r *http.Request, v any) error {
	const most = 1 << 20
	switch err := json.NewDecoder(io.LimitReader(r.Body, most)).Decode(v); {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("a request of the page has more than 1 MB, or is not whole")
	case err != nil:
		return fmt.Errorf("read the JSON of a request: %w", err)
	}
	return nil
}

// thisHost refuses a request whose Host is a name other than localhost: a stranger
// may have made this name point to this machine. An address is allowed.
func thisHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if host != "localhost" && net.ParseIP(host) == nil {
			http.Error(w, "open this page by the address that was printed", http.StatusForbidden)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// sameSite refuses what a page of another site asks for. The protection above looks at POST
// only, and events come by GET.
func sameSite(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if from := r.Header.Get("Sec-Fetch-Site"); from != "" && from != "same-origin" && from != "none" {
			http.Error(w, "a page of another site must not start programs here", http.StatusForbidden)
			return
		}
		next(w, r)
	}
}

func (c *comparison) about(*http.Request) (any, error) {
	return map[string]any{
		"machine":  fmt.Sprintf("%s/%s, %d processors, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version()),
		"kinds":    kinds,
		"programs": len(c.programs),
		"cost":     fmt.Sprintf("%.1f", float64(c.tapCost)/float64(time.Microsecond)),
	}, nil
}

func (c *comparison) sendAll(r *http.Request) (any, error) {
	var m message
	if err := readJSON(r, &m); err != nil {
		return nil, err
	}
	replies, command, err := c.send(r.Context(), m)
	return map[string]any{"replies": replies, "command": command}, err
}

func (c *comparison) beginTrial(r *http.Request) (any, error) {
	var s settings
	if err := readJSON(r, &s); err != nil {
		return nil, err
	}
	t, err := c.begin(r.Context(), c.site, s)
	switch {
	case t == nil:
		return nil, err
	case err != nil:
		return map[string]any{"outcome": t.outcome(nil, err.Error())}, nil
	}
	id := rand.Text()
	c.trials.Store(id, t)
	_, port, err := net.SplitHostPort(t.tap.Addr)
	return map[string]any{"id": id, "port": port, "target": s.pageTarget(), "command": t.command}, err
}

func (c *comparison) finishTrial(r *http.Request) (any, error) {
	begun, ok := c.trials.LoadAndDelete(r.PathValue("id"))
	if !ok {
		return nil, errGone
	}
	t := begun.(*trial)
	var measured struct {
		Timings []timing `json:"timings"`
	}
	if err := readJSON(r, &measured); err != nil {
		t.stop()
		return nil, err
	}
	return t.finish(r.Context(), measured.Timings), nil
}

// quiet waits until connections have come and gone, and no other comes for a second.
func (c *comparison) quiet(r *http.Request) (any, error) {
	begun, ok := c.trials.Load(r.PathValue("id"))
	if !ok {
		return nil, errGone
	}
	t := begun.(*trial)
	for came := 0; ; {
		conns, err := t.tap.Wait(r.Context(), allOver)
		if err != nil || len(conns) == came {
			return nil, err
		}
		came = len(conns)
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
		}
	}
}

var errGone = errors.New("the stage of this picture does not run any more: run the experiment again")

func (c *comparison) keepLengths(r *http.Request) (any, error) {
	answers, err := c.askLengths(r.Context())
	for _, a := range answers {
		c.lengths.Store(a.Mode, a.raw)
	}
	return answers, err
}

// hold answers with an empty picture when the page has shown everything. A page
// waits for its pictures, and a browser without a window waits for its page.
func (c *comparison) hold(rw http.ResponseWriter, r *http.Request) {
	select {
	case <-c.shown:
	case <-r.Context().Done():
	}
	rw.Header().Set("Content-Type", "image/svg+xml")
	io.WriteString(rw, `<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>`) // if it fails, the browser has left
}

func (c *comparison) done(r *http.Request) (any, error) {
	select {
	case c.shown <- true:
	case <-r.Context().Done():
	}
	return nil, nil
}
