// Package ldapd is a small LDAP directory on loopback, for tests and for the
// demonstration. It knows binds, which it grants to everybody, and searches, and
// serves the entries given to it: all attributes that the client asks for, as
// ;binary where they were put in so.
//
// Start listens; Put and Remove change the directory while it runs; Close ends
// it.
package ldapd
