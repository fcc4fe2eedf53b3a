// Package iketest has the doubles of a network and of a data plane for programs
// that test with ike.Engine: begin with a Network, whose Transports reach each other
// by address, and give each Engine a DataPlane where SAs of phase 2 are looked at.
package iketest

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"

	"keyman/ike"
	"keyman/ike/ikedb"
	"keyman/ike/ikev1"
)

// queue is how many packets wait at a Transport before more are lost.
const queue = 1024

// A Network carries packets between its Transports, at once and in order, unless
// Drop says that one is lost. The zero value is ready.
type Network struct {
	// Drop, if not nil, is asked about every packet. It may be called from
	// many goroutines, and is not changed once the network is in use.
	Drop func(from, to netip.AddrPort, data []byte) bool

	mu    sync.Mutex // guards hosts
	hosts map[netip.Addr]*Transport
}

// Transport is one host's ike.Transport.
type Transport struct {
	network *Network
	addr    netip.Addr
	packets chan ike.Packet
	closed  chan struct{}
	close   func()
}

// Listen adds a host with an address. It fails where the address is taken.
func (n *Network) Listen(addr netip.Addr) (*Transport, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts == nil {
		n.hosts = make(map[netip.Addr]*Transport)
	}
	if n.hosts[addr] != nil {
		return nil, fmt.Errorf("the address %v is taken", addr)
	}
	t := &Transport{network: n, addr: addr, packets: make(chan ike.Packet, queue), closed: make(chan struct{})}
	t.close = sync.OnceFunc(func() {
		close(t.closed)
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.hosts, addr)
	})
	n.hosts[addr] = t
	return t, nil
}

// Receive returns the next packet.
func (t *Transport) Receive() (ike.Packet, error) {
	select {
	case p := <-t.packets:
		return p, nil
	case <-t.closed:
		return ike.Packet{}, net.ErrClosed
	}
}

// Send delivers a copy of a packet, if its receiver is there and has room.
func (t *Transport) Send(p ike.Packet) error {
	if d := t.network.Drop; d != nil && d(p.Path.Local, p.Path.Remote, p.Data) {
		return nil
	}
	t.network.mu.Lock()
	peer := t.network.hosts[p.Path.Remote.Addr()]
	t.network.mu.Unlock()
	if peer == nil {
		return nil // nobody is there: UDP does not tell either
	}
	arrived := ike.Packet{
		Path: ikev1.Path{Local: p.Path.Remote, Remote: p.Path.Local, NATT: p.Path.NATT},
		Data: slices.Clone(p.Data),
	}
	select {
	case peer.packets <- arrived:
	default:
	}
	return nil
}

// Local returns the host's address with the IKE port or that of NAT traversal.
func (t *Transport) Local(_ netip.AddrPort, natt bool) netip.AddrPort {
	if natt {
		return netip.AddrPortFrom(t.addr, ikedb.DefaultNATTPort)
	}
	return netip.AddrPortFrom(t.addr, ikedb.DefaultPort)
}

// Close takes the host off the network.
func (t *Transport) Close() error {
	t.close()
	return nil
}
