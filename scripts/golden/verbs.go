package golden

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// A verb is what a line of a script does.
type verb struct {
	means string
	takes func(value string) bool // what it can be used with
	do    func(c *conversation, value string) error
}

// verbs are the words of a script. CASE is the name of a golden case, and stands for
// its request or its response; BYTES is a CASE or "TEXT"; D is a time, as 250ms.
var verbs = map[string]verb{
	// What the client does.
	"as":         {"NAME: goes on with the connection of that name, or with a new one", some, (*conversation).as},
	"open":       {"connects, and says nothing", none, (*conversation).open},
	"send":       {"BYTES", isBytes, (*conversation).send},
	"drip":       {"D BYTES: sends one byte in each time D, and listens meanwhile", isDrip, (*conversation).drip},
	"pause":      {"D: does nothing", isTime, (*conversation).pause},
	"half-close": {"closes for writing", none, (*conversation).halfClose},
	"leave":      {"closes", none, (*conversation).leave},
	"reset":      {"closes the hard way", none, (*conversation).reset},
	"begin":      {"asks for huge.bin, and takes its first byte", none, (*conversation).begin},
	"sip":        {"D: takes more of huge.bin, slowly, for so long", isTime, (*conversation).sip},
	"rest":       {"takes the rest of huge.bin", none, (*conversation).rest},

	// What must come of it.
	"gets":       {"CASE: its response comes, and the connection is closed", isCase, (*conversation).gets},
	"keeps":      {"CASE: its response without Connection: close comes, and the connection is not closed", isCase, (*conversation).keeps},
	"gets-any":   {"CASE: any answer to it comes; without CASE anything will do", isCaseOrNone, (*conversation).getsAny},
	"gets-no":    {"STATUS: what comes has another one", isNumber, (*conversation).getsNo},
	"gets-mild":  {"STATUS FILE: that status comes, and the bytes of that file, if one is named", some, (*conversation).getsMild},
	"silent":     {"D: nothing comes for so long", isTime, (*conversation).silent},
	"still-open": {"nothing has come, not even the end", none, (*conversation).stillOpen},
	"closed":     {"after D, within D, or somehow: nothing comes, and the connection is closed", isEnding, (*conversation).closed},
	"given-up":   {"N: sends on, N bytes at a time, until the connection is reset", isNumber, (*conversation).givenUp},
	"answers":    {"CASE: another client gets its response", isCase, func(c *conversation, name string) error { return c.answers(name) }},
	"takes":      {"CASE: another client gets an answer to it that is no refusal", isCase, (*conversation).takesGood},
	"took":       {"D: all that took at least so long", isTime, (*conversation).took},
	"log":        {"TEXT: the server's log has that", some, (*conversation).hasLogged},
	"log-empty":  {"the server's log has nothing", none, (*conversation).logEmpty},

	// The files of the site.
	"own":     {"the check can change them", none, func(c *conversation, _ string) error { return c.site.need("own") }},
	"file":    {"NAME TEXT: makes a file; {random} and {lines} are random texts", some, (*conversation).file},
	"fetches": {"NAME: another client gets the file as it is now", some, (*conversation).fetches},
	"remove":  {"NAME", some, func(c *conversation, name string) error { return os.Remove(c.path(name)) }},

	// The program.
	"start":   {"FLAGS: goes on with a server of the check's own; with none Go code starts it", anyWords, (*conversation).start},
	"memory":  {"notes how much memory it needed; the second time it must not be much more", none, (*conversation).memory},
	"stop":    {"asks it to stop; with Ctrl-C as a terminal does", anyWords, (*conversation).stop},
	"refuses": {"it takes no more connections", none, (*conversation).refuses},
	"exit":    {"STATUS, or any: it ends; with within D that is soon", some, (*conversation).exit},
	"exits":   {"STATUS FLAGS: started like this it ends by itself", some, (*conversation).exits},
	"says":    {"TEXT: is on its standard error", some, (*conversation).says},
	"tries":   {"N, in the first line: a busy machine may be too late for it, but not so often", isNumber, func(*conversation, string) error { return nil }},
	"run":     {"NAME ARGUMENT: what is an algorithm, and stands in Go", isAlgorithm, (*conversation).run},
}

func anyWords(string) bool       { return true }
func none(value string) bool     { return value == "" }
func some(value string) bool     { return value != "" }
func isTime(value string) bool   { _, err := time.ParseDuration(value); return err == nil }
func isNumber(value string) bool { _, err := strconv.Atoi(value); return err == nil }
func isCase(name string) bool    { request, _ := bytesOf(name); return len(request) > 0 }
func isBytes(value string) bool  { return strings.HasPrefix(value, `"`) || isCase(value) }

func isCaseOrNone(name string) bool { return name == "" || isCase(name) }

func isEnding(how string) bool {
	when, d, _ := strings.Cut(how, " ")
	return how == "" || how == "somehow" || (when == "after" || when == "within") && isTime(d)
}

func isDrip(value string) bool {
	every, bytes, _ := strings.Cut(value, " ")
	return isTime(every) && isBytes(bytes)
}

func isAlgorithm(value string) bool {
	name, _, _ := strings.Cut(value, " ")
	return algorithms[name] != nil
}

// bytesIn is what BYTES stands for.
func bytesIn(value string) []byte {
	if text, ok := strings.CutPrefix(value, `"`); ok {
		return []byte(strings.TrimSuffix(text, `"`))
	}
	request, _ := bytesOf(value)
	return request
}

// duration is a time that isTime has seen.
func duration(value string) time.Duration {
	d, _ := time.ParseDuration(value)
	return d
}
