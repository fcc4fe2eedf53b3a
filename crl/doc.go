// Package crl gets certificate revocation lists and answers by them whether a
// certificate may be used.
//
// Start with NewFetcher and NewChecker; Checker.Check gives a Verdict on a
// chain of certificates under a Policy. Verdict.Accepted is the answer, its
// Reasons are why, in the order in which they were found, with codes for
// programs and sentences for people. The zero Verdict, the zero Policy and an
// empty chain accept nothing.
//
// A certificate is checked by the lists that it names, over a Checker that
// DefaultSettings().NewChecker() has made and that serves all checks:
//
//	func mayBeUsed(ctx context.Context, checker *crl.Checker, leafPEM, caPEM []byte) error {
//		leaf, _ := pem.Decode(leafPEM)
//		ca, _ := pem.Decode(caPEM)
//		if leaf == nil || ca == nil {
//			return errors.New("not PEM")
//		}
//		verdict := checker.Check(ctx, [][]byte{leaf.Bytes}, crl.Policy{Anchors: [][]byte{ca.Bytes}})
//		for _, reason := range verdict.Reasons {
//			fmt.Println(reason.Severity, reason.Code) // reason.Text is a sentence for people
//		}
//		return verdict.Err()
//	}
//
// Package crl/certpath validates paths by the whole of RFC 5280, 6.1, and asks a
// ListChecker about revocation: complete, delta and indirect lists, by the whole
// of 6.3.
//
// Parse reads one list, DER or PEM, and hashes and indexes it as it comes;
// List.Lookup finds an entry among millions without allocating. A parsed list
// proves nothing until List.CheckSignatureFrom has seen its issuer's certificate;
// only Checker does all that belongs to a check.
//
// Cache keeps verified lists in a folder, for other processes and for later; Keeper
// gets single lists for a person, and keeps them there.
//
// Fetcher gets lists by http, https, ldap and ldaps, directly or through a proxy,
// within limits on size, time, rate and redirects; Fetcher.Get asks whether a list
// at hand still stands. Backoff spares places that fail. Settings is the section
// [crl] of keyman.toml and makes a FetcherConfig and a CheckerConfig.
//
// Watcher keeps the lists that a Checker uses fresh, and reports chains in use that
// are not good any more; ListWatcher tells of lists that run out; NextFetch plans
// when a list is fetched anew.
//
// # What is promised
//
// Under Strict a verdict is good only where every certificate below the anchor
// was looked for in current lists for all reasons, complete ones with their delta
// lists, whose scope takes it in, that are signed by its issuer or by whom it
// names, with a valid path to the same anchor, and that have no critical
// extension unknown here. Sources named by a certificate are asked only after its
// path has proved valid. A trusted certificate is an anchor whether or not it is
// self-signed.
//
// Under every policy the keys on a path, the anchor's with them, have MinBits, and
// no signature is made with MD5 or SHA-1; where the policy allows weak ones,
// MinWeakBits and SHA-1 will do, with a warning. Under every policy but Off a list
// of the issuer that names the certificate counts against it, unless lists that
// are the last word do not.
//
// RFC 5280 (sections 4.2.1.13, 5, 6.1 by certpath, 6.3), RFC 4516 and 4523
// (LDAP), RFC 9110 and 9111 (conditions, ranges and freshness in HTTP), RFC 7468
// (PEM).
package crl
