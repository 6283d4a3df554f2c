//go:build kit

package main

import "errors"

func makeFIFO(string) error { return errors.New("Windows has no named pipes in folders") }
