package verdict

import (
	"slices"
	"strings"

	"weblab.example/scripts/internal/exchange"
)

// Request names the mistake in a request that a client has sent.
func Request(want, got string) *Failure {
	wantLine, _, _ := strings.Cut(want, "\r\n")
	gotLine, _, _ := strings.Cut(got, "\n")
	g, w := exchange.ReadMessage([]byte(got)), exchange.ReadMessage([]byte(want))
	host, hasHost := g.Field("Host")
	wantHost, _ := w.Field("Host")
	twice := ""
	for i, f := range g.Fields {
		if slices.ContainsFunc(g.Fields[:i], func(was [2]string) bool { return strings.EqualFold(was[0], f[0]) }) {
			twice = f[0]
		}
	}
	switch {
	case got == "":
		return found("request-none")
	case g.BareLF && !w.BareLF:
		return found("request-bare-lf")
	case !g.Ended:
		return found("request-no-end")
	case strings.TrimSuffix(gotLine, "\r") != wantLine:
		return found("target-wrong", strings.TrimSuffix(gotLine, "\r"), wantLine)
	case twice != "":
		return found("field-twice", twice)
	case !hasHost && wantHost != "":
		return found("host-missing")
	case host != wantHost:
		return found("host-wrong", host, wantHost)
	}
	for _, f := range w.Fields {
		if _, ok := g.Field(f[0]); !ok {
			return found("request-lacks", f[0]+": "+f[1])
		}
	}
	return found("request-differs")
}

// Output names the mistake behind what a client printed.
func Output(response, want, got string, bodyOnly bool) *Failure {
	_, body, _ := strings.Cut(want, "\r\n\r\n")
	switch {
	case got == "":
		return found("client-silent")
	case decoded([]byte(want), []byte(got)):
		return found("client-decoded")
	case strings.Contains(strings.ToLower(response), "chunked") && bodyOnly && strings.Contains(response, got) && strings.Contains(got, "\r\n"):
		return found("chunk-sizes-left")
	case bodyOnly && strings.HasPrefix(got, "HTTP/"):
		return found("client-head-printed")
	case strings.HasPrefix(want, got) && strings.HasPrefix(want, "HTTP/1.1 1") && strings.HasSuffix(got, "\r\n\r\n"):
		return found("interim-taken")
	case strings.HasPrefix(want, got):
		return found("client-cut", len(got), len(want))
	case strings.HasPrefix(got, want) && strings.HasPrefix(response, got):
		return found("ignores-length")
	case strings.Contains(got, want):
		return found("client-chatter")
	case body != "" && got == body:
		return found("client-head-lost")
	case strings.ReplaceAll(got, "\r", "") == strings.ReplaceAll(want, "\r", ""):
		return found("client-line-ends")
	}
	return found("client-differs")
}
