package ike

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"testing"

	"keyman/ike/ikev1"
)

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

func listen(t *testing.T, addr netip.Addr) *UDP {
	t.Helper()
	u, err := ListenUDP(addr, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := u.Close(); err != nil {
			t.Error(err)
		}
	})
	return u
}

// Packets arrive with the addresses that they travelled between, also where a
// socket is bound to all addresses.
func TestUDPPaths(t *testing.T) {
	for _, bound := range []netip.Addr{loopback, netip.IPv4Unspecified(), {}} {
		t.Run(bound.String(), func(t *testing.T) {
			a, b := listen(t, loopback), listen(t, bound)
			for _, natt := range []bool{false, true} {
				from, to := a.Local(netip.AddrPortFrom(loopback, 1), natt), b.Local(netip.AddrPortFrom(loopback, 1), natt)
				if from.Addr() != loopback || to.Addr() != loopback {
					t.Fatalf("local addresses %v and %v", from, to)
				}
				want := []byte("a message")
				if err := a.Send(Packet{Path: ikev1.Path{Local: from, Remote: to, NATT: natt}, Data: want}); err != nil {
					t.Fatal(err)
				}
				p, err := b.Receive()
				if err != nil || !bytes.Equal(p.Data, want) || p.Path != (ikev1.Path{Local: to, Remote: from, NATT: natt}) {
					t.Fatalf("received %q on %+v, %v", p.Data, p.Path, err)
				}
				// And back, from the address that it came to.
				if err := b.Send(Packet{Path: p.Path, Data: want}); err != nil {
					t.Fatal(err)
				}
				back, err := a.Receive()
				if err != nil || back.Path.Remote != to {
					t.Fatalf("came back from %v, %v", back.Path.Remote, err)
				}
			}
		})
	}
}

// On the NAT traversal port only what bears the non-ESP marker is ISAKMP.
func TestUDPNonESPMarker(t *testing.T) {
	u := listen(t, loopback)
	at := u.Local(netip.AddrPortFrom(loopback, 1), true)
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, datagram := range []string{
		"\xff",                       // a keepalive (RFC 3948, 2.3)
		"",                           // nothing
		"\x00\x00\x00",               // less than the marker
		"\x12\x34\x56\x78 ESP",       // an ESP packet
		"\x00\x00\x00\x00a message",  // ours
		"\x00\x00\x00\x01an SPI of1", // an ESP packet with a small SPI
		"\x00\x00\x00\x00the next",
	} {
		if _, err := c.Write([]byte(datagram)); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"a message", "the next"} {
		if p, err := u.Receive(); err != nil || string(p.Data) != want {
			t.Errorf("received %q, %v, want %q", p.Data, err, want)
		}
	}
}

func TestUDPClose(t *testing.T) {
	u := listen(t, loopback)
	if err := u.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := u.Receive(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestListenUDPRefuses(t *testing.T) {
	u := listen(t, loopback)
	port := u.Local(netip.AddrPortFrom(loopback, 1), false).Port()
	_, err := ListenUDP(loopback, port, 0)
	var hinted interface{ Hint() string }
	if err == nil || !errors.As(err, &hinted) || hinted.Hint() == "" {
		t.Errorf("a port that is taken: %v", err)
	}
}

// A subscriber that does not read loses events and learns how many; it does not
// hold anybody.
func TestHubTellsWhatWasMissed(t *testing.T) {
	var h hub
	s := h.subscribe(2)
	for range 5 {
		h.publish(Event{Text: "x"})
	}
	<-s.C
	<-s.C
	h.publish(Event{Text: "y"})
	if ev := <-s.C; ev.Text != "y" || ev.Missed != 3 {
		t.Errorf("got %+v", ev)
	}
	s.Close()
	s.Close()
	if _, open := <-s.C; open {
		t.Error("open after Close")
	}
	h.close()
	if _, open := <-h.subscribe(1).C; open {
		t.Error("a subscription to a closed hub is open")
	}
}
