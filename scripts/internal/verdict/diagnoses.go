// Package verdict says what is wrong with what a check has seen, and why that happens:
//
//	exchange.Heard, and the bytes that should have come -> Want -> Answer (the first
//	mistake that fits) -> Failure -> Why (a sentence of the table Diagnoses) and Note
//	a client's request -> Request; what a client printed -> Output -> Failure
package verdict

import (
	"fmt"
	"regexp"
)

// A Diagnosis is a mistake that a check can name: why what was seen happened,
// in a sentence or two, and the lab note to read. Verbs such as %d are filled
// in with what was seen.
type Diagnosis struct{ Why, Note string }

// Diagnoses has every sentence with which a check explains a failure. The note
// "" is the page of the check's own step.
var Diagnoses = map[string]Diagnosis{
	// Any program.
	"not-written": {"step %s is not written yet. The note says what it has to do.", ""},
	"died":        {"The program has ended. What a client sends or leaves out may cost that client its connection, and never the program.", "stage1.md, 1.3"},
	"panicked":    {"The server's own code failed (a panic): %s, at %s. A request must never do that: look before you index.", ""},
	"hangs":       {"Every answer came, or every connection ended, only after a wait. A server closes for writing as soon as it has answered.", "stage1.md, 1.8"},
	"data-race":   {"Two goroutines use the same variable at the same time, and one of them writes.", "stage2.md, Where is the data race?"},
	"trouble":     {"The check could not do its work with this program.", ""},

	// A server: its program.
	"not-announced":    {"The first line on standard output says where the server listens: http://HOST:PORT/ serves DIR. What else there is to say goes to standard error.", "stage1.md, 1.1"},
	"not-accepting":    {"Nobody listens on the port any more. After each client close that client's connection, not the listening socket, and go back to accept.", "stage1.md, 1.1"},
	"refuses-rudely":   {"A server that cannot listen says which port is taken, that an earlier `go run` may hold it and how to choose another (-addr), and exits with 1.", "stage1.md, 1.1"},
	"wrong-use":        {"Wrong use of the command line is exit status 2, with a message that names what is wrong.", ""},
	"does-not-stop":    {"Return from the loop when Accept gives an error: that is how it learns that the server is to stop. After Ctrl-C or SIGTERM a server finishes the answers under way, waits for nothing else, and exits with 0.", ""},
	"only-once":        {"The program served one client and ended, or takes no other. The loop must go on: when a client is served, accept the next one.", "stage1.md, 1.1"},
	"not-serial":       {"Stage 1 talks to one client at a time. This server accepted the next connection before it was done with the one before.", "stage1.md, 1.1"},
	"not-closed":       {"The answer is there, but the connection stays open. Connection: close is a promise: close it when the answer is sent, or the client waits for more.", "stage1.md, 1.8"},
	"close-not-said":   {"The answer has no Connection: close, and so its connection stays open for another request. Without -keep-alive every answer says close: withBody sets it.", "stage1.md, 1.2"},
	"never-ends":       {"%d bytes came in %v, and there was no end. An answer is sent as fast as the client takes it, and then it ends.", "stage1.md, 1.2"},
	"reset":            {"The connection was reset (RST). A close while bytes of the client are unread does that, and the client may lose the answer: close for writing, read and drop until the client is done, then close (RFC 9112, 9.6).", "stage1.md, 1.8"},
	"no-answer":        {"The connection was closed without an answer. Every request that comes whole gets one: look at the server's log for what went wrong.", "stage1.md, 1.3"},
	"no-answer-open":   {"No answer came in time, although the request was whole: the server reads on, or does not come to its end. A head ends with its empty line. What io.ReadAll waits for, the end of the stream, comes only after the answer.", "stage1.md, 1.3"},
	"lf-not-seen":      {"The lines of this request end with LF alone, and the server waited for another end. A line may end with LF or with CR LF (RFC 9112, 2.2), and so may the empty line: do not look for the four bytes CR LF CR LF.", "stage1.md, 1.3"},
	"limit-late":       {"The limit is passed, and the server still waits for the end of the line. Look at the limit while the bytes come, not when the line is whole: a client that never ends its line must not fill the memory.", "stage1.md, 1.3"},
	"binary-no-answer": {"No answer came to a request for a file that is no text. Read files as bytes: to decode them as text fails on the first byte that is no UTF-8.", "stage1.md, 1.6"},
	"answers-early":    {"A head ends with an empty line. Until that has come there is nothing to answer: one read is not one request.", "stage1.md, 1.3"},
	"refuses-good":     {"This request is right, and it was refused with %d: %s.", ""},
	"one-read":         {"Sent whole, this request was answered right; sent in pieces, cut %s, it was not. TCP is a stream: one read need not return one request. Read on until the empty line.", "stage1.md, 1.3"},
	"head-late":        {"A head that has begun and is not complete after -head-timeout is answered with 408, and the connection is closed. The time is for the whole head, not for each byte.", "stage1.md, 1.3"},
	"no-head-timeout":  {"A client that says nothing, or not enough, must be given up after -head-timeout: browsers open connections ahead of time and leave them silent.", "stage1.md, 1.3"},
	"answers-nobody":   {"A client that left, said nothing, or spoke another protocol has asked nothing: close its connection without an answer, and go on.", "stage1.md, 1.3"},

	// A server: the head of an answer.
	"echo":                     {"The server sends back what it was sent. An answer begins with a status line of its own.", "stage1.md, 1.2"},
	"bytes-before-status-line": {"There is whitespace, or an empty line, before HTTP/. The very first byte of an answer belongs to the status line.", "stage1.md, 1.2"},
	"no-version":               {"The status line has no version. It is: version, space, status code, space, reason phrase, such as HTTP/1.1 404 Not Found.", "stage1.md, 1.2"},
	"no-status-line":           {"The answer does not begin with a status line: version, space, status code, space, reason phrase.", "stage1.md, 1.2"},
	"bare-lf":                  {"A line of the head ends with LF alone. HTTP ends lines with CR LF, \"\\r\\n\" (RFC 9112, 2.2).", "stage1.md, 1.2"},
	"head-cut":                 {"The answer ends inside its head. After the status line come the field lines and then an empty line, also when there is no body.", "stage1.md, 1.2"},
	"no-empty-line":            {"There is no empty line between the head and the body, so the client takes the body for more field lines.", "stage1.md, 1.2"},
	"extra-empty-line":         {"There is one empty line too many after the head: its line end is taken for the first bytes of the body.", "stage1.md, 1.2"},
	"bad-field-line":           {"%q in the head is no field line. It is: name, colon, space, value.", "stage1.md, 1.2"},
	"wrong-phrase":             {"The status is %d, and its reason phrase is %q: to people this says something else. RFC 9110 has %q.", "stage1.md, 1.2"},
	"wrong-version":            {"The version in the status line is not HTTP/1.1. A server says what it speaks itself, whatever the request said.", "stage1.md, 1.2"},
	"wrong-status":             {"The status is %d, and should be %d.%s", ""},
	"field-misspelled":         {"The field %q is misspelled: a client knows only %q.", "stage1.md, 1.2"},
	"field-missing":            {"Missing in the head: %s.", ""},
	"field-extra":              {"The field %s is not asked for: these checks compare each byte, so an answer has the fields of the contract and no more.", "stage1.md, 1.2"},
	"field-value":              {"%s is %q, and should be %q.", ""},
	"field-order":              {"The fields stand in another order, or their letters or spaces differ. To a browser it is the same; these checks compare each byte.", "stage1.md, 1.2"},
	"persistence":              {"Whether a connection stays open is said in Connection: close when it ends, nothing when it stays open to HTTP/1.1, keep-alive to HTTP/1.0 that asked for it.", "stage1.md, 1.9"},

	// A server: Content-Length and the body.
	"length-counts-characters": {"Content-Length is %d, but the body has %d bytes: it counts characters. Count bytes; in UTF-8 太 has three.", "from-python.md, Text and bytes"},
	"length-plus-24":           {"Content-Length is %d, but the body has %d bytes: it is the number of characters and 24. That is right for HelloWorld.html alone, whose 12 characters have 36 bytes. Count bytes.", "from-python.md, Text and bytes"},
	"length-counts-crlf":       {"Content-Length is %d, but the file has %d bytes: two too many, a CR LF that is counted with it. The body is the file, and nothing comes after it.", "stage1.md, 1.2"},
	"length-wrong":             {"Content-Length is %d, but the body has %d bytes: a client cuts it off, or waits for what never comes.", ""},
	"crlf-after-body":          {"A line end comes after the body. Content-Length says where the body ends, and nothing follows it.", "stage1.md, 1.2"},
	"line-ends-translated":     {"Line ends inside the body were changed. A body is bytes: open the file in binary mode, and send it as it is.", "stage1.md, 1.6"},
	"body-cut":                 {"The body ends after %d of %d bytes: one read, or one send, need not take all of a file. Repeat it until nothing is left.", ""},
	"file-not-sent":            {"Not one byte came of a file of %d bytes. What sends it needs its size, and a file that is still open.", "stage1.md, 1.6"},
	"zeros-after-body":         {"The body is right, and then come %d bytes that are zero: the whole buffer was sent. Send as many bytes of it as were read (buf[:n]).", "stage1.md, 1.5"},
	"body-decoded":             {"Bytes of the file were replaced (EF BF BD is U+FFFD): it was decoded as text on its way. A body is bytes.", "stage1.md, 1.6"},
	"body-differs":             {"The body is not the file that was asked for, byte for byte.", "stage1.md, 1.6"},
	"head-with-body":           {"HEAD asks for the head that GET would get, and for no body. A client that reads on takes it for the next answer.", "stage1.md, 1.7"},
	"hard-coded":               {"Another file was asked for, and HelloWorld came: the answer does not depend on the request.", "stage1.md, 1.6"},
	"path-escape":              {"A file outside of the directory that is served was sent: anybody can read your disk. Decode the path, remove its dot segments, and open it below the root only (os.Root).", "stage1.md, 1.6"},
	"not-a-file":               {"What is neither a regular file nor a directory is a 404. Look before you open: a named pipe blocks whoever opens it until somebody writes to it.", "stage1.md, 1.6"},
	"stale":                    {"The body is the file's bytes as they are now on the disk: look again for each request.", "stage1.md, 1.6"},
	"huge-file-cut":            {"A large file is sent in pieces, until all of it is sent, however slowly the client takes it.", ""},
	"huge-file-memory":         {"The server holds the whole of a large file in memory. Copy it in pieces from the file to the connection.", ""},
	"ended-by-file":            {"The server took the end of the file for an error, and so it will never serve another request on such a connection. io.CopyN returns io.EOF when it is asked for more than is left: ask for the rest of the file, and no more.", "stage1.md, 1.6"},

	// A server: flags, time, closing.
	"leaver-harms":      {"A client that leaves in the middle costs its own connection, and not the server.", "stage1.md, 1.3"},
	"half-close":        {"The end of what a client sends is not the end of what it wants to read (RFC 9112, 9.6).", "stage1.md, 1.8"},
	"forbidden":         {"The file is there, but may not be read: 403 Forbidden.", "stage1.md, 1.6"},
	"log":               {"The log has an event when a connection is accepted, brings a request, is answered, and is closed, and -log says in which form. It changes nothing on the wire.", "stage1.md, 1.1"},
	"request-line-read": {"The request line was taken apart in another way: method, space, target, space, version. The query belongs to the target.", "stage1.md, 1.4"},
	"verbose":           {"-v prints each line of a request's head on standard error, quoted, as it came. It changes nothing on the wire.", "stage1.md, 1.3"},
	"stall":             {"A client that takes nothing must not hold the server for ever: each piece of an answer has a deadline (-stall).", "stage1.md, 1.2"},
	"one-deadline":      {"A client that takes bytes, slowly but steadily, was given up. -stall is the time in which no byte is taken: each piece of an answer has a deadline of its own, and one for the whole answer is wrong.", "stage1.md, 1.8"},
	"lingers-on":        {"After its answer the server reads and drops for as long as -linger says, and then it closes.", "stage1.md, 1.8"},
	"drops-on":          {"Reading and dropping after the answer has a limit in bytes as well as in time: a client that sends on and on keeps the server busy, and nobody else is served (io.CopyN).", "stage1.md, 1.8"},
	"delay":             {"-delay is a wait before each answer, and changes nothing else.", "stage1.md, 1.8"},
	"date":              {"With -date each answer has the field Date after Connection, in GMT, as in: Date: Sun, 06 Nov 1994 08:49:37 GMT (RFC 9110, 5.6.7).", "stage1.md, 1.2"},
	"idle":              {"A persistent connection may be silent for -idle-timeout, not less; then it is closed without a word.", "stage1.md, 1.9"},
	"only-first":        {"Only the first request of the connection was answered. With -keep-alive the connection stays open, and the next request is read from it.", "stage1.md, 1.9"},
	"pipelined-lost":    {"The requests came together, and only %d of %d were answered. What was read behind the first belongs to the next: keep one buffered reader for each connection.", "stage1.md, 1.9"},
	"ended-between":     {"Only %d of %d requests were answered. The last answer did not say close, and then the server ended the connection at once, without waiting for a request: something that it took for an error ended its loop. io.EOF at the end of a file is none: copy no more bytes than are left.", "stage1.md, 1.9"},
	"one-too-many":      {"Another answer came behind the one that ends the connection. It ends when the client has said close, when nobody has read the body of a request, and after a 400: what comes behind is not read as a request.", "stage1.md, 1.9"},

	// A concurrent server.
	"serial":         {"A client waited for another client's request. Serve each connection in a goroutine of its own.", "stage2.md, 2.1"},
	"mixed-answers":  {"A client got no answer, or another client's. Connections that are served at the same time must not share a variable: declare it inside the loop, so that each has its own.", "stage2.md, 2.1"},
	"closed-early":   {"The connection was closed before its request was answered. The loop does not wait for a goroutine, so only that goroutine can know when to close its connection.", "stage2.md, 2.1"},
	"max-conns":      {"With -max-conns 2 a third connection waits in the system's queue until one of the two is done. It is not refused, and not served before.", "stage2.md, 2.2"},
	"permit-kept":    {"A connection was over, and the next one did not get its permit. Each permit that is taken is given back once, when its connection is over, or nobody is served any more.", "stage2.md, 2.2"},
	"answer-dropped": {"An answer was under way when the server was asked to stop. It is finished before the program ends, however long its client takes: wait for the connections, and not for a fixed time (time.Sleep).", "stage2.md, 2.3"},
	"stops-late":     {"Asked to stop, a server accepts nothing more, waits for the answers under way and for nothing else (no time.Sleep), and exits with 0. Asked twice, it ends at once.", "stage2.md, 2.3"},

	// A client: its request.
	"request-none":       {"No request came. A client connects, sends its request, and then reads.", "stage3.md, 3.1"},
	"request-no-end":     {"The request has no empty line at its end, so the server waits for more field lines.", "stage3.md, 3.1"},
	"request-bare-lf":    {"A line of the request ends with LF alone. HTTP ends lines with CR LF, \"\\r\\n\" (RFC 9112, 2.2).", "stage3.md, 3.1"},
	"host-missing":       {"Host is missing. HTTP/1.1 asks for it in each request: one server may have many sites (RFC 9112, 3.2).", "stage3.md, 3.1"},
	"host-wrong":         {"Host is %q, and should be %q: the host and port that the client was given.", "stage3.md, 3.1"},
	"target-wrong":       {"The request line is %q, and should be %q.", "stage3.md, 3.1"},
	"request-lacks":      {"The field line %q is missing in the request. It has Host, Connection, and then the lines of -H.", "stage3.md, 3.1"},
	"request-differs":    {"The request is not these bytes: a request line, field lines, and an empty line, each ended by CR LF.", "stage3.md, 3.1"},
	"field-twice":        {"The field %s is sent twice. One that is given with -H takes the place of the one with that name, in any letter case.", "stage3.md, 3.1"},
	"one-request-only":   {"%d of %d requests came. -n says how many: when a response has come whole, the next request goes out on the same connection.", "stage3.md, 3.6"},
	"another-connection": {"%d connections came. One is enough, and -n sends all its requests on it, one after the other.", "stage3.md, 3.6"},

	// A client: what it prints, and when it ends.
	"client-chatter":      {"Standard output has more than the response. What the client has to say itself goes to standard error.", "stage3.md, 3.2"},
	"client-head-lost":    {"Standard output begins with the body: the head is part of the response, and printed as it came.", "stage3.md, 3.2"},
	"client-head-printed": {"With -body the body alone is printed, without the head.", "stage3.md, 3.3"},
	"client-silent":       {"Nothing was printed, although a response came. Without -body its head is printed, also when it is all that there is.", "stage3.md, 3.2"},
	"empty-line-read":     {"The empty line was taken for a field line. It ends the head: return the fields that came before it.", "stage3.md, 3.2"},
	"client-cut":          {"%d of %d bytes were printed: one read need not bring the whole body. Read on until as many bytes have come as the head announced or, if it announced no number, until the stream ends.", "stage3.md, 3.3"},
	"client-gave-up":      {"%d of %d bytes were printed, and then the client gave up, with exit status %d. Nothing is wrong with the response: read what the client says on standard error.", ""},
	"interim-taken":       {"The output ends after a 1xx response. That is an interim one: read on, for the final response comes after it (RFC 9110, 15.2).", "stage3.md, 3.2"},
	"client-decoded":      {"Bytes were replaced (EF BF BD is U+FFFD): each piece was decoded as text, and a piece may end inside a character. Write bytes.", "stage3.md, 3.4"},
	"client-line-ends":    {"Line ends were changed on the way to standard output. A response is bytes.", "stage3.md, 3.2"},
	"chunk-sizes-left":    {"The sizes of the chunks are left in the body. Chunked is a coding of the way, to be taken off (RFC 9112, 7.1).", "stage3.md, 3.4"},
	"ignores-length":      {"What came after the end of the body was printed as well. Content-Length says where the response ends.", "stage3.md, 3.3"},
	"client-differs":      {"Standard output is the response as it came (with -body the body alone), and nothing else.", "stage3.md, 3.2"},
	"waits-for-close":     {"The client was still waiting when the response had come whole, on a connection that stays open. Content-Length, the last chunk, or the status says where a response ends.", "stage3.md, 3.3"},
	"end-not-seen":        {"The server had closed the connection, and the client did not end. A read that returns no bytes is the end of the stream.", "stage3.md, 3.3"},
	"no-body-comes":       {"The client waited for a body. After HEAD, and with 1xx, 204 and 304, none comes, whatever Content-Length says (RFC 9112, 6.3).", "stage3.md, 3.3"},
	"client-no-limit":     {"A server may send slowly, or without end: every wait and every line has a limit.", "stage3.md, 3.5"},
	"exit-0-on-failure":   {"Exit status 0 says that all is well, and it was not: 1 is network or protocol trouble, 2 wrong use. Scripts look at nothing else.", "stage3.md, 3.5"},
	"exit-1-when-well":    {"The response is right and came whole: that is exit status 0, whatever its status code says. Read what the client says on standard error.", "stage3.md, 3.3"},
	"exit-status":         {"Exit status: 0 answered, 1 network or protocol trouble, 2 wrong use.", "stage3.md, 3.5"},
	"truncated-taken":     {"The response ended before its end, and was taken for whole. Compare what came with what was announced.", "stage3.md, 3.5"},
	"not-said":            {"What went wrong must be said on standard error, so that a person can find it.", "stage3.md, 3.5"},
	"says-too-much":       {"When all is well, nothing is said on standard error.", "stage3.md, 3.2"},
	"out-file":            {"-o writes to the file what standard output would have got; where nothing comes, no file is made.", "stage3.md, 3.3"},
	"parallel":            {"With -p each connection has a line of its own on standard error: connected, first byte, end, bytes. The first byte is the first that came, the end is the last. Bodies are counted, not printed.", "stage3.md, 3.6"},
	"client-memory":       {"The client holds the whole of a large body in memory. Write each piece when it comes.", "stage3.md, 3.3"},
	"body-not-read":       {"A body of any size is read to its end.", "stage3.md, 3.3"},
}

// inStep has other words for a diagnosis in a step where those of the table speak of
// what comes later. The note is the page of that step.
var inStep = map[string]string{
	"1.2 length-counts-crlf":   "Content-Length is %d, but the body has %d bytes: two too many, a CR LF that is counted with it. Nothing comes after the body.",
	"1.2 line-ends-translated": "Line ends inside the body were changed. A body is bytes: send it as it is.",
	"1.2 body-cut":             "The body ends after %d of %d bytes. All of Body is sent, behind the head.",
	"1.2 body-decoded":         "Bytes of the body were replaced (EF BF BD is U+FFFD): it was decoded as text on its way. A body is bytes.",
	"1.2 body-differs":         "The body is not the Body of the Response, byte for byte.",
	"1.2 head-with-body":       "HeadOnly is set: send the head alone. Its Content-Length stays.",
	"1.2 hard-coded":           "The answer is HelloWorld, whatever the Response says. Its status, its fields and its body are those of the Response.",
	"1.2 persistence":          "Connection is what the Response says: withBody sets Connection to close, and a field that is empty is left out.",
	"1.3 no-head-timeout":      "A client that says nothing must be given up after -head-timeout: browsers open connections ahead of time and leave them silent. from.Piece gives an error then: return it.",
	"1.3 answers-nobody":       "A client that left, said nothing, or spoke another protocol has asked nothing, and gets no answer. from.Piece gives an error then: return it.",
}

// Refusals says what an attacker or a broken client does with a server that does
// not refuse a request, for groups of checks. A group is known by the wanted status
// and the check's name; the first that matches counts.
var Refusals = []struct {
	Checks *regexp.Regexp
	Why    string
}{
	{regexp.MustCompile(`^4(14|31) `),
		"Without a limit, a client that sends on and on, or never ends its head, takes the memory and the time of all others."},
	{regexp.MustCompile(`^40[04] (escape-|link-outside|link-directory-outside|two-slashes)`),
		"This is how a stranger reads what lies beside the site: passwords, keys, other people's files."},
	{regexp.MustCompile(`^40[04] (hidden|backslash|drive-letter|named-pipe)`),
		"Such a name is no page of the site. Hidden files hold passwords and the site's history, on Windows a backslash leads out of the directory, and a pipe makes the server wait for ever."},
	{regexp.MustCompile(`^400 .*(bare-cr|cr-cr-lf)`),
		"Some programs end a line at a lone CR, and others do not. So an attacker can send a field that one of them sees and another does not."},
	{regexp.MustCompile(`^400 .*(nul-in|coding-nul|vertical-tab|control-in|del-in|garbage)`),
		"Some programs end a text at a NUL, or drop control octets, and others do not. So a proxy may check another request than the one that the server answers."},
	{regexp.MustCompile(`^400 .*(before-first-field|before-colon|folded|line-of-a-space|field-name|no-colon)`),
		"Programs read such a line in different ways: as a field, as a part of the line before it, or not at all. So an attacker can hide a field from the proxy that checks it."},
	{regexp.MustCompile(`^400 .*(host|absolute-form)`),
		"Host says which site is asked for. If a cache takes it for one site and the server behind the cache for another, the cache shows the page of one site as the other's."},
	{regexp.MustCompile(`^(400|501) .*(content-length|chunked|coding|post-without-length)`),
		"It is in doubt where this request ends. Two programs that find two ends see two different next requests. So an attacker can hide a request from the proxy that checks it (request smuggling)."},
	{regexp.MustCompile(`^(505 |400 (version|response))`),
		"A client with such a version speaks another protocol, or is broken. It would take the answer for something else."},
	{regexp.MustCompile(`^400 .*(no-version|line-early|no-target|method|space|tab)`),
		"Programs split such a line in different ways. So a proxy allows one method or target, and the server does another."},
	{regexp.MustCompile(`^40[04] .*(escaped|percent|utf-8|fragment)`),
		"Programs decode such a target in different ways. So a proxy allows one path, and the server opens another."},
	{regexp.MustCompile(`^400 .*(asterisk|authority|target|absolute|connect)`),
		"Such a target is meant for a proxy, or is broken. A server that guesses what it means may answer for a site that is not its own."},
	{regexp.MustCompile(`^400 .*(bad|400)`),
		"Nobody knows where a bad request ends. What comes behind it may be a request that an attacker has hidden there."},
}

// Refusal is what follows from not refusing a request, where a check wants a status
// that refuses it.
func Refusal(check string, status int) string {
	for _, r := range Refusals {
		if r.Checks.MatchString(fmt.Sprintf("%d %s", status, check)) {
			return " " + r.Why
		}
	}
	return ""
}

// A Failure is the error of a check that failed.
type Failure struct {
	Seen      string
	Diagnosis string // of the table
	Args      []any  // for the verbs in it
}

func (f *Failure) Error() string { return f.Seen + "\n" + f.Why("") }

// Why is the mistake behind a failure, in the words of a step where it has its own.
func (f *Failure) Why(step string) string {
	words := Diagnoses[f.Diagnosis].Why
	if own := inStep[step+" "+f.Diagnosis]; own != "" {
		words = own
	}
	return fmt.Sprintf(words, f.Args...)
}

// Note names the page of lab-notes and the section in it for a diagnosis, or is ""
// where the step's own is meant.
func Note(diagnosis, step string) string {
	if inStep[step+" "+diagnosis] != "" {
		return ""
	}
	return Diagnoses[diagnosis].Note
}

// Failf is a failure with this diagnosis.
func Failf(diagnosis, seen string, args ...any) *Failure {
	return &Failure{Seen: fmt.Sprintf(seen, args...), Diagnosis: diagnosis}
}

// Because gives a failure another diagnosis: in a check that knows better
// what it means when something as simple as this fails.
func Because(err error, diagnosis string, args ...any) error {
	if f, ok := err.(*Failure); ok {
		f.Diagnosis, f.Args = diagnosis, args
	}
	return err
}
