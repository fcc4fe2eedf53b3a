package testpeer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"
)

const (
	// serveLimit bounds the time a server takes until it accepts connections.
	serveLimit = 20 * time.Second
	// tryEach is how long to wait between two attempts to connect.
	tryEach = 10 * time.Millisecond
)

// A place is where a server runs: inside a Host, or on the loopback of the
// machine where host is nil.
type place struct{ host *Host }

// address returns the address that servers listen on.
func (p place) address() netip.Addr {
	if p.host == nil {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return p.host.IPv4
}

// freePort returns an address with a port that was free a moment ago.
func (p place) freePort(t testing.TB) netip.AddrPort {
	t.Helper()
	free := netip.AddrPortFrom(p.address(), 0)
	var (
		l   *net.TCPListener
		err error
	)
	if p.host == nil {
		l, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(free))
	} else {
		l, err = p.host.ListenTCP(free)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// command prepares a program that ends with ctx or with this process.
func (p place) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	if p.host != nil {
		return p.host.Command(ctx, name, args...)
	}
	cmd := exec.CommandContext(ctx, Program(name), args...)
	dieWithParent(cmd)
	return cmd
}

// run runs a command to its end; the test fails where it does.
func (p place) run(t testing.TB, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), serveLimit)
	defer cancel()
	if out, err := p.command(ctx, name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

// serve runs a server in the foreground until the test ends, and returns once it
// accepts connections at an address.
func (p place) serve(t testing.TB, at netip.AddrPort, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	log := newLogBook()
	cmd := p.command(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopLimit
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatalf("start %s: %v", name, err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // how it ended is in its log
		log.close()
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if t.Failed() {
			t.Logf("%s at %v:\n%s", name, at, log)
		}
	})
	if err := p.accepts(t.Context(), at, ended); err != nil {
		t.Fatalf("%s at %v: %v\n%s", name, at, err, log)
	}
}

// accepts waits until a server accepts connections. Servers say at different
// times, and in different words, that they are ready; a connection is what counts.
func (p place) accepts(ctx context.Context, at netip.AddrPort, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, serveLimit)
	defer cancel()
	dial := new(net.Dialer).DialContext
	if p.host != nil {
		dial = p.host.DialContext
	}
	again := time.NewTicker(tryEach)
	defer again.Stop()
	for {
		conn, err := dial(ctx, "tcp", at.String())
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return err
		case <-ended:
			return errors.New("the program ended")
		case <-again.C:
		}
	}
}

// write makes a file of a server's configuration.
func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// port writes the port of an address.
func port(at netip.AddrPort) string { return strconv.Itoa(int(at.Port())) }
