package testpeer

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Network is two hosts joined by one cable, apart from the machine's own
// network and from every other test's: the same addresses and ports are free in
// each. The hosts have no names in the system, so nothing is left behind even
// when the test process is killed.
type Network struct {
	A, B *Host
}

// Host is one end of a Network. Sockets opened through it live in its
// namespace and are used by any goroutine like all others; programs started
// through it see no other network. Its loopback is up.
type Host struct {
	IPv4  netip.Addr // on the cable: 10.9.0.1 for A, 10.9.0.2 for B, a /24
	IPv6  netip.Addr // on the cable: fd00:9::1 for A, fd00:9::2 for B, a /64
	space *namespace
}

// cable is the name of the interface that joins the hosts, the same on both.
const cable = "cable0"

// NewNetwork makes a network that ends with the test. It needs root and the
// programs ip and nsenter; without them the test ends by Missing.
func NewNetwork(t testing.TB) *Network {
	t.Helper()
	Root(t)
	Need(t, "ip", "nsenter")
	n := &Network{
		A: newHost(t, "10.9.0.1", "fd00:9::1"),
		B: newHost(t, "10.9.0.2", "fd00:9::2"),
	}
	// Both ends are up before they get addresses: the other way round IPv6 takes
	// a second to find its neighbour.
	n.A.ip(t, "link add "+cable+" type veth peer name "+cable+" netns "+n.B.space.path(), "link set "+cable+" up")
	n.B.ip(t, "link set "+cable+" up")
	for _, h := range []*Host{n.A, n.B} {
		h.ip(t,
			"link set lo up",
			"address add "+h.IPv4.String()+"/24 dev "+cable,
			// Without nodad the address could not be bound for the first
			// second (RFC 4862, 5.4).
			"address add "+h.IPv6.String()+"/64 dev "+cable+" nodad",
		)
	}
	return n
}

// newHost makes one end without its cable.
func newHost(t testing.TB, v4, v6 string) *Host {
	t.Helper()
	space, err := newNamespace()
	if err != nil {
		Missing(t, "network namespaces cannot be made here: %v", err)
	}
	t.Cleanup(func() { space.close() })
	return &Host{IPv4: netip.MustParseAddr(v4), IPv6: netip.MustParseAddr(v6), space: space}
}

// ip runs ip commands in the host.
func (h *Host) ip(t testing.TB, commands ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	cmd := h.Command(ctx, "ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ip: %v\n%s\nthe commands:\n%s", err, out, strings.Join(commands, "\n"))
	}
}

// Do runs fn inside the host: sockets that fn itself opens (not goroutines that
// it starts) are the host's and stay so after Do has returned. The Listen and
// Dial methods are built on it; use it for code that opens sockets on its own.
func (h *Host) Do(fn func() error) error { return h.space.do(fn) }

// Command prepares a program that runs inside the host. Cancelling ctx kills
// it, as the end of the test process does.
func (h *Host) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	if path := Program(name); path != "" {
		name = path
	}
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{"--net=" + h.space.path(), "--", name}, args...)...)
	dieWithParent(cmd)
	return cmd
}

// ListenUDP opens a UDP socket inside the host; port 0 picks a free one.
func (h *Host) ListenUDP(addr netip.AddrPort) (*net.UDPConn, error) {
	var conn *net.UDPConn
	err := h.Do(func() (err error) {
		conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("in the namespace: %w", err)
	}
	return conn, nil
}

// ListenTCP opens a TCP listener inside the host; port 0 picks a free one.
func (h *Host) ListenTCP(addr netip.AddrPort) (*net.TCPListener, error) {
	var listener *net.TCPListener
	err := h.Do(func() (err error) {
		listener, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(addr))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("in the namespace: %w", err)
	}
	return listener, nil
}

// DialContext connects from inside the host. The address is an IP address and a
// port: there is no name server inside.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if _, err := netip.ParseAddrPort(address); err != nil {
		return nil, fmt.Errorf("dial in the namespace: %w", err)
	}
	var conn net.Conn
	err := h.Do(func() (err error) {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("in the namespace: %w", err)
	}
	return conn, nil
}
