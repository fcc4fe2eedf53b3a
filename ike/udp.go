package ike

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"keyman/ike/ikev1"
)

// nonESPMarker stands before ISAKMP messages on the NAT traversal port
// (RFC 3948, 2.2).
var nonESPMarker = [4]byte{}

const (
	// maxDatagram is the largest UDP payload.
	maxDatagram = 65535
	// receiveQueue is how many packets wait for the engine before the
	// kernel's buffer has to hold them.
	receiveQueue = 256
)

// UDP is the Transport of real networks: a socket for the IKE port and one for
// NAT traversal, for each address family.
type UDP struct {
	sockets []*socket
	packets chan Packet
	closed  chan struct{}
	readers sync.WaitGroup
	close   func() error
}

// socket is one UDP socket.
type socket struct {
	conn  *net.UDPConn
	natt  bool
	v6    bool
	local netip.AddrPort // with the zero address of the family when bound to all
	oob   bool           // local addresses come and go with each packet
}

// ListenUDP opens the sockets for an address; the unspecified address 0.0.0.0 or
// :: stands for all of its family, the zero Addr for all of both, where the
// system has both. A port of 0 lets the system choose.
func ListenUDP(addr netip.Addr, port, nattPort uint16) (*UDP, error) {
	if addr.IsValid() {
		pair, err := listenPair(addr, port, nattPort)
		if err != nil {
			return nil, err
		}
		return NewUDP(pair)
	}
	pair4, err4 := listenPair(netip.IPv4Unspecified(), port, nattPort)
	pair6, err6 := listenPair(netip.IPv6Unspecified(), port, nattPort)
	switch {
	case err4 == nil && err6 == nil:
		return NewUDP(pair4, pair6)
	case err4 == nil && noFamily(err6):
		return NewUDP(pair4)
	case err6 == nil && noFamily(err4):
		return NewUDP(pair6)
	}
	closePair(pair4)
	closePair(pair6)
	if err4 != nil {
		return nil, err4
	}
	return nil, err6
}

// noFamily reports whether the system lacks an address family.
func noFamily(err error) bool {
	return errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL)
}

// listenPair opens the two sockets of one address, or none.
func listenPair(addr netip.Addr, port, nattPort uint16) (pair [2]*net.UDPConn, err error) {
	network := "udp4"
	if addr.Is6() {
		network = "udp6"
	}
	for i, p := range [2]uint16{port, nattPort} {
		at := netip.AddrPortFrom(addr, p)
		if pair[i], err = net.ListenUDP(network, net.UDPAddrFromAddrPort(at)); err != nil {
			closePair(pair)
			return [2]*net.UDPConn{}, listenError{at, err}
		}
	}
	return pair, nil
}

func closePair(pair [2]*net.UDPConn) {
	for _, c := range pair {
		if c != nil {
			c.Close()
		}
	}
}

// listenError is a port that cannot be had.
type listenError struct {
	at  netip.AddrPort
	err error
}

func (e listenError) Error() string { return fmt.Sprintf("cannot listen on %v: %v", e.at, e.err) }
func (e listenError) Unwrap() error { return e.err }

// Hint says what to do about it.
func (e listenError) Hint() string {
	if errors.Is(e.err, syscall.EADDRNOTAVAIL) {
		return "this machine does not have the address: ip address lists those that it has"
	}
	return "ports below 1024 need root or CAP_NET_BIND_SERVICE; another IKE daemon may hold the port: choose others with --port and --natt-port"
}

// NewUDP makes a transport of open sockets, in pairs: IKE port, NAT traversal
// port. It takes them over.
func NewUDP(pairs ...[2]*net.UDPConn) (*UDP, error) {
	if len(pairs) == 0 {
		return nil, errors.New("a transport needs sockets")
	}
	u := &UDP{packets: make(chan Packet, receiveQueue), closed: make(chan struct{})}
	for _, pair := range pairs {
		for i, conn := range pair {
			s, err := newSocket(conn, i == 1)
			if err != nil {
				return nil, err
			}
			u.sockets = append(u.sockets, s)
		}
	}
	u.close = sync.OnceValue(func() error {
		close(u.closed)
		var errs []error
		for _, s := range u.sockets {
			errs = append(errs, s.conn.Close())
		}
		u.readers.Wait()
		return errors.Join(errs...)
	})
	for _, s := range u.sockets {
		u.readers.Go(func() { u.read(s) })
	}
	return u, nil
}

func newSocket(conn *net.UDPConn, natt bool) (*socket, error) {
	local := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	local = netip.AddrPortFrom(local.Addr().Unmap(), local.Port())
	s := &socket{conn: conn, natt: natt, local: local, v6: local.Addr().Is6(), oob: local.Addr().IsUnspecified()}
	if !s.oob {
		return s, nil
	}
	var err error
	if s.v6 {
		err = ipv6.NewPacketConn(conn).SetControlMessage(ipv6.FlagDst, true)
	} else {
		err = ipv4.NewPacketConn(conn).SetControlMessage(ipv4.FlagDst, true)
	}
	if err != nil {
		return nil, fmt.Errorf("asking the socket at %v for destination addresses: %w", local, err)
	}
	return s, nil
}

// read passes on what arrives at one socket until it is closed.
func (u *UDP) read(s *socket) {
	buf := make([]byte, maxDatagram)
	oob := make([]byte, max(len(ipv4.NewControlMessage(ipv4.FlagDst)), len(ipv6.NewControlMessage(ipv6.FlagDst))))
	for {
		n, oobn, _, from, err := s.conn.ReadMsgUDPAddrPort(buf, oob)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// An ICMP error about a packet sent earlier, on some systems.
			continue
		}
		data := buf[:n]
		if s.natt {
			var ok bool
			// Keepalives and ESP are not for the negotiation.
			if data, ok = bytes.CutPrefix(data, nonESPMarker[:]); !ok {
				continue
			}
		}
		p := Packet{
			Path: ikev1.Path{
				Local:  netip.AddrPortFrom(s.destination(oob[:oobn]), s.local.Port()),
				Remote: netip.AddrPortFrom(from.Addr().Unmap(), from.Port()),
				NATT:   s.natt,
			},
			Data: bytes.Clone(data),
		}
		select {
		case u.packets <- p:
		case <-u.closed:
			return
		}
	}
}

// destination returns the local address that a packet was sent to.
func (s *socket) destination(oob []byte) netip.Addr {
	var ip net.IP
	if s.oob && s.v6 {
		var cm ipv6.ControlMessage
		if cm.Parse(oob) == nil {
			ip = cm.Dst
		}
	} else if s.oob {
		var cm ipv4.ControlMessage
		if cm.Parse(oob) == nil {
			ip = cm.Dst
		}
	}
	if a, ok := netip.AddrFromSlice(ip); ok {
		return a.Unmap()
	}
	return s.local.Addr()
}

// Receive returns the next packet.
func (u *UDP) Receive() (Packet, error) {
	select {
	case p := <-u.packets:
		return p, nil
	case <-u.closed:
		return Packet{}, net.ErrClosed
	}
}

// Send sends one packet from the local address of its path.
func (u *UDP) Send(p Packet) error {
	s := u.socketFor(p.Path.Remote.Addr(), p.Path.NATT)
	if s == nil {
		return fmt.Errorf("no socket for %v", p.Path.Remote)
	}
	data := p.Data
	if s.natt {
		data = append(nonESPMarker[:len(nonESPMarker):len(nonESPMarker)], data...)
	}
	var oob []byte
	if local := p.Path.Local.Addr(); s.oob && local.IsValid() && !local.IsUnspecified() {
		if s.v6 {
			oob = (&ipv6.ControlMessage{Src: local.AsSlice()}).Marshal()
		} else {
			oob = (&ipv4.ControlMessage{Src: local.AsSlice()}).Marshal()
		}
	}
	_, _, err := s.conn.WriteMsgUDPAddrPort(data, oob, p.Path.Remote)
	return err
}

// socketFor returns the socket that reaches a peer.
func (u *UDP) socketFor(peer netip.Addr, natt bool) *socket {
	for _, s := range u.sockets {
		if s.natt == natt && s.v6 == peer.Is6() {
			return s
		}
	}
	return nil
}

// Local returns the address from which packets to a peer go out. For a socket
// bound to all addresses it asks the system's routes.
func (u *UDP) Local(peer netip.AddrPort, natt bool) netip.AddrPort {
	s := u.socketFor(peer.Addr(), natt)
	if s == nil {
		return netip.AddrPort{}
	}
	if !s.oob {
		return s.local
	}
	// Connecting a UDP socket sends nothing.
	probe, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(peer))
	if err != nil {
		return netip.AddrPort{}
	}
	defer probe.Close()
	return netip.AddrPortFrom(probe.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), s.local.Port())
}

// Ports returns the IKE port and the one for NAT traversal.
func (u *UDP) Ports() (port, nattPort uint16) {
	return u.sockets[0].local.Port(), u.sockets[1].local.Port()
}

// Close closes the sockets.
func (u *UDP) Close() error { return u.close() }
