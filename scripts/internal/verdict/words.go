package verdict

import (
	"bytes"
	"strconv"
	"strings"
)

// HelloPage is the page of the assignment, which everybody serves first.
const HelloPage = "太棒了，服务器正常工作！"

func IsHello(body []byte) bool { return bytes.Contains(body, []byte(HelloPage)) }

// decoded reports whether bytes of a body were taken for text on the way.
func decoded(was, is []byte) bool {
	return bytes.Count(is, []byte("\uFFFD")) > bytes.Count(was, []byte("\uFFFD"))
}

// ToLF has LF for each CR LF.
func ToLF(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")) }

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil
}

// similar reports whether a name may be a misspelling of another: the letters
// are the same but for two, or it is the same without its hyphens.
func similar(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if strings.NewReplacer("-", "", "_", "", " ", "").Replace(a) == strings.ReplaceAll(b, "-", "") {
		return true
	}
	// The edit distance, a row of the table at a time.
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)] <= 2
}

// Secret is what a file above the root has in it: no answer may have it.
const Secret = "a secret outside of the root"
