package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"unsafe"
)

// Programs in other languages often have their address in the source: a port below 1024,
// the address or the name of the author's machine. In a network of their own all of them
// are this machine's.

// anywhere does something for such programs only.
func (j job) anywhere(do func() error) func() error {
	if !j.Anywhere {
		return func() error { return nil }
	}
	return do
}

// everyPort lets everybody listen on every port of this network (ip(7)).
func everyPort() error {
	return os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0"), 0o644)
}

// everyAddress makes each IPv4 address one of this machine: it adds the route local
// 0.0.0.0/0 dev lo (rtnetlink(7)).
func everyAddress() error {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return err
	}
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	request := struct {
		head  syscall.NlMsghdr
		route syscall.RtMsg
		out   syscall.RtAttr
		index uint32
	}{
		head:  syscall.NlMsghdr{Type: syscall.RTM_NEWROUTE, Flags: syscall.NLM_F_REQUEST | syscall.NLM_F_ACK | syscall.NLM_F_CREATE},
		route: syscall.RtMsg{Family: syscall.AF_INET, Table: syscall.RT_TABLE_LOCAL, Protocol: syscall.RTPROT_BOOT, Scope: syscall.RT_SCOPE_HOST, Type: syscall.RTN_LOCAL},
		out:   syscall.RtAttr{Len: syscall.SizeofRtAttr + 4, Type: syscall.RTA_OIF},
		index: uint32(lo.Index),
	}
	request.head.Len = uint32(unsafe.Sizeof(request))
	text := unsafe.Slice((*byte)(unsafe.Pointer(&request)), unsafe.Sizeof(request))
	if err := syscall.Sendto(fd, text, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	n, _, err := syscall.Recvfrom(fd, answer, 0)
	if err == nil && n < syscall.SizeofNlMsghdr+4 {
		err = errors.New("the system's answer is too short")
	}
	if err != nil {
		return err
	}
	return orNil(syscall.Errno(-int32(binary.NativeEndian.Uint32(answer[syscall.SizeofNlMsghdr:]))))
}

// everyName makes each name of a host one of this machine: the files that say where names
// are looked up (hosts(5), resolv.conf(5), nsswitch.conf(5)) lead to an answerer of the
// worker's own.
func (j job) everyName() error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	for file, text := range map[string]string{
		"/etc/hosts":         fmt.Sprintf("127.0.0.1 localhost %s\n::1 localhost\n", name),
		"/etc/resolv.conf":   "nameserver 127.0.0.1\n",
		"/etc/nsswitch.conf": "hosts: files dns\n",
	} {
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) && file == "/etc/nsswitch.conf" {
			continue // not every C library has it
		}
		own := filepath.Join(j.work(), filepath.Base(file))
		if err := os.WriteFile(own, []byte(text), 0o644); err != nil {
			return err
		}
		if err := errors.Join(syscall.Mount(own, file, "", syscall.MS_BIND, ""), os.Remove(own)); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 53})
	if err == nil {
		go answerNames(conn)
	}
	return err
}

// answerNames answers every question for an address with 127.0.0.1, and any other with
// nothing (RFC 1035).
func answerNames(conn *net.UDPConn) {
	const head, answers, typeA = 12, 7, 1
	query := make([]byte, 512)
	for {
		n, from, err := conn.ReadFromUDP(query)
		if err != nil {
			return // it is the worker's end
		}
		end := head + bytes.IndexByte(query[min(head, n):n], 0) + 5 // the name, a type, a class
		if end <= head+4 || end > n {
			continue
		}
		answer := append([]byte{}, query[:end]...)
		answer[2], answer[3] = 0x81, 0x80                    // an answer, to a recursive query
		copy(answer[4:head], []byte{0, 1, 0, 0, 0, 0, 0, 0}) // one question
		if binary.BigEndian.Uint16(query[end-4:end-2]) == typeA {
			answer[answers] = 1
			answer = append(answer, 0xc0, head, 0, typeA, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1)
		}
		conn.WriteToUDP(answer, from) // who does not get it asks again
	}
}
