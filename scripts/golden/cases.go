package golden

import (
	"bytes"
	"io/fs"

	"weblab.example/scripts/internal/exchange"
	"weblab.example/scripts/internal/verdict"
)

// A golden is a case whose request and response stand in cases/.
type golden struct {
	step, name, want string
	flags            []string
	also             string // another step that it needs
	free             bool   // no part of the points: given code does it, or code that refuses nothing
	body             string // a file of the site that is the response's body: too long for cases/
}

// samples has the server answer with samples of responses, whoever asks: what
// step 1.2 makes of them is seen before there is a step that asks for them.
var samples = []string{"-samples"}

// goldens lists the cases, in the order of the steps. To add one: a line here,
// cases/NAME.request by hand, and update_test.go of the whole kit.
var goldens = []golden{
	// step 1.2
	{step: "1.2", name: "sample-page", want: "a page has its length in bytes: 太 counts three", flags: samples},
	{step: "1.2", name: "sample-allow", want: "a Response with Allow has that field, in its place", flags: samples},
	{step: "1.2", name: "sample-location", want: "a Response with Location has that field, in its place", flags: samples},
	{step: "1.2", name: "sample-empty", want: "a Response without a body has the length 0, and ends with its empty line", flags: samples},
	{step: "1.2", name: "sample-head-only", want: "with HeadOnly the body is left out, and its length stays", flags: samples},
	{step: "1.2", name: "sample-no-length", want: "without a length and without Connection both fields are left out", flags: samples},

	// step 1.5
	{step: "1.5", name: "hello", want: "the page of the assignment: 12 characters, 36 bytes"},
	{step: "1.5", name: "query", want: "the query is ignored"},
	{step: "1.5", name: "lf-only", want: "a head with bare LF at its line ends is understood"},
	{step: "1.5", name: "mixed-line-ends", want: "CRLF and LF may be mixed"},
	{step: "1.5", name: "empty-lines-first", want: "empty lines before the request line are skipped"},
	{step: "1.5", name: "http-1-0", want: "HTTP/1.0 needs no Host, and is answered with HTTP/1.1"},
	{step: "1.5", name: "http-1-2", want: "HTTP/1.2 is understood as 1.1"},
	{step: "1.5", name: "field-name-case", want: "field names may have any letter case"},
	{step: "1.5", name: "no-space-after-colon", want: "there may be no whitespace after the colon, or much"},
	{step: "1.5", name: "high-bytes-in-value", want: "bytes above 0x7f in a value are legal"},
	{step: "1.5", name: "expect-continue-without-body", want: "an expectation without a body changes nothing"},
	{step: "1.5", name: "range-ignored", want: "Range may be ignored: the whole file comes"},
	{step: "1.5", name: "conditional-ignored", want: "If-Modified-Since may be ignored: the whole file comes"},
	{step: "1.5", name: "content-length-zero", want: "Content-Length: 0 means that there is no body"},
	{step: "1.5", name: "browser-head-4k", want: "a browser's head of 4 KiB, with cookies"},
	{step: "1.5", name: "favicon", want: "a browser asks for /favicon.ico without being told to: a 404 if there is none"},
	{step: "1.5", name: "type-html", want: "the Content-Type of .html"},
	{step: "1.5", name: "directory-file", want: "a file in a directory"},
	{step: "1.5", name: "not-found", want: "a file that is not there is a 404"},
	{step: "1.5", name: "not-found-directory", want: "a directory that is not there is a 404"},

	// step 1.6
	{step: "1.6", name: "index", want: "/ is the directory's index.html"},
	{step: "1.6", name: "name-with-space", want: "%20 is a space in the name"},
	{step: "1.6", name: "name-with-percent", want: "%25 is a percent sign, decoded once"},
	{step: "1.6", name: "name-with-plus", want: "a + in a path is a plus, not a space"},
	{step: "1.6", name: "name-plus-and-escape", want: "a + stays a plus in a name that has an escape, too"},
	{step: "1.6", name: "name-utf-8", want: "a Chinese name, percent-encoded in UTF-8"},
	{step: "1.6", name: "name-utf-8-small-hex", want: "the digits of an escape may be small letters"},
	{step: "1.6", name: "name-escaped-letters", want: "a letter may be escaped without need"},
	{step: "1.6", name: "all-bytes", want: "a binary file with all 256 byte values comes unchanged"},
	{step: "1.6", name: "empty-file", want: "an empty file has Content-Length: 0"},
	{step: "1.6", name: "large-file", want: "a file of 1 MiB comes whole", body: "large.txt"},
	{step: "1.6", name: "file-of-32k", want: "a file of 32 KiB comes whole", body: "32k.bin"},
	{step: "1.6", name: "file-of-32k-and-1", want: "a file of 32 KiB and a byte comes whole", body: "32k-and-1.bin"},
	{step: "1.6", name: "type-css", want: "the Content-Type of .css"},
	{step: "1.6", name: "type-txt", want: "the Content-Type of .txt"},
	{step: "1.6", name: "type-md", want: "the Content-Type of .md"},
	{step: "1.6", name: "type-js", want: "the Content-Type of .js"},
	{step: "1.6", name: "type-json", want: "the Content-Type of .json"},
	{step: "1.6", name: "type-svg", want: "the Content-Type of .svg"},
	{step: "1.6", name: "type-png", want: "the Content-Type of .png"},
	{step: "1.6", name: "type-jpg", want: "the Content-Type of .jpg"},
	{step: "1.6", name: "type-jpeg", want: "the Content-Type of .jpeg"},
	{step: "1.6", name: "type-gif", want: "the Content-Type of .gif"},
	{step: "1.6", name: "type-webp", want: "the Content-Type of .webp"},
	{step: "1.6", name: "type-ico", want: "the Content-Type of .ico"},
	{step: "1.6", name: "type-pdf", want: "the Content-Type of .pdf"},
	{step: "1.6", name: "type-wasm", want: "the Content-Type of .wasm"},
	{step: "1.6", name: "type-xml", want: "the Content-Type of .xml"},
	{step: "1.6", name: "type-capitals", want: "the extension counts in any letter case"},
	{step: "1.6", name: "type-unknown", want: "an unknown extension is application/octet-stream"},
	{step: "1.6", name: "type-none", want: "no extension is application/octet-stream"},
	{step: "1.6", name: "directory", want: "a directory with its final slash serves its index.html"},
	{step: "1.6", name: "file-as-directory", want: "a file is no directory: 404"},
	{step: "1.6", name: "no-index", want: "a directory without index.html is a 404"},
	{step: "1.6", name: "redirect", want: "a directory without its final slash is a 301 to the one with it"},
	{step: "1.6", name: "redirect-no-index", want: "a directory without index.html is a 301, too, if its final slash is missing"},
	{step: "1.6", name: "redirect-query", want: "the 301 keeps the query"},
	{step: "1.6", name: "redirect-escapes", want: "the 301 keeps the escapes as they came"},
	{step: "1.6", name: "decoded-once", want: "%25 is a percent sign, and what follows it is no escape any more"},
	{step: "1.6", name: "redirect-query-escapes", want: "the 301 leaves the escapes of the query alone"},
	{step: "1.6", name: "redirect-no-injection", want: "an escaped line end in the query stays escaped: it must not begin a field of the answer"},
	{step: "1.6", name: "escaped-line-end", want: "an escaped line end is part of a name, and of no answer"},
	{step: "1.6", name: "escaped-question-mark", want: "an escaped ? begins no query"},
	{step: "1.6", name: "escaped-nul-in-query", want: "the query is ignored, whatever is escaped in it"},
	{step: "1.6", name: "content-length-mode-none", want: "-content-length none", flags: []string{"-content-length", "none"}, free: true},
	{step: "1.6", name: "content-length-mode-short", want: "-content-length short", flags: []string{"-content-length", "short"}, free: true},
	{step: "1.6", name: "content-length-mode-long", want: "-content-length long", flags: []string{"-content-length", "long"}, free: true},
	{step: "1.6", name: "content-length-mode-short-empty", want: "-content-length short never goes below 0", flags: []string{"-content-length", "short"}, free: true},
	{step: "1.6", name: "content-length-mode-none-large", want: "-content-length none for a large file", flags: []string{"-content-length", "none"}, body: "large.txt", free: true},
	{step: "1.6", name: "content-length-mode-long-404", want: "-content-length touches 200 answers only", flags: []string{"-content-length", "long"}, free: true},

	// step 1.7
	{step: "1.7", name: "head", want: "HEAD has the head that GET has, and no body"},
	{step: "1.7", name: "head-index", want: "HEAD of a directory"},
	{step: "1.7", name: "head-large", want: "HEAD of a large file"},
	{step: "1.7", name: "head-empty", want: "HEAD of an empty file"},
	{step: "1.7", name: "head-not-found", want: "HEAD of nothing is a 404 without its body"},
	{step: "1.7", name: "head-redirect", want: "HEAD of a directory without its slash"},
	{step: "1.7", name: "head-http-1-0", want: "HEAD in HTTP/1.0"},
	{step: "1.7", name: "method-put", want: "PUT is known but not for files: 405 with Allow"},
	{step: "1.7", name: "method-delete", want: "DELETE is known but not for files: 405 with Allow"},
	{step: "1.7", name: "method-options", want: "OPTIONS is known but not for files: 405 with Allow"},
	{step: "1.7", name: "method-trace", want: "TRACE is known but not for files: 405 with Allow"},
	{step: "1.7", name: "method-patch", want: "PATCH is known but not for files: 405 with Allow"},
	{step: "1.7", name: "method-post", want: "POST without a body is a 405 too"},
	{step: "1.7", name: "method-post-not-found", want: "the method counts before the file: POST of nothing is a 405"},
	{step: "1.7", name: "method-connect", want: "CONNECT host:port is a 405"},
	{step: "1.7", name: "options-asterisk", want: "OPTIONS * is a 405"},
	{step: "1.7", name: "method-unknown", want: "a method that nobody knows is a 501"},
	{step: "1.7", name: "method-lower-case", want: "get is not GET: 501"},
	{step: "1.7", name: "method-mixed-case", want: "Get is not GET: 501"},
	{step: "1.7", name: "method-long", want: "a method longer than any is a 501"},
	{step: "1.7", name: "content-length-mode-long-head", want: "-content-length long and HEAD", flags: []string{"-content-length", "long"}, free: true},

	// step 1.8
	{step: "1.8", name: "post-small-body", want: "a body that nobody reads does not cost the answer"},
	{step: "1.8", name: "post-chunked-body", want: "a chunked body that nobody reads does not cost the answer"},
	{step: "1.8", name: "get-with-body", want: "a GET with a body is answered, and the body is no second request"},
	{step: "1.8", name: "garbage-after", want: "bytes after the request do not cost the answer"},
	{step: "1.8", name: "second-request-ignored", want: "without -keep-alive there is one answer, whatever follows"},
	{step: "1.8", name: "connection-keep-alive", want: "keep-alive in a request is a wish: without -keep-alive the server closes"},
	{step: "1.8", name: "chunk-is-request", want: "a request inside a chunk is no request"},
	{step: "1.8", name: "post-bad-chunks", want: "a body that is not read is not judged"},
	{step: "1.8", name: "body-never-comes", want: "a body that never comes is not waited for"},
	{step: "1.8", name: "expect-continue-with-body", want: "who expects 100 gets the final answer at once, and no 100"},
	{step: "1.8", name: "underscore-is-no-hyphen", want: "Transfer_Encoding is a field that nobody knows: Content-Length counts"},

	// step 1.9
	{step: "1.9", name: "keep-alive", want: "two requests on one connection; the second says close", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-many", want: "ten requests sent at once are answered in their order", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-close", want: "Connection: close ends the connection", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-close-in-list", want: "close counts in a list and in any letter case", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-close-second-field", want: "close counts in a second Connection field", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-not-close", want: "a word that only contains close does not count", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-http-1-0", want: "HTTP/1.0 ends the connection unless it asks otherwise", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-http-1-0-asked", want: "HTTP/1.0 with keep-alive is told that it is granted", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-not-found", want: "a 404 does not end the connection", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-redirect", want: "a 301 does not end the connection", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-head", want: "HEAD, then GET: no body between them", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-empty-file", want: "an empty file, then another", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-405", want: "a 405 to a request without a body does not end it", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-501", want: "a 501 for the method does not end the connection", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-body-closes", want: "a request with a body is the last: the body is not read", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-chunked-closes", want: "a request with a chunked body is the last: the body is not read", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-empty-line-between", want: "an empty line between requests is skipped", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-lf-only", want: "pipelined heads with bare LF", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-content-length-mode", want: "with a wrong Content-Length only the close can end the body", flags: []string{"-keep-alive", "-content-length", "long"}, free: true},
	{step: "1.9", name: "keep-alive-content-length-zero", want: "a request with Content-Length: 0 has no body, and is not the last", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-asked", want: "HTTP/1.1 may ask for what is the rule, and is told nothing", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-http-1-0-both", want: "in HTTP/1.0 close counts more than keep-alive", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-large", want: "after a file of 32 KiB and a byte, the next answer begins where it should", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-body-is-request", want: "a body that looks like a request is no request, and what follows it is not answered", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-chunk-is-request", want: "a chunk that looks like a request is no request", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-head-with-body", want: "HEAD may have a body, too, and it is no request", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-underscore-field", want: "Content_Length is a field that nobody knows: without Content-Length what follows is a request", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-content-length-zeros", want: "Content-Length: 000 is 0: what follows is a request", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-content-length-zero-then-bytes", want: "bytes behind Content-Length: 0 begin the next method: xGET is a 501", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-connect-refused", want: "a CONNECT that is refused opens no tunnel: the next request follows", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-empty-lines-between", want: "a hundred empty lines between requests are skipped", flags: []string{"-keep-alive"}},
	{step: "1.9", name: "keep-alive-bare-lf-ends-head", want: "two bare LF end a head, whatever the line ends before them", flags: []string{"-keep-alive"}},

	// step S.1
	{step: "S.1", name: "request-line-too-long", want: "a request line over 8 KiB is a 414"},
	{step: "S.1", name: "head-too-large", want: "a head over 16 KiB is a 431"},
	{step: "S.1", name: "empty-lines-too-many", want: "empty lines before the request count as part of the head: over 16 KiB is a 431"},
	{step: "S.1", name: "many-fields-too-large", want: "many short fields add up: over 16 KiB is a 431"},
	{step: "S.1", name: "method-too-long", want: "a method that makes the request line over 8 KiB is a 414, not a 501"},
	{step: "S.1", name: "request-line-without-end", want: "a request line over 8 KiB is a 414, its end is not waited for"},
	{step: "S.1", name: "field-without-end", want: "a field that makes the head over 16 KiB is a 431, its end is not waited for"},
	{step: "S.1", name: "head-request-line-too-long", want: "no answer to HEAD has a body: a 414"},
	{step: "S.1", name: "head-head-too-large", want: "no answer to HEAD has a body: a 431"},
	{step: "S.1", name: "head-of-16k", want: "a head of exactly 16 KiB is fine", free: true},
	{step: "S.1", name: "request-line-of-8k", want: "a request line of exactly 8 KiB is fine: this file is just not there", free: true},
	{step: "S.1", name: "empty-lines-up-to-16k", want: "empty lines and a head of 16 KiB together are fine", free: true},
	{step: "S.1", name: "method-of-8k", want: "a method is as long as the request line lets it be: 501", also: "1.7", free: true},
	{step: "S.1", name: "keep-alive-empty-lines-flood", want: "more than 16 KiB of empty lines between requests are a 431", flags: []string{"-keep-alive"}, also: "1.9"},
	{step: "S.1", name: "keep-alive-second-line-too-long", want: "a good request, then one whose line is over 8 KiB: 414", flags: []string{"-keep-alive"}, also: "1.9"},

	// step S.2
	{step: "S.2", name: "bare-cr-in-field", want: "a CR in the middle of a field line is a 400"},
	{step: "S.2", name: "bare-cr-in-request-line", want: "a CR in the middle of the request line is a 400"},
	{step: "S.2", name: "cr-cr-lf", want: "a line that ends in CR CR LF is a 400"},
	{step: "S.2", name: "nul-in-field", want: "a NUL in a field is a 400"},
	{step: "S.2", name: "control-in-field", want: "a control byte in a field is a 400"},
	{step: "S.2", name: "del-in-field", want: "a DEL (0x7f) in a field is a 400"},
	{step: "S.2", name: "control-in-target", want: "a control byte in the target is a 400"},
	{step: "S.2", name: "nul-in-field-name", want: "a NUL in a field name is a 400"},
	{step: "S.2", name: "coding-nul", want: "chunked with a NUL behind it is a 400: no reader may take it for chunked"},
	{step: "S.2", name: "coding-vertical-tab", want: "a vertical tab before chunked is no whitespace, but a control byte: 400"},
	{step: "S.2", name: "bare-cr-hides-coding", want: "a bare CR begins no line: 400, whatever field seems to follow it"},
	{step: "S.2", name: "cr-cr-lf-for-empty-line", want: "CR CR LF is no empty line: the head goes on, and is a 400"},
	{step: "S.2", name: "garbage-binary", want: "bytes that are no text are a 400"},
	{step: "S.2", name: "no-version", want: "a request line without a version is a 400"},
	{step: "S.2", name: "no-target", want: "a request line without a target is a 400"},
	{step: "S.2", name: "method-only", want: "a request line of one word is a 400"},
	{step: "S.2", name: "two-spaces", want: "two spaces where there should be one are a 400"},
	{step: "S.2", name: "two-spaces-before-version", want: "two spaces before the version are a 400"},
	{step: "S.2", name: "leading-space", want: "a space before the method is a 400"},
	{step: "S.2", name: "trailing-space", want: "a space after the version is a 400"},
	{step: "S.2", name: "tab-for-space", want: "a tab is no space: 400"},
	{step: "S.2", name: "space-in-target", want: "a space inside the target is a 400"},
	{step: "S.2", name: "method-no-token", want: "a method with a delimiter in it is no token: 400"},
	{step: "S.2", name: "version-lower-case", want: "http/1.1 in small letters is no version: 400"},
	{step: "S.2", name: "version-short", want: "HTTP/1 is no version: 400"},
	{step: "S.2", name: "version-long", want: "HTTP/1.10 is no version: 400"},
	{step: "S.2", name: "version-other-protocol", want: "another protocol's name is a 400"},
	{step: "S.2", name: "version-no-digit", want: "HTTP/1.x is no version: 400"},
	{step: "S.2", name: "version-2", want: "HTTP/2.0 is another major version: 505"},
	{step: "S.2", name: "version-0-9", want: "HTTP/0.9 is another major version: 505"},
	{step: "S.2", name: "version-http2-preface", want: "the first bytes of HTTP/2 are a 505"},
	{step: "S.2", name: "tab-in-target", want: "a tab inside the target is a 400"},
	{step: "S.2", name: "method-no-token-http-2", want: "the method is judged before the version"},
	{step: "S.2", name: "method-with-quote", want: "a quote is no token character: 400"},
	{step: "S.2", name: "spaces-many", want: "a thousand spaces are not one"},
	{step: "S.2", name: "no-break-space", want: "a no-break space of Latin-1 is no space: 400"},
	{step: "S.2", name: "response-as-request", want: "a response is no request: 400"},
	{step: "S.2", name: "space-before-first-field", want: "whitespace before the first field is a 400"},
	{step: "S.2", name: "tab-before-first-field", want: "a tab before the first field is a 400"},
	{step: "S.2", name: "folded-field", want: "a folded field line (obs-fold) is a 400"},
	{step: "S.2", name: "space-before-colon", want: "a space before the colon is a 400"},
	{step: "S.2", name: "tab-before-colon", want: "a tab before the colon is a 400"},
	{step: "S.2", name: "empty-field-name", want: "a field without a name is a 400"},
	{step: "S.2", name: "no-colon", want: "a field line without a colon is a 400"},
	{step: "S.2", name: "space-in-field-name", want: "a field name with a space in it is a 400"},
	{step: "S.2", name: "brackets-in-field-name", want: "a field name with a delimiter in it is a 400"},
	{step: "S.2", name: "high-byte-in-field-name", want: "a field name with a byte above 0x7f is a 400"},
	{step: "S.2", name: "coding-folded", want: "Transfer-Encoding with its value in the next line is a 400"},
	{step: "S.2", name: "empty-line-of-a-space", want: "a line of a space is no empty line, but a folded one: 400"},
	{step: "S.2", name: "field-name-odd-token", want: "a field name may be any token", free: true},
	{step: "S.2", name: "request-line-early", want: "a request line that is wrong is a 400 when its line end has come: the fields are not waited for"},
	{step: "S.2", name: "request-line-early-lf", want: "a wrong request line is a 400 at once, also when its line end is LF alone"},
	{step: "S.2", name: "request-line-early-version", want: "another major version is a 505 at once: the fields are not waited for"},
	{step: "S.2", name: "head-other-version", want: "no answer to HEAD has a body: a 505"},
	{step: "S.2", name: "head-no-version", want: "no answer to HEAD has a body: a 400 for the request line"},
	{step: "S.2", name: "method-odd-token", want: "a method may be any token: an unknown one is a 501, not a 400", also: "1.7", free: true},
	{step: "S.2", name: "bad-then-more", want: "after a 400 nothing more is answered"},
	{step: "S.2", name: "keep-alive-400-closes", want: "a 400 ends the connection", flags: []string{"-keep-alive"}, also: "1.9"},
	{step: "S.2", name: "keep-alive-coding-space-before-colon", want: "a space before the colon of Transfer-Encoding: one 400, and nothing else", flags: []string{"-keep-alive"}, also: "1.9"},
	{step: "S.2", name: "keep-alive-post-without-length", want: "a POST without a length has no body: its form begins the next request, a bad one", flags: []string{"-keep-alive"}, also: "1.9"},
	{step: "S.2", name: "keep-alive-upgrade-ignored", want: "an upgrade to h2c is not done: what follows as HTTP/2 is a 505", flags: []string{"-keep-alive"}, also: "1.9"},
	{step: "S.2", name: "keep-alive-garbage-after", want: "a good request, then garbage: its answer, one 400, and the end", flags: []string{"-keep-alive"}, also: "1.9"},
	{step: "S.2", name: "keep-alive-garbage-first", want: "garbage, then a good request: one 400, and the end", flags: []string{"-keep-alive"}, also: "1.9"},
	{step: "S.2", name: "keep-alive-bare-cr-between", want: "a bare CR between requests is no empty line: the second is a 400", flags: []string{"-keep-alive"}, also: "1.9"},

	// step S.3
	{step: "S.3", name: "no-host", want: "HTTP/1.1 without Host is a 400"},
	{step: "S.3", name: "two-hosts", want: "two Host fields are a 400"},
	{step: "S.3", name: "two-hosts-http-1-0", want: "two Host fields are a 400 in HTTP/1.0 too"},
	{step: "S.3", name: "empty-host", want: "an empty Host is a 400"},
	{step: "S.3", name: "host-with-path", want: "a Host with a slash is a 400"},
	{step: "S.3", name: "host-with-user", want: "a Host with a user name is a 400"},
	{step: "S.3", name: "host-with-space", want: "a Host with a space in it is a 400"},
	{step: "S.3", name: "host-bad-port", want: "a Host whose port is no number is a 400"},
	{step: "S.3", name: "host-bad-ipv6", want: "a Host with an IPv6 address without brackets is a 400"},
	{step: "S.3", name: "host-open-bracket", want: "a Host with an open bracket is a 400"},
	{step: "S.3", name: "host-high-byte", want: "a Host with a byte above 0x7f is a 400"},
	{step: "S.3", name: "two-content-lengths", want: "two Content-Length fields are a 400"},
	{step: "S.3", name: "two-equal-content-lengths", want: "two equal Content-Length fields are a 400 too"},
	{step: "S.3", name: "content-length-plus", want: "a Content-Length with a sign is a 400"},
	{step: "S.3", name: "content-length-minus", want: "a Content-Length with a sign is a 400"},
	{step: "S.3", name: "content-length-letter", want: "a Content-Length with a letter is a 400"},
	{step: "S.3", name: "content-length-list", want: "a Content-Length with a list is a 400"},
	{step: "S.3", name: "content-length-empty", want: "a Content-Length with no digit is a 400"},
	{step: "S.3", name: "content-length-hex", want: "a Content-Length with a hexadecimal number is a 400"},
	{step: "S.3", name: "content-length-space", want: "a Content-Length with a space is a 400"},
	{step: "S.3", name: "content-length-overflow", want: "a Content-Length that overflows is a 400"},
	{step: "S.3", name: "length-and-chunked", want: "Content-Length and Transfer-Encoding together are a 400"},
	{step: "S.3", name: "chunked-in-http-1-0", want: "Transfer-Encoding in HTTP/1.0 is a 400"},
	{step: "S.3", name: "chunked-not-last", want: "a Transfer-Encoding that does not end in chunked is a 400"},
	{step: "S.3", name: "coding-identity", want: "Transfer-Encoding: identity is a 400"},
	{step: "S.3", name: "coding-empty", want: "an empty Transfer-Encoding is a 400"},
	{step: "S.3", name: "coding-unknown", want: "an unknown coding before chunked is a 501"},
	{step: "S.3", name: "coding-unknown-two-fields", want: "a coding in a field of its own before chunked is a 501"},
	{step: "S.3", name: "two-hosts-other-case", want: "two Host fields are two, whatever their letter case"},
	{step: "S.3", name: "two-content-lengths-other-case", want: "two Content-Length fields are two, whatever their letter case"},
	{step: "S.3", name: "chunked-twice", want: "chunked may be applied once: twice is a 400"},
	{step: "S.3", name: "no-host-and-coding-unknown", want: "Host is judged before the framing: 400, not 501"},
	{step: "S.3", name: "coding-unknown-http-1-0", want: "in HTTP/1.0 any Transfer-Encoding is a 400, not a 501"},
	{step: "S.3", name: "length-and-coding-unknown", want: "with a Content-Length any Transfer-Encoding is a 400, not a 501"},
	{step: "S.3", name: "content-length-over-int64", want: "a Content-Length of 2^63 is a 400: no file is that long"},
	{step: "S.3", name: "host-ipv4-in-brackets", want: "brackets are for IPv6: an IPv4 address in them is a 400"},
	{step: "S.3", name: "host-bad-escape", want: "a Host with a bad percent-escape is a 400"},
	{step: "S.3", name: "coding-kelvin-sign", want: "only A to Z have small letters: chunked with a Kelvin sign for its k is a 400"},
	{step: "S.3", name: "host-ipv6-zone", want: "a zone means nothing to another machine: a Host with one is a 400"},
	{step: "S.3", name: "coding-xchunked", want: "a word that ends in chunked is another coding, and not chunked at the end: 400"},
	{step: "S.3", name: "coding-chunked-identity", want: "chunked, identity does not end in chunked: 400"},
	{step: "S.3", name: "coding-with-parameter", want: "chunked has no parameters: chunked;q=1 is a 400"},
	{step: "S.3", name: "coding-quoted", want: "chunked in quotes is not chunked: 400"},
	{step: "S.3", name: "chunked-twice-two-fields", want: "two fields are one list: chunked twice is a 400"},
	{step: "S.3", name: "identity-then-chunked", want: "identity is no coding any more: an unknown one before chunked is a 501"},
	{step: "S.3", name: "content-length-underscore", want: "a Content-Length with an underscore is a 400: some languages read 1_0 as 10"},
	{step: "S.3", name: "content-length-other-digits", want: "only 0 to 9 are digits: a full-term.Width 5 is a 400"},
	{step: "S.3", name: "content-length-two-to-64", want: "a Content-Length of 2^64 is a 400, not 0"},
	{step: "S.3", name: "absolute-form-no-host", want: "an absolute form does not make up for a missing Host: 400"},
	{step: "S.3", name: "absolute-form-two-hosts", want: "an absolute form does not choose between two Hosts: 400"},
	{step: "S.3", name: "host-ipv6", want: "a Host may be an IPv6 address", free: true},
	{step: "S.3", name: "host-odd-but-legal", want: "a Host may have underscores, escapes and an empty port", free: true},
	{step: "S.3", name: "host-with-tabs", want: "whitespace around a value is a tab or a space, before and after it", free: true},
	{step: "S.3", name: "host-long-port", want: "a port may have zeros in front", free: true},
	{step: "S.3", name: "head-no-host", want: "no answer to HEAD has a body: a 400 for Host"},
	{step: "S.3", name: "head-coding-unknown", want: "no answer to HEAD has a body: a 501 for the coding"},
	{step: "S.3", name: "chunked-with-empty-item", want: "an empty item of a list does not count: chunked is still the last coding", free: true},
	{step: "S.3", name: "keep-alive-second-bad", want: "a good request is answered, and a bad one behind it is a 400", flags: []string{"-keep-alive"}, also: "1.9"},
	{step: "S.3", name: "keep-alive-length-and-chunked", want: "Content-Length before Transfer-Encoding: one 400, and the request behind it is not answered", flags: []string{"-keep-alive"}, also: "1.9"},
	{step: "S.3", name: "keep-alive-chunked-and-length", want: "Transfer-Encoding before Content-Length: one 400, and the request behind it is not answered", flags: []string{"-keep-alive"}, also: "1.9"},
	{step: "S.3", name: "keep-alive-two-codings", want: "chunked and xchunked in two fields: one 400, and nothing else", flags: []string{"-keep-alive"}, also: "1.9"},
	{step: "S.3", name: "keep-alive-chunked-http-1-0", want: "Transfer-Encoding in HTTP/1.0: one 400, and nothing else", flags: []string{"-keep-alive"}, also: "1.9"},

	// step S.4
	{step: "S.4", name: "absolute-form", want: "a target in absolute form, as proxies send it", free: true},
	{step: "S.4", name: "absolute-form-other-host", want: "the authority of an absolute form counts instead of Host", free: true},
	{step: "S.4", name: "absolute-form-no-path", want: "an absolute form without a path asks for /", free: true},
	{step: "S.4", name: "absolute-form-query", want: "an absolute form with a query and no path asks for /", free: true},
	{step: "S.4", name: "case-sensitive-escape", want: "%2e and . are the same", free: true},
	{step: "S.4", name: "redirect-double-slash", want: "//dir does not become a redirect to a host named dir", free: true},
	{step: "S.4", name: "redirect-many-slashes", want: "///dir does not become a redirect to a host named dir", free: true},
	{step: "S.4", name: "redirect-dots", want: "a path with dot segments is sent back as it came", free: true},
	{step: "S.4", name: "redirect-absolute-form", want: "a 301 for an absolute form has the path alone", free: true},
	{step: "S.4", name: "dot-segments", want: "dot segments are removed", free: true},
	{step: "S.4", name: "dot-at-end", want: "a final dot segment asks for the directory", free: true},
	{step: "S.4", name: "double-slash", want: "empty segments do not matter", free: true},
	{step: "S.4", name: "fragment", want: "a fragment never stands in a target: 400"},
	{step: "S.4", name: "fragment-in-query", want: "a fragment never stands in a target, not even behind a query: 400"},
	{step: "S.4", name: "raw-utf-8", want: "a byte above 0x7f that is not escaped is a 400"},
	{step: "S.4", name: "percent-at-end", want: "a % at the end is a 400"},
	{step: "S.4", name: "percent-one-digit", want: "a % with one digit is a 400"},
	{step: "S.4", name: "percent-no-hex", want: "a % without hex digits is a 400"},
	{step: "S.4", name: "escaped-nul", want: "%00 is a 400"},
	{step: "S.4", name: "escaped-slash", want: "%2F is a 400"},
	{step: "S.4", name: "escaped-slash-small", want: "%2f is a 400"},
	{step: "S.4", name: "escaped-not-utf-8", want: "an escape that is not UTF-8 is a 400"},
	{step: "S.4", name: "escaped-latin-1", want: "Latin-1 is not UTF-8"},
	{step: "S.4", name: "escaped-overlong", want: "an overlong slash is not UTF-8: 400"},
	{step: "S.4", name: "asterisk-with-get", want: "* is for OPTIONS only"},
	{step: "S.4", name: "authority-with-get", want: "host:port is for CONNECT only"},
	{step: "S.4", name: "target-without-slash", want: "a target without its slash is a 400"},
	{step: "S.4", name: "absolute-https", want: "https:// is not for this server: 400"},
	{step: "S.4", name: "absolute-ftp", want: "ftp:// is not for this server: 400"},
	{step: "S.4", name: "absolute-no-host", want: "an absolute form without a host is a 400"},
	{step: "S.4", name: "absolute-user", want: "an absolute form with a user name is a 400"},
	{step: "S.4", name: "absolute-bad-port", want: "an absolute form with a bad port is a 400"},
	{step: "S.4", name: "escape-01", want: "nothing outside of the root: dot-dot", free: true},
	{step: "S.4", name: "escape-02", want: "nothing outside of the root: out and in again", free: true},
	{step: "S.4", name: "escape-03", want: "nothing outside of the root: in and then out", free: true},
	{step: "S.4", name: "escape-04", want: "nothing outside of the root: escaped dots", free: true},
	{step: "S.4", name: "escape-05", want: "nothing outside of the root: one dot escaped", free: true},
	{step: "S.4", name: "escape-06", want: "nothing outside of the root: up to /etc/passwd", free: true},
	{step: "S.4", name: "escape-07", want: "nothing outside of the root: an escaped backslash", free: true},
	{step: "S.4", name: "escape-08", want: "nothing outside of the root: a backslash", free: true},
	{step: "S.4", name: "escape-09", want: "nothing outside of the root: a backslash for a slash", free: true},
	{step: "S.4", name: "escape-10", want: "nothing outside of the root: a UNC path", free: true},
	{step: "S.4", name: "escape-11", want: "nothing outside of the root: four dots", free: true},
	{step: "S.4", name: "escape-12", want: "nothing outside of the root: a path parameter", free: true},
	{step: "S.4", name: "escape-13", want: "nothing outside of the root: dot-dot alone", free: true},
	{step: "S.4", name: "escape-14", want: "nothing outside of the root: dot-dot at the end", free: true},
	{step: "S.4", name: "escape-15", want: "nothing outside of the root: an empty segment first", free: true},
	{step: "S.4", name: "escape-encoded-twice", want: "an escape is decoded once: %252e is no dot", free: true},
	{step: "S.4", name: "escape-absolute", want: "an absolute path of the system is a path below the root", free: true},
	{step: "S.4", name: "escape-absolute-form", want: "an absolute form cannot climb out either", free: true},
	{step: "S.4", name: "hidden-file", want: "a name that begins with a dot is a 404"},
	{step: "S.4", name: "hidden-in-directory", want: "a name that begins with a dot is a 404 in a directory, too"},
	{step: "S.4", name: "hidden-escaped", want: "a name that begins with an escaped dot is a 404"},
	{step: "S.4", name: "drive-letter", want: "a drive letter is no file", free: true},
	{step: "S.4", name: "dot-dot-at-end", want: "a path that ends in .. asks for a directory", free: true},
	{step: "S.4", name: "dot-dot-after-empty", want: "a dot-dot takes an empty segment with it: /dir//../page.html is /dir/page.html", free: true},
	{step: "S.4", name: "hidden-and-removed", want: "a hidden name that a dot-dot removes is not asked for", free: true},
	{step: "S.4", name: "absolute-empty-user", want: "an absolute form with an empty user name is a 400"},
	{step: "S.4", name: "absolute-two-users", want: "an absolute form with two @ is a 400"},
	{step: "S.4", name: "absolute-port-alone", want: "an absolute form with a port and no host is a 400"},
	{step: "S.4", name: "absolute-port-99999", want: "a port is any digits: nothing connects to it here", free: true},
	{step: "S.4", name: "absolute-open-bracket", want: "an absolute form with an open bracket is a 400"},
	{step: "S.4", name: "absolute-after-bracket", want: "letters behind the bracket of an IPv6 address are a 400"},
	{step: "S.4", name: "absolute-escaped-nul", want: "a host may have any escape, even %00: nothing is looked up here", free: true},
	{step: "S.4", name: "absolute-dots-for-host", want: "a host of dots is no part of the path", free: true},
	{step: "S.4", name: "absolute-backslash", want: "a backslash ends no host: 400"},
	{step: "S.4", name: "absolute-one-slash", want: "http:/ is no http://: 400"},
	{step: "S.4", name: "two-slashes-no-host", want: "what follows two slashes is a path, and no host", free: true},
	{step: "S.4", name: "backslash-first", want: "a backslash is no slash: 400"},
	{step: "S.4", name: "escape-16", want: "nothing outside of the root: an escaped slash"},
	{step: "S.4", name: "escape-17", want: "nothing outside of the root: overlong dots are not UTF-8"},
	{step: "S.4", name: "escape-18", want: "nothing outside of the root: %u is no escape"},
	{step: "S.4", name: "escape-19", want: "nothing outside of the root: an escape that is made of escapes", free: true},
	{step: "S.4", name: "escape-20", want: "nothing outside of the root: a NUL behind the dots"},
	{step: "S.4", name: "escape-21", want: "nothing outside of the root: full-term.Width dots are no dots", free: true},
	{step: "S.4", name: "escape-22", want: "nothing outside of the root: a query is no path", free: true},
	{step: "S.4", name: "redirect-backslash", want: "a backslash does not become a redirect to a host: browsers read it like a slash", free: true},
	{step: "S.4", name: "redirect-slashes-backslash", want: "a backslash behind two slashes does not become a redirect to a host", free: true},
	{step: "S.4", name: "redirect-backslash-slash", want: "a backslash before a slash does not become a redirect to a host", free: true},
	{step: "S.4", name: "redirect-escaped-backslash", want: "an escaped backslash stays as it came", free: true},
	{step: "S.4", name: "redirect-backslash-in-query", want: "a backslash in the query is escaped, too: no URI has one", free: true},
	{step: "S.4", name: "connect-no-port", want: "CONNECT without a port is a 400"},
	{step: "S.4", name: "options-authority", want: "OPTIONS with host:port is a 400"},
	{step: "S.4", name: "post-bad-target", want: "the target counts before the method: POST of a fragment is a 400"},
	{step: "S.4", name: "connect-empty-port", want: "CONNECT with an empty port is a 400"},
	{step: "S.4", name: "connect-user", want: "CONNECT with a user name is a 400"},
	{step: "S.4", name: "head-bad-target", want: "no answer to HEAD has a body: a 400"},
	{step: "S.4", name: "keep-alive-bad-target-closes", want: "a 400 for a bad target ends the connection", flags: []string{"-keep-alive"}, also: "1.9"},
}

// A Case is a request, and the one right answer to it.
type Case struct {
	Step, Name, Want  string
	Flags             []string // the server's flags for this case
	Request, Response []byte
}

// Cases lists the golden cases, in the order of their steps.
func Cases() ([]Case, error) {
	cases := make([]Case, len(goldens))
	for i, g := range goldens {
		request, response, err := g.load(caseFiles, siteFiles)
		if err != nil {
			return nil, err
		}
		cases[i] = Case{g.step, g.name, g.want, g.flags, request, response}
	}
	return cases, nil
}

// check makes a check of a case.
func (g golden) check() Check {
	c := Check{Step: g.step, Name: g.name, Weight: 1, Want: g.want, Flags: g.flags, also: g.also, run: g.run}
	if g.free || g.also != "" {
		c.Weight = 0
	}
	return c
}

// run sends the request whole and in two pieces at three places, and compares
// each answer, byte for byte.
func (g golden) run(l *lab) error {
	request, response, err := g.load(caseFiles, siteFiles)
	if err != nil {
		return err
	}
	for _, cut := range cuts(request) {
		h, err := l.talk(cut.pieces...)
		if err == nil {
			err = verdict.Want(h, response)
		}
		// A close that loses bytes is step 1.8: a step that does not need it lets a
		// reset after the whole answer pass.
		if err != nil && h.End == exchange.EndReset && bytes.Equal(h.Bytes, response) && (g.step < "1.8" || StepOf(g.step).Level == Strict) {
			continue
		}
		if cut.name != "" && h.End != "" { // else nobody listens any more
			err = verdict.Because(err, "one-read", cut.name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// load returns the bytes of the request and of the whole response, from cases/
// of one file system and site/ of another.
func (g golden) load(cases, site fs.FS) (request, response []byte, err error) {
	if request, err = fs.ReadFile(cases, "cases/"+g.name+".request"); err != nil {
		return nil, nil, err
	}
	response, err = fs.ReadFile(cases, "cases/"+g.name+".response")
	if err == nil && g.body != "" {
		var body []byte
		body, err = fs.ReadFile(site, "site/"+g.body)
		response = append(response, body...)
	}
	return request, response, err
}

// A cut is one way of sending a request.
type cut struct {
	name   string // "" is whole
	pieces [][]byte
}

// cuts lists the ways in which a request is sent: whole, and in two pieces.
func cuts(request []byte) []cut {
	all := []cut{{"", [][]byte{request}}}
	in := func(name string, at int) {
		if 0 < at && at < len(request) {
			all = append(all, cut{name, [][]byte{request[:at], request[at:]}})
		}
	}
	in("inside the method", 1)
	for _, end := range []string{"\r\n\r\n", "\n\n"} {
		if at := bytes.Index(request, []byte(end)); at >= 0 {
			in("between two line ends", at+len(end)/2)
			break
		}
	}
	in("before the last byte", len(request)-1)
	return all
}
