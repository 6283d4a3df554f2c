package golden

import "regexp"

// remedies are what to do about a server that could not be started, by what it says.
var remedies = []struct {
	said *regexp.Regexp
	do   string
}{
	{regexp.MustCompile(`(?i)address already in use|EADDRINUSE|only one usage of each socket address`),
		"Something else has that address. End it, or change the line and say with -addr where the server listens."},
	{regexp.MustCompile(`(?i)(cannot|can't) assign requested address|EADDRNOTAVAIL|not valid in its context`),
		"That address is not one of this machine. Change the line, or grade on Linux with namespaces: there every address is."},
	{regexp.MustCompile(`(?i)gaierror|ENOTFOUND|UnknownHostException|name or service not known|nodename nor servname`),
		"That name of a host is not known here. Change the line, or grade on Linux with namespaces: there every name is this machine."},
	{regexp.MustCompile(`(?is)(\bbind\b|\blisten\b).*(permission denied|forbidden by its access permissions)|EACCES.*listen|listen.*EACCES`),
		"Not everybody may listen on a port below 1024. Change the line, or grade on Linux with namespaces: there everybody may."},
	{regexp.MustCompile(`Missing parentheses in call to 'print'|No module named '(SocketServer|BaseHTTPServer|urllib2|thread)'`),
		"It is written in Python 2: name python2 in -cmd, or in a file run in its folder."},
	{regexp.MustCompile(`(?i)can't open file|could not find or load main class|cannot find module '/`),
		"Name its main file in -cmd, or in a file run in its folder."},
	{regexp.MustCompile(`ModuleNotFoundError|No module named|Cannot find module|ClassNotFoundException`),
		"What it needs is not installed here: install it, or name a command that has it."},
	{regexp.MustCompile(`command not found|executable file not found`),
		"Install it, or name another command: in -cmd, or in a file run in its folder."},
}

// remedy is what to do, as a sentence behind another one; "" if that is not known.
func remedy(said string) string {
	for _, r := range remedies {
		if r.said.MatchString(said) {
			return " " + r.do
		}
	}
	return ""
}
