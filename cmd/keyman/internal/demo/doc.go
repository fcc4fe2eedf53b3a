// Package demo is "keyman demo": the main job of keyman in one process, without
// root and without a service, told as a time line.
//
// Run founds a CA and two gateways with key databases of their own, publishes
// the CA's revocation list over HTTP behind a SOCKS4a proxy and in an LDAP
// directory, and has the gateways negotiate with strict CRL checking. Then it
// revokes one certificate, publishes the next list, and has them try again, in
// both directions. All parts are the real ones; the servers are small and live in
// the process, and everything stays on 127.0.0.1, on ports that the system
// chooses.
//
// Run checks what it shows: where something comes out differently, a revoked peer
// that is accepted above all, it returns a DifferenceError. It leaves nothing
// behind, neither files nor goroutines, however it ends; Config.Keep keeps the
// files.
package demo
