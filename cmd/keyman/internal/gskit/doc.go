// Package gskit is keyman in the clothes of gskcapicmd, IBM's command line for key
// databases, so that the scripts of old run.
//
// Is tells whether a program's name is one of IBM's, Run executes a command line.
// Object and action come first and in that order, options after them in any order:
//
//	gskcapicmd -cert -list personal -db key.kdb -stashed
//
// A file an object: keydb.go, cert*.go, certreq.go, secretkey.go, random.go, each
// with the table of its actions. options.go reads a command line by such a table,
// open.go gets passwords and opens key databases, show.go and details.go print in
// IBM's form, errors.go says what has failed. All else is done by packages
// keystore, csr and crl: this one holds no logic of its own but the policy of
// -strong (strong.go).
//
// What is not done is refused by name. docs/gskcapicmd.md tells what that is, and
// where the rest differs.
package gskit
