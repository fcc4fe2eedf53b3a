package testpeer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// slapdConfig is for the folder and the name at the root of the directory. The
// sockbuf lines let big lists be added by LDAP; bind_v2 lets clients of LDAP
// version 2 in.
const slapdConfig = `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile %[1]s/slapd.pid
argsfile %[1]s/slapd.args
allow bind_v2
sockbuf_max_incoming 268435456
sockbuf_max_incoming_auth 268435456
database mdb
maxsize 1073741824
suffix "%[2]s"
rootdn "cn=admin,%[2]s"
directory %[1]s/db
access to * by * read
`

// Slapd starts OpenLDAP's server with the entries of ldif, whose first entry is
// the root of the directory, and returns its URL, such as ldap://127.0.0.1:3890.
// It runs inside host, or on the machine's loopback where host is nil.
func Slapd(t testing.TB, host *Host, ldif string) string {
	t.Helper()
	plain, _ := slapd(t, host, ldif, "")
	return plain
}

// SlapdTLS is Slapd with a certificate and its key, in PEM files, for StartTLS at
// the first address that it returns, and for ldaps at the second.
func SlapdTLS(t testing.TB, host *Host, ldif, cert, key string) (plain, secure string) {
	t.Helper()
	return slapd(t, host, ldif, fmt.Sprintf("TLSCertificateFile %s\nTLSCertificateKeyFile %s\n", cert, key))
}

// slapd starts the server; tls are the lines of its configuration for TLS.
func slapd(t testing.TB, host *Host, ldif, tls string) (plain, secure string) {
	t.Helper()
	Need(t, "slapd", "slapadd")
	root, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimLeft(ldif, "\n"), "dn: "), "\n")
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	config, entries := filepath.Join(dir, "slapd.conf"), filepath.Join(dir, "entries.ldif")
	write(t, config, tls+fmt.Sprintf(slapdConfig, dir, root))
	write(t, entries, ldif)
	p := place{host}
	p.run(t, "slapadd", "-f", config, "-l", entries)
	at := p.freePort(t)
	plain = "ldap://" + at.String()
	urls := plain
	if tls != "" {
		secure = "ldaps://" + p.freePort(t).String()
		urls += " " + secure
	}
	// Level 256 logs each operation, and keeps slapd in the foreground.
	p.serve(t, at, "slapd", "-f", config, "-h", urls, "-d", "256")
	return plain, secure
}
