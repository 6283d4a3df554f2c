package golden

// Steps are the titles of the steps, as the table in lab-notes/README.md and
// the textbook's assignment have them.
var Steps = map[string]string{
	"1.1": "the loop: accept, serve, repeat",
	"1.2": "a Response becomes bytes",
	"1.3": "read a head, however TCP cut it; limits, time-out",
	"1.4": "the request line",
	"1.5": "header fields, Host, framing",
	"1.6": "a target becomes a file",
	"1.7": "HEAD, 405, 501",
	"1.8": "close without losing the answer",
	"1.9": "persistent connections",
	"2.1": "a goroutine for each connection",
	"2.2": "no more than -max-conns of them",
	"2.3": "stop without dropping an answer",
	"3.1": "the request's bytes",
	"3.2": "status line and header fields, 1xx passed over",
	"3.3": "a body by Content-Length, none, or until close",
	"3.4": "a chunked body",
	"3.5": "too short, too long, reset: said and exit 1",
	"3.6": "several requests on one connection",

	"server":  "a browser's request gets the file",
	"404":     "a file that is not there",
	"threads": "many clients at once",
	"client":  "the client of the assignment",
}
