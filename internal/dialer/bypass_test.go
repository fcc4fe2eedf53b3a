package dialer_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"keyman/internal/dialer"
)

func TestBypass(t *testing.T) {
	for _, c := range []struct {
		rule    string
		in, out []string
	}{
		{"*", []string{"a.test:80", "192.0.2.1:1", "[::1]:80"}, []string{"no port"}},
		{"example.org", []string{"example.org:80", "EXAMPLE.org.:80", "a.b.example.org:389"}, []string{"badexample.org:80", "example.org.test:80", "192.0.2.1:80"}},
		{".Example.org", []string{"a.example.org:80"}, []string{"example.org:80"}},
		{"*.example.org", []string{"a.example.org:80"}, []string{"example.org:80"}},
		{"example.org:389", []string{"example.org:389"}, []string{"example.org:80"}},
		{"*:389", []string{"a.test:389"}, []string{"a.test:80"}},
		{"192.0.2.0/24", []string{"192.0.2.255:80", "[::ffff:192.0.2.7]:80"}, []string{"192.0.3.1:80", "a192.0.2.1:80"}},
		{"192.0.2.7", []string{"192.0.2.7:80"}, []string{"192.0.2.8:80", "x.192.0.2.7:80"}},
		{"192.0.2.7:80", []string{"192.0.2.7:80"}, []string{"192.0.2.7:81"}},
		{"2001:db8::/32", []string{"[2001:db8::1]:80"}, []string{"[2001:db9::1]:80"}},
		{"2001:db8::1", []string{"[2001:db8::1]:80", "[2001:db8::1%eth0]:80"}, nil},
		{"[2001:db8::1]:80", []string{"[2001:db8::1]:80"}, []string{"[2001:db8::1]:81"}},
	} {
		b, err := dialer.ParseBypass([]string{"unused.test", c.rule})
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range c.in {
			if !b.Matches(target) {
				t.Errorf("%s does not take in %s", c.rule, target)
			}
		}
		for _, target := range c.out {
			if b.Matches(target) {
				t.Errorf("%s takes in %s", c.rule, target)
			}
		}
	}
	if (dialer.Bypass{}).Matches("a.test:80") {
		t.Error("no rules, and a target matches")
	}
	for _, bad := range []string{"", ".", "a*b", "a b", "192.0.2.0/33", "a:0", "a:http", "[x"} {
		if _, err := dialer.ParseBypass([]string{bad}); err == nil || !strings.Contains(err.Error(), "use HOST") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := dialer.ParseBypass(make([]string, dialer.MaxBypass+1)); err == nil {
		t.Error("too many rules are read")
	}
}

// A dialerFunc is a dialer of a test.
type dialerFunc func(network, address string) (net.Conn, error)

func (f dialerFunc) DialContext(_ context.Context, network, address string) (net.Conn, error) {
	return f(network, address)
}

func TestAround(t *testing.T) {
	var proxied, direct []string
	failing := errors.New("no network in this test")
	note := func(to *[]string) dialerFunc {
		return func(_, address string) (net.Conn, error) { *to = append(*to, address); return nil, failing }
	}
	b, err := dialer.ParseBypass([]string{".inside.test"})
	if err != nil {
		t.Fatal(err)
	}
	d := b.Around(note(&proxied), note(&direct))
	for _, target := range []string{"a.inside.test:80", "outside.test:80"} {
		if _, err := d.DialContext(t.Context(), "tcp", target); !errors.Is(err, failing) {
			t.Error(err)
		}
	}
	if len(direct) != 1 || direct[0] != "a.inside.test:80" || len(proxied) != 1 || proxied[0] != "outside.test:80" {
		t.Errorf("directly %q, by the proxy %q", direct, proxied)
	}
}
