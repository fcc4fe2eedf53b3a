package testpeer

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

// dantedConfig is for the address, the port and, for root, the user lines. The
// keys inside a block need lines of their own, in this order.
const dantedConfig = `logoutput: stderr
internal: %[1]s port = %[2]d
external: %[1]s
clientmethod: none
socksmethod: none
%[3]s
client pass {
    from: 0.0.0.0/0 port 1-65535 to: 0.0.0.0/0
}
socks pass {
    from: 0.0.0.0/0 to: 0.0.0.0/0
    proxyprotocol: socks_v4 socks_v5
    protocol: tcp
    command: connect
    log: connect error
}
`

// Danted starts Dante's SOCKS4 and SOCKS5 proxy and returns its address,
// host:port. It knows no SOCKS4a. It runs inside host, or on the machine's
// loopback where host is nil.
func Danted(t testing.TB, host *Host) string {
	t.Helper()
	Need(t, "danted")
	p := place{host}
	at := p.freePort(t)
	config := filepath.Join(t.TempDir(), "danted.conf")
	write(t, config, dantedFor(at))
	p.serve(t, at, "danted", "-f", config)
	return at.String()
}

func dantedFor(at netip.AddrPort) string {
	users := ""
	if os.Geteuid() == 0 {
		users = "user.privileged: root\nuser.unprivileged: nobody"
	}
	return fmt.Sprintf(dantedConfig, at.Addr(), at.Port(), users)
}
