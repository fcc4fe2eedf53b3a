// Package ca is a small certification authority: it issues certificates for IKE
// gateways, revokes them and makes revocation lists.
//
// Init founds a CA in a folder, Open opens it again. Both take the CA's private
// key as a crypto.Signer and never see where it lives; without one Open gives a
// CA that can list and revoke, but not sign. Then Issue, Revoke and MakeCRL do
// the work, and Certificates lists what was issued.
//
// # The folder
//
//	ca.json            the database: settings, CRL number, every certificate
//	ca.pem             the CA's certificate
//	issued/SERIAL.pem  every certificate that was issued
//	crl.der, crl.pem   the latest revocation list
//
// # What is promised
//
// A certificate and a CRL number are in the database before the certificate or
// the list leaves the CA. The database is saved whole or not at all, and its
// lock orders several processes: no two certificates have one serial number, no
// two lists one CRL number. What is to be signed is checked before it is signed
// and read back after.
//
// Certificates and lists follow RFC 5280 (4 and 5) and RFC 4945, 5. From a
// request only the subject, the public key and the alternative names are taken;
// all else comes from the Profile.
package ca
