//go:build kit && linux

package hostile

import (
	"embed"
	"regexp"
	"strconv"
	"strings"

	"weblab.example/scripts/internal/caselist"
)

//go:embed testdata/*.txt
var listFiles embed.FS

// list reads testdata/NAME.txt, a list of cases. Its head says what they have.
func list(name string) []caselist.Entry {
	text, err := listFiles.ReadFile("testdata/" + name + ".txt")
	sure(err)
	all, err := caselist.Read("testdata/"+name+".txt", string(text), strings.Fields("raw above trick each bomb bomb-length bomb-hex addr host port")...)
	sure(err)
	return all
}

// sure is for what is embedded, and so the same in each run.
func sure(err error) {
	if err != nil {
		panic(err)
	}
}

// set reads the value of a key into a field.
func set(e caselist.Entry, key caselist.Key, field any) {
	var err error
	switch field := field.(type) {
	case *words:
		*field = append(*field, wordsOf(e, key.Value)...)
	default:
		err = e.Set(field, key.Value)
	}
	if err != nil {
		panic(e.Wrong(key.Line, "%s: %w", key.Name, err))
	}
}

// words are texts without spaces in a line; "" is one that is empty.
type words []string

func wordsOf(e caselist.Entry, value string) (all words) {
	for _, word := range strings.Fields(value) {
		all = append(all, e.Text(strings.TrimPrefix(word, `""`)))
	}
	return all
}

// pools are lists of words, each with a name. The key says how often each word is there.
func pools(name string) map[string]words {
	all := map[string]words{}
	for _, e := range list(name) {
		for _, key := range e.Keys {
			for _, word := range wordsOf(e, key.Value) {
				for range number(key.Name) {
					all[e.Name] = append(all[e.Name], word)
				}
			}
		}
	}
	return all
}

func number(digits string) int {
	n, err := strconv.Atoi(digits)
	sure(err)
	return n
}

// A piece of a stream is a text, so many times.
type piece struct {
	text  string
	times int64
}

var timesOf = regexp.MustCompile(`^(\d+) times `)

// pieceOf reads "TEXT" or "N times TEXT".
func pieceOf(text string) piece {
	if m := timesOf.FindStringSubmatch(text); m != nil {
		return piece{text[len(m[0]):], int64(number(m[1]))}
	}
	return piece{text, 1}
}
