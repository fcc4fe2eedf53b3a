package socksd

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
)

// maxField bounds a NUL-terminated field of SOCKS4, in bytes.
const maxField = 255

// request is what a client asked for, and the two answers it may get.
type request struct {
	protocol, userID, target string
	granted, refused         []byte
}

// readRequest reads a request of either version.
func readRequest(in *bufio.Reader, out io.Writer) (request, error) {
	version, err := in.ReadByte()
	if err != nil {
		return request{}, err
	}
	switch version {
	case 4:
		return readSOCKS4(in)
	case 5:
		return readSOCKS5(in, out)
	default:
		return request{}, fmt.Errorf("SOCKS version %d", version)
	}
}

func readSOCKS4(in *bufio.Reader) (request, error) {
	r := request{
		protocol: "socks4",
		granted:  []byte{0, 0x5a, 0, 0, 0, 0, 0, 0},
		refused:  []byte{0, 0x5b, 0, 0, 0, 0, 0, 0},
	}
	var head [7]byte // command, port, address
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return r, err
	}
	if head[0] != 1 {
		return r, fmt.Errorf("SOCKS4 command %d", head[0])
	}
	var err error
	if r.userID, err = readField(in); err != nil {
		return r, err
	}
	host := netip.AddrFrom4([4]byte(head[3:])).String()
	if head[3] == 0 && head[4] == 0 && head[5] == 0 && head[6] != 0 {
		r.protocol = "socks4a"
		if host, err = readField(in); err != nil {
			return r, err
		}
	}
	r.target = joinPort(host, head[1:3])
	return r, nil
}

// readField reads a NUL-terminated string.
func readField(in *bufio.Reader) (string, error) {
	var field []byte
	for len(field) <= maxField {
		b, err := in.ReadByte()
		if err != nil {
			return "", err
		}
		if b == 0 {
			return string(field), nil
		}
		field = append(field, b)
	}
	return "", errors.New("SOCKS4 field too long")
}

// readSOCKS5 answers the method negotiation (RFC 1928, 3) and reads the request
// (RFC 1928, 4).
func readSOCKS5(in *bufio.Reader, out io.Writer) (request, error) {
	r := request{
		protocol: "socks5",
		granted:  []byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0},
		refused:  []byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0},
	}
	count, err := in.ReadByte()
	if err != nil {
		return r, err
	}
	if _, err := io.CopyN(io.Discard, in, int64(count)); err != nil {
		return r, err
	}
	if _, err := out.Write([]byte{5, 0}); err != nil {
		return r, err
	}
	var head [4]byte // version, command, reserved, address type
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return r, err
	}
	if head[0] != 5 || head[1] != 1 {
		return r, fmt.Errorf("SOCKS5 version %d, command %d", head[0], head[1])
	}
	host, err := readSOCKS5Host(in, head[3])
	if err != nil {
		return r, err
	}
	var port [2]byte
	if _, err := io.ReadFull(in, port[:]); err != nil {
		return r, err
	}
	r.target = joinPort(host, port[:])
	return r, nil
}

func readSOCKS5Host(in *bufio.Reader, kind byte) (string, error) {
	var size int
	switch kind {
	case 1:
		size = net.IPv4len
	case 4:
		size = net.IPv6len
	case 3:
		n, err := in.ReadByte()
		if err != nil {
			return "", err
		}
		size = int(n)
	default:
		return "", fmt.Errorf("SOCKS5 address type %d", kind)
	}
	host := make([]byte, size)
	if _, err := io.ReadFull(in, host); err != nil {
		return "", err
	}
	if kind == 3 {
		return string(host), nil
	}
	return net.IP(host).String(), nil
}

func joinPort(host string, port []byte) string {
	return net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(port))))
}
