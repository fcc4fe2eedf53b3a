// Package control is the daemon's local API and its client.
//
// The daemon calls Listen and Server.Serve; programs that talk to it call Dial
// and the methods of the Client. What goes over the socket are the types of
// package ike: Status and Event.
//
// # The protocol
//
// It is HTTP over a Unix socket, by default control.sock in the state directory.
// Requests and answers carry the header Keyman-Control with the protocol's
// Version; other versions are refused in words. Answers are JSON values, one a
// line:
//
//	GET  /info      one Info
//	GET  /tunnels   an ike.Status for each tunnel
//	GET  /events    an ike.Event for each, until one side goes
//	POST /activate  {"tunnels": ["name or number"], "wait": false}; an Activation for each
//	POST /remove    {"tunnels": ["name or number"], "all": false}; a Removal for each
//
// In both, "phase": 1 means tunnels of phase 1 alone, 2 those of phase 2; without it
// a tunnel of phase 1 goes with the phase 2 that it carries.
//
// A refused request is answered with a status other than 200 and one object
// {"error": ..., "hint": ...}. So curl --unix-socket can be the client, too.
//
// # Who may use it
//
// The socket has mode 0600, and the kernel is asked who is at the other end:
// only root and the daemon's own user are served. Where the kernel cannot be
// asked, nobody is served.
//
// # What is promised
//
// A socket that a dead daemon left is replaced, that of a living one is not: the
// lock of package atomicfile tells them apart. Requests, lines, clients and the
// time that a client may take are bounded by the constants here. A client that
// does not read loses events and finds their number in the next one; it never
// holds the daemon. Serve returns with no goroutine left.
package control
