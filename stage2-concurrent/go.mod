module weblab.example/stage2-concurrent

go 1.25.0

require (
	golang.org/x/sync v0.21.0
	weblab.example v0.0.0
	weblab.example/stage1-single v0.0.0
)

require github.com/google/go-cmp v0.7.0 // indirect

replace (
	weblab.example => ../
	weblab.example/stage1-single => ../stage1-single
)
