package testpeer

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// TestNetworkCarries sends over the cable by both families and both protocols.
func TestNetworkCarries(t *testing.T) {
	t.Parallel()
	network := NewNetwork(t)
	for _, ends := range []struct{ from, to netip.Addr }{
		{network.A.IPv4, network.B.IPv4},
		{network.A.IPv6, network.B.IPv6},
	} {
		t.Run(ends.to.String(), func(t *testing.T) {
			server, err := network.B.ListenUDP(netip.AddrPortFrom(ends.to, 500))
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			client, err := network.A.ListenUDP(netip.AddrPortFrom(ends.from, 500))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if _, err := client.WriteToUDPAddrPort([]byte("over the cable"), netip.AddrPortFrom(ends.to, 500)); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 64)
			n, from, err := server.ReadFromUDPAddrPort(buf)
			if err != nil || string(buf[:n]) != "over the cable" || from.Addr().Unmap() != ends.from {
				t.Errorf("received %q from %v, %v", buf[:n], from, err)
			}

			listener, err := network.B.ListenTCP(netip.AddrPortFrom(ends.to, 0))
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			var serving sync.WaitGroup
			serving.Go(func() {
				conn, err := listener.Accept()
				if err != nil {
					t.Errorf("accept: %v", err)
					return
				}
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			})
			conn, err := network.A.DialContext(t.Context(), "tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = conn.Write([]byte("echo"))
			_ = conn.(*net.TCPConn).CloseWrite()
			if back, err := io.ReadAll(conn); err != nil || string(back) != "echo" {
				t.Errorf("echoed %q, %v", back, err)
			}
			conn.Close()
			serving.Wait()
		})
	}
}

// TestNetworkIsApart checks that two networks hold the same address at once, and
// that neither is the machine's own.
func TestNetworkIsApart(t *testing.T) {
	t.Parallel()
	one, two := NewNetwork(t), NewNetwork(t)
	addr := netip.AddrPortFrom(one.A.IPv4, 500)
	for _, h := range []*Host{one.A, two.A} {
		conn, err := h.ListenUDP(addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr)); err == nil {
		conn.Close()
		t.Errorf("%v can be bound outside of the network too", addr)
	}
}

// TestCommandRunsInside checks that a program sees the host's interfaces alone.
func TestCommandRunsInside(t *testing.T) {
	t.Parallel()
	network := NewNetwork(t)
	out, err := network.B.Command(t.Context(), "ip", "-oneline", "address", "show", "scope", "global").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(out) {
		if !bytes.Contains(line, []byte(" "+cable+" ")) {
			t.Errorf("an interface of the outside: %s", line)
		}
	}
	if !bytes.Contains(out, []byte(network.B.IPv4.String()+"/24")) || !bytes.Contains(out, []byte(network.B.IPv6.String()+"/64")) {
		t.Errorf("not both addresses:\n%s", out)
	}
}

// TestDoComesHome checks that the thread is back outside after Do, also where
// the function fails.
func TestDoComesHome(t *testing.T) {
	t.Parallel()
	network := NewNetwork(t)
	runtime.LockOSThread() // so that before and after mean the same thread
	defer runtime.UnlockOSThread()
	home := threadNamespace(t)
	failure := errors.New("failed inside")
	var inside string
	err := network.A.Do(func() error {
		inside = threadNamespace(t)
		return failure
	})
	if !errors.Is(err, failure) {
		t.Errorf("Do returned %v, want %v", err, failure)
	}
	if inside == home {
		t.Errorf("Do ran in %s, outside of the host", inside)
	}
	if now := threadNamespace(t); now != home {
		t.Errorf("after Do in %s, want %s", now, home)
	}
}

// TestNothingStays checks that no thread and no open file holds a network when
// its test has ended.
func TestNothingStays(t *testing.T) {
	var inside string
	t.Run("in use", func(t *testing.T) {
		network := NewNetwork(t)
		if err := network.A.Do(func() error { inside = threadNamespace(t); return nil }); err != nil {
			t.Fatal(err)
		}
		if len(holders(t, inside)) == 0 {
			t.Error("nobody holds the network while it is in use")
		}
	})
	if left := holders(t, inside); len(left) != 0 {
		t.Errorf("%s is still held by %v", inside, left)
	}
}

// holders lists which threads and open files of the machine's processes are in
// a network namespace.
func holders(t *testing.T, space string) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"/proc/[0-9]*/task/*/ns/net", "/proc/[0-9]*/fd/*"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("nothing at %s: %v", pattern, err)
		}
		for _, path := range paths {
			if link, err := os.Readlink(path); err == nil && link == space {
				found = append(found, path)
			}
		}
	}
	return found
}

// threadNamespace names the network namespace of the calling thread.
func threadNamespace(t *testing.T) string {
	t.Helper()
	link, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return link
}
