// Package kdb reads and writes IBM CMS key databases: the files that GSKit, the
// AIX Key Manager and gskcapicmd keep keys in. CMS is IBM's Certificate
// Management System here, not RFC 5652.
//
// Use package keystore. Below it, [DecodeSet] and [EncodeSet] handle a whole
// database, which is a [Set] of files side by side ([Beside]): NAME.kdb with
// certificates and keys, NAME.rdb with the requests that wait for their
// certificates, and NAME.crl with revocation lists. [Format] handles a .kdb file
// alone, which holds everything but requests. [Stash] and [Unstash] are the
// content of a stash file, NAME.sth, which holds the password of a database of
// any format.
//
// Read are versions 4 (HMAC-SHA1) and 6 (HMAC-SHA384), with keys under PBES2 or
// the schemes of RFC 7292, appendix C. Written are version 6, or 4 where the
// file was one, with keys under PBES2 as package pbe does it.
//
// What is promised:
//
//   - A record that is not changed is written again byte for byte, with its key
//     encrypted as it was, as long as the password stays; a set in which nothing
//     was changed comes out equal. A record that is not understood keeps its
//     place. It may hold a key, so that the password of such a database cannot
//     be changed here.
//   - A changed file is ErrDamaged and a wrong password is ErrPassword: the files
//     have a MAC for each of the two. Without any key in it, a file whose first
//     bytes were changed looks as if the password were wrong.
//
// What the format does not give: certificates and labels stand in the clear, and
// trying a password costs one HMAC, however many iterations protect the keys.
// Only a long random password protects such a file. The stash protects nothing
// at all; whoever reads it has the password.
//
// IBM publishes no description. What is known here was read out of files that
// IBM's own tool wrote. Not known for certain are two things. The second bit of a
// record's flags is taken for the mark of the default where one record has it.
// The four bytes at offset 4 of the .kdb file's header, which are zero in every
// file that was seen, are taken for the time at which the password ends to hold
// good, in seconds since 1970, big-endian: the tools know such a time, and no
// other place for it was found. They are under both MACs, and what stands there
// is kept.
package kdb
