//go:build !unix

package rig

import "errors"

func listenAgain(uintptr, int) error {
	return errors.New("this system does not let a program change the queue of a socket that listens already")
}
