package dialer_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"

	"keyman/internal/dialer"
)

func TestIsPublic(t *testing.T) {
	for address, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true, "64:ff9b::808:808": true, "2002:808:808::1": true,
		"127.0.0.1": false, "::1": false, "::ffff:127.0.0.1": false, "0.0.0.0": false, "::": false, "0.1.2.3": false,
		"10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false, "fd00::1": false, "fec0::1": false,
		"169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false, "2606:4700::1%eth0": false,
		"100.64.0.1": false, "224.0.0.1": false, "ff02::1": false, "255.255.255.255": false, "240.0.0.1": false,
		"192.0.2.1": false, "2001:db8::1": false, "64:ff9b::7f00:1": false, "2002:a00:1::": false, "::7f00:1": false, "64:ff9b:1::1": false,
	} {
		if got := dialer.IsPublic(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is public: %t", address, got)
		}
	}
	if dialer.IsPublic(netip.Addr{}) {
		t.Error("no address is a public one")
	}
}

// TestPublic: only the addresses that were looked at are dialled, so that a name
// that means something else a moment later leads nowhere.
func TestPublic(t *testing.T) {
	lookups := 0
	lookup := func(_ context.Context, _, host string) ([]netip.Addr, error) {
		lookups++
		switch host {
		case "mixed.test":
			return []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::ffff:8.8.4.4"), netip.MustParseAddr("8.8.8.8")}, nil
		case "inside.test":
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		case "empty.test":
			return nil, nil
		case "many.test":
			return slices.Repeat([]netip.Addr{netip.MustParseAddr("8.8.8.8")}, 100), nil
		}
		return nil, &net.DNSError{Name: host, IsNotFound: true}
	}
	down := errors.New("down")
	for _, c := range []struct {
		target string
		dialed []string
		want   error
	}{
		{"mixed.test:80", []string{"8.8.4.4:80", "8.8.8.8:80"}, down},
		{"8.8.8.8:80", []string{"8.8.8.8:80"}, down},
		{"many.test:80", slices.Repeat([]string{"8.8.8.8:80"}, 8), down},
		{"inside.test:80", nil, dialer.ErrNotPublic},
		{"127.0.0.1:80", nil, dialer.ErrNotPublic},
		{"[::1]:80", nil, dialer.ErrNotPublic},
		{"empty.test:80", nil, nil},
		{"nobody.test:80", nil, nil},
		{"127.1:80", nil, nil}, // no address to us, and perhaps one to a proxy
	} {
		var dialed []string
		d := dialer.Public(dialerFunc(func(_, address string) (net.Conn, error) { dialed = append(dialed, address); return nil, down }), lookup)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := d.DialContext(ctx, "tcp", c.target)
		cancel()
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !slices.Equal(dialed, c.dialed) {
			t.Errorf("%s: dialled %q, %v", c.target, dialed, err)
		}
	}
	if lookups == 0 {
		t.Error("nothing was looked up")
	}
	client, server := net.Pipe()
	defer server.Close()
	d := dialer.Public(dialerFunc(func(_, _ string) (net.Conn, error) { return client, nil }), lookup)
	conn, err := d.DialContext(t.Context(), "tcp", "mixed.test:80")
	if err != nil || conn != client {
		t.Errorf("a public address: %v", err)
	}
	client.Close()
	if _, err := dialer.Public(nil, nil).DialContext(t.Context(), "tcp", "127.0.0.1:1"); !errors.Is(err, dialer.ErrNotPublic) {
		t.Errorf("by the resolver of the system: %v", err)
	}
}
