// Package ikedb is the model of IKE tunnel definitions: which tunnels there
// are, what protects them, who may be at the other end, and with which
// preshared keys.
//
// Load reads a tunnels.toml; package store keeps the same in a database, and
// package aixxml writes and reads it as XML. Programs that have their definitions
// elsewhere fill a Definitions and call New. Both give a DB, which has been checked as a
// whole and does not change any more:
//
//   - every reference leads somewhere, every name is unique;
//   - a tunnel authenticated by a preshared key has one, a tunnel authenticated
//     by signatures names a certificate;
//   - a weak algorithm stands only where the protection says weak = "allow";
//   - a group is at the peer's end only, and small;
//   - the two ends of a data tunnel have the same protocol and family;
//   - no tunnel has an identity at both its ends;
//   - two tunnels that may answer one peer demand the same of it: auth, revocation
//     and weak. The peer could choose the laxer one otherwise. They may if they
//     share an identity of the peer, and their addresses overlap at both ends;
//     "any" overlaps every address.
//
// What is refused is refused with an Error that names the table, the key and
// what to do. Nothing is guessed: an unknown key, an unknown word or an empty
// list is an error, and so is a key in another case.
//
// # The file
//
//	[[tunnel]]
//	name = "branch"
//	protection = "strong"
//	autostart = true                       # default false
//	  [tunnel.local]
//	  address = "192.0.2.1"                # default "any"
//	  id = "fqdn:gw1.example.org"          # default: the address
//	  certificate = "gw1"                  # label in the key database
//	  [tunnel.remote]
//	  address = "192.0.2.2"                # or "any": the peer has to start; default: the id if it
//	                                       # is an address, else any
//	  id = "C=CH, O=Example, CN=gw2"       # default: the address; or group = "branches"
//	  port = 500                           # default
//	  natt-port = 4500                     # default
//
//	[[protection]]
//	name = "strong"
//	auth = "rsa-signature-crl"             # or rsa-signature, preshared-key, ecdsa-256-signature, ...
//	mode = "main"                          # default; or aggressive, both
//	transforms = ["aes256-sha256-modp2048"] # best first
//	role = "both"                          # default; or initiator, responder
//	revocation = "strict"                  # default; or ifuri, relaxed
//	crl-timeout = "20s"                    # default
//	crl-grace = "12h"                      # default none: how long a list counts that is out of date
//	lifetime = "8h"                        # default
//	weak = "allow"                         # only for peers that know nothing better
//
//	[[group]]
//	name = "branches"
//	ids = ["fqdn:b1.example.org", "b2@example.org"]
//
//	[[preshared-key]]
//	ids = ["192.0.2.2"]
//	secret-file = "branch.psk"             # or secret-env, secret, secret-hex
//
// Phase 2 has the tables data-tunnel, data-protection and proposal;
// docs/tunnels.md shows them, and every key. MarshalTOML writes such a file.
//
// Tunnels are numbered from 1 in the order of the file, unless they say their
// number. Identities are written
// as ParseIdentity reads them. A secret-file is found relative to the
// definitions file; its first line is the secret. It, and a definitions file
// that holds a secret itself, must not be readable by others than its owner.
//
// # Standards
//
// Identities are those of RFC 2407, 4.6.2.1; names compare as RFC 5280, 7.1 has
// it. Preshared keys are chosen as the mode can choose them, by the peer's
// address in main mode and by its identity in aggressive mode, and in a group they
// prove no other identity (RFC 2409, 5.4). ECDSA is RFC 4754.
package ikedb
