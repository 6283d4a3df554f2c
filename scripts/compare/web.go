package main

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
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
//	POST /lengths          four stages run, one for each value of -content-length
//	GET  /relay/{id}/{mode}/HelloWorld.html   the bytes of one of them, without a change
//	POST /lengths/{id}     what they sent; they end
//	POST /same             sends the golden cases to both stages and to net/http
//	POST /done/{page}      the page has shown everything, and says what went wrong
//	GET  /hold/{page}      a picture that comes after that: a browser without a window
//	                       waits for it
func (c *comparison) handler() http.Handler {
	w := &web{comparison: c}
	mux := http.NewServeMux()
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(err) // page is embedded above
	}
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /about", answer(w.about))
	mux.HandleFunc("POST /trials", answer(w.beginTrial))
	mux.HandleFunc("POST /trials/{id}", answer(w.finishTrial))
	mux.HandleFunc("POST /lengths", answer(w.startLengths))
	mux.HandleFunc("POST /lengths/{id}", answer(w.finishLengths))
	mux.HandleFunc("POST /same", answer(func(r *http.Request) (any, error) { return c.same(r.Context()) }))
	mux.HandleFunc("GET /relay/{id}/{mode}/HelloWorld.html", w.relay)
	mux.HandleFunc("GET /hold/{page}", w.hold)
	mux.HandleFunc("POST /done/{page}", w.done)
	// A page of another site, in the same browser, must not start programs here.
	return thisHost(http.NewCrossOriginProtection().Handler(mux))
}

// A web is what the page's requests share.
type web struct {
	*comparison
	shown sync.Map // by the page's name, a chan bool: the page has shown everything
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
	if err := json.NewDecoder(io.LimitReader(r.Body, most)).Decode(v); err != nil {
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

func (w *web) about(*http.Request) (any, error) {
	return map[string]any{
		"machine": fmt.Sprintf("%s/%s, %d processors, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version()),
		"kinds":   kinds,
	}, nil
}

func (w *web) beginTrial(r *http.Request) (any, error) {
	var s settings
	if err := readJSON(r, &s); err != nil {
		return nil, err
	}
	t, err := w.begin(r.Context(), s)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(t.server.Addr)
	return map[string]any{"id": w.running.keep(t), "port": port, "target": s.pageTarget(), "command": t.command}, err
}

func (w *web) finishTrial(r *http.Request) (any, error) {
	id, _ := strconv.Atoi(r.PathValue("id")) // if it is not a number, it is 0, and nothing has this number
	t, ok := w.running.find(id, true).(*trial)
	if !ok {
		return nil, errGone
	}
	var measured struct {
		Timings []timing `json:"timings"`
	}
	if err := readJSON(r, &measured); err != nil {
		t.stop()
		return nil, err
	}
	return t.finish(r.Context(), measured.Timings)
}

var errGone = errors.New("the stage of this picture does not run any more: run the experiment again")

func (w *web) startLengths(*http.Request) (any, error) {
	l, err := w.beginLengths()
	if err != nil {
		return nil, err
	}
	return map[string]any{"id": w.running.keep(l), "modes": modes}, nil
}

func (w *web) relay(rw http.ResponseWriter, r *http.Request) {
	id, _ := strconv.Atoi(r.PathValue("id"))
	l, ok := w.running.find(id, false).(*lengths)
	err := errGone
	if ok {
		err = l.relay(rw, r)
	}
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadGateway)
	}
}

func (w *web) finishLengths(r *http.Request) (any, error) {
	id, _ := strconv.Atoi(r.PathValue("id"))
	l, ok := w.running.find(id, true).(*lengths)
	if !ok {
		return nil, errGone
	}
	l.stop()
	return l.answers()
}

// hold answers with an empty picture when the page has shown everything. A page
// waits for its pictures, and a browser without a window waits for its page.
func (w *web) hold(rw http.ResponseWriter, r *http.Request) {
	select {
	case <-w.whenShown(r):
	case <-r.Context().Done():
	}
	rw.Header().Set("Content-Type", "image/svg+xml")
	io.WriteString(rw, `<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>`) // if it fails, the browser has left
}

func (w *web) done(rw http.ResponseWriter, r *http.Request) {
	var wrong []string
	if err := readJSON(r, &wrong); err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	w.problems.Store(strings.Join(wrong, "\n"))
	select {
	case w.whenShown(r) <- true:
	default: // the page said it before
	}
}

func (w *web) whenShown(r *http.Request) chan bool {
	shown, _ := w.shown.LoadOrStore(r.PathValue("page"), make(chan bool, 1))
	return shown.(chan bool)
}
