module weblab.example

go 1.25.0
