// Package interop holds no code but tests: they prove that what keyman writes is
// read by the programs that people have beside it, and the other way round.
//
// TestMatrix goes through every format, every kind of entry, and OpenSSL,
// keytool (Java), certtool (GnuTLS), pki (strongSwan) and ssh-keygen, in both
// directions. A cell is proved when the other program has
//
//   - the same certificates, byte for byte, with those above them;
//   - the same key: it makes a signature that verifies under the certificate
//     that keyman has, or keyman makes one that OpenSSL verifies;
//   - the same label, and the same trust, where both can say them.
//
// What cannot be is in the matrix as well, under a letter for its reason, and is
// tried all the same: the test fails where it is possible after all. The whole
// table is testdata/matrix.txt, so that no cell gets lost unseen;
// "go test ./keystore/interop -run Matrix -update" writes it anew.
//
// The other tests are about one format and more than a cell can say: passwords
// and schemes of PKCS#12 and PKCS#8, several keys in a file, what is kept of
// parts that nobody understands. What Java's formats alone have lies with them
// in keystore/jks; no program but IBM's reads CMS, for which keystore/kdb has an
// independent reader of its own.
package interop
