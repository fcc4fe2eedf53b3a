// Package dialer opens TCP connections directly or through a proxy.
//
// New takes the proxy's URL and returns a ContextDialer:
//
//	socks4://[userid@]host[:port]     the target's IPv4 address is looked up here
//	socks4a://[userid@]host[:port]    the proxy looks the target's name up
//	socks5://[user:pass@]host[:port]  RFC 1928, by golang.org/x/net/proxy
//	http://[user:pass@]host[:port]    CONNECT, RFC 9110, 9.3.6
//
// No URL is a direct connection. Redacted prints a URL without its password;
// nothing in this package puts a password into an error.
//
// Bypass names targets that are reached without the proxy. Public keeps to
// addresses of the public Internet, also where a name changes its meaning between
// the look and the connection, or a proxy would look it up.
//
// # What is promised
//
// DialContext ends when its context does, also in the middle of a proxy's
// greeting, and leaves neither connection nor goroutine behind. A proxy's reply
// is read to its exact end, so the first byte that the caller reads is the
// target's. A connection that DialContext has returned no longer depends on the
// context.
//
// SOCKS4 has no RFC; the two memos "SOCKS: A protocol for TCP proxy across
// firewalls" and "SOCKS 4A: A Simple Extension to SOCKS 4 Protocol" describe it.
package dialer
