// Package keystore keeps private keys, their certificates and the certificates
// of CAs in one file, or a few side by side, under one password.
//
// Start with [Open], or [Create] for a new file. [Store.Entries] and
// [Store.Lookup] show what is there; [Entry.Signer] gives the use of a private
// key without giving the key; [Store.Anchors] are the CAs that are trusted.
// AddKey, AddRequest, Receive, AddSigner, Delete and the others change the
// store in memory, and [Store.Save] writes it.
//
// The life of a key: [GenerateKey] makes it, AddRequest stores it with the
// PKCS#10 request that was made for it, Receive takes the certificate that a
// trusted CA issued for it. Renew begins anew for a certificate that ends.
//
// What is promised: a file is saved whole or not at all, under a lock, and never
// over what somebody else saved since it was read (package atomicfile). Every
// error leaves the file as it was. A wrong password, a damaged file, a locked
// file and a label that is taken are different errors. Labels are compared
// without regard to case, as Java does, and to how Unicode writes their characters. Nothing that this package returns
// prints a key or a password.
//
// What a file was before a save is kept for [Store.Undo], [KeptGenerations] times
// back. So a key that is deleted is gone from the disk only when as many saves
// have followed, or with [Forget], or when the password is changed. [Store.Remove]
// removes the database with all that belongs to it.
//
// A password may be stashed ([Store.SetStashed]) beside a database of any format,
// for programs that start unattended: [StashedPassword] reads it. The stash file
// is saved with the database as one, follows its password, and protects nothing.
// Where the format has a place for it a password may expire
// ([Store.SetPasswordExpiry]): then [OpenExpired] opens the database for the one
// who changes it. [Store.Exposed] lists files that others can read.
//
// A Store is for one goroutine at a time; the Entries and Signers that came out
// of it are for any number.
//
// File formats are folders below this one that implement [Format]: PKCS#12
// (package pkcs12, RFC 7292), Java's JKS and JCEKS (package jks), PEM bundles
// (package pem), and IBM's CMS (package kdb), whose files are read and saved
// as one. [Store.Import] copies entries between two databases of any formats,
// [Store.Convert] makes one of another.
//
// What people hand about in files of their own (private keys, certificates,
// PKCS#7) comes in by [OpenFiles] and [OpenFolder] and goes out by
// [Store.WriteFolder] and [Store.ExportKey]; [Store.Populate] takes the roots of a
// bundle.
package keystore
