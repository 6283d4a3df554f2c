package kit

import (
	"fmt"
	"strings"
	"testing"
)

func TestCheckImports(t *testing.T) {
	for _, c := range []struct{ name, list, says string }{
		{"the kit's own", "fmt errors io\nweblab.example/stage1-single fmt net weblab.example/stage1-single/http1\n", ""},
		{"direct", "weblab.example/stage1-single fmt net/http\nnet/http net/textproto\n", "net/http may not be used: weblab.example/stage1-single imports it"},
		{"below", "weblab.example/stage1-single net/http/httputil\n", "net/http/httputil may not be used"},
		{"in a package of one's own", "weblab.example/stage1-single weblab.example/stage1-single/x\nweblab.example/stage1-single/x os/exec\n", "os/exec may not be used: weblab.example/stage1-single/x"},
		{"brought in by another", "weblab.example/stage1-single go/doc\ngo/doc testing\n", "testing may not be used: go/doc imports it"},
		{"cgo", "weblab.example/stage1-single C\n", "C may not be used"},
		{"cgo of the standard library", "runtime/cgo C\nnet C\n", ""},
	} {
		err := checkImports(c.list)
		if got := fmt.Sprint(err); (err != nil) != (c.says != "") || !strings.Contains(got, c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
}

func TestParseStages(t *testing.T) {
	for list, want := range map[string]string{"1,2,3": "[1 2 3]", "3": "[3]", "": "[]", "4": "[]", "1,": "[]", "1,1": "[]", "12": "[]", "1, 2": "[]"} {
		if got, err := ParseStages(list); fmt.Sprint(got) != want || (err == nil) != (want != "[]") {
			t.Errorf("%q: %v, %v", list, got, err)
		}
	}
}
