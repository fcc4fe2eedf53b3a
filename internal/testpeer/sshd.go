package testpeer

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"testing"
)

// sshdConfig is for the port, the address and the folder.
const sshdConfig = `Port %d
ListenAddress %s
HostKey %[3]s/hostkey
PidFile %[3]s/sshd.pid
AuthorizedKeysFile %[3]s/user.pub
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
AllowTcpForwarding yes
`

// sshdFolder is where sshd, started by root, shuts its helper in; it refuses to
// start without.
const sshdFolder = "/run/sshd"

// SSHDynamic starts sshd and `ssh -D`, which is a SOCKS4, SOCKS4a and SOCKS5
// proxy, and returns the proxy's address, host:port. It runs inside host, or on
// the machine's loopback where host is nil.
func SSHDynamic(t testing.TB, host *Host) string {
	t.Helper()
	Need(t, "sshd", "ssh", "ssh-keygen")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.MkdirAll(sshdFolder, 0o750); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	p := place{host}
	for _, key := range []string{"hostkey", "user"} {
		p.run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, key))
	}
	server := p.freePort(t)
	config := filepath.Join(dir, "sshd_config")
	write(t, config, fmt.Sprintf(sshdConfig, server.Port(), server.Addr(), dir))
	p.serve(t, server, "sshd", "-D", "-e", "-f", config)

	proxy := p.freePort(t)
	p.serve(t, proxy, "ssh", "-F", "none", "-N", "-D", proxy.String(), "-p", port(server), "-i", filepath.Join(dir, "user"),
		"-o", "ExitOnForwardFailure=yes", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile="+filepath.Join(dir, "known_hosts"),
		me.Username+"@"+server.Addr().String())
	return proxy.String()
}
