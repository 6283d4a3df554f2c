module weblab.example/stage1-single

go 1.25.0

require weblab.example v0.0.0

require (
	github.com/google/go-cmp v0.7.0 // indirect
	golang.org/x/sync v0.21.0 // indirect
)

replace weblab.example => ../
