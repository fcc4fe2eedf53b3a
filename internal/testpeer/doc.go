// Package testpeer starts what the tests talk to: other people's programs
// (strongSwan in network namespaces, slapd, danted, sshd) and small servers of
// our own that run inside the process (packages below this one).
//
// A test asks first: Need for programs, Root for the right to make network
// namespaces, Corpora for test data. What is absent becomes a skip with its
// reason, or a failure where KEYMAN_REQUIRE_PEERS is set. All that is started
// ends with the test.
//
// For IKE against strongSwan: NewNetwork makes two hosts joined by a cable,
// StartStrongSwan puts strongSwan on one of them, and the test gives its own
// side the sockets of the other (Host.ListenUDP, Host.ListenTCP,
// Host.DialContext; Host.Do around code that opens them itself). Host.Command
// runs any other program there. Networks are apart from each other, so tests
// that use the same addresses and ports run in parallel.
package testpeer
