// Package socksd is a small SOCKS4, SOCKS4a and SOCKS5 proxy on loopback, for
// tests and for the demonstration. It serves CONNECT without authentication and
// tells each connect to a callback.
//
// Start listens; Close ends the listener, every connection and every goroutine.
package socksd
