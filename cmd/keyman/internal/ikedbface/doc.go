// Package ikedbface is keyman in the clothes of ikedb, AIX's command line for the
// definitions of tunnels, so that the scripts of old run:
//
//	ikedb -p[Fs] [-e ENTITIES] [FILE]
//	ikedb -g[r] [-t TYPE [-n NAME | -i ID -y IDTYPE]]
//	ikedb -d -t TYPE [-n NAME | -i ID -y IDTYPE]
//	ikedb -x
//	ikedb -o
//
// Run executes a command line. options.go reads it, run.go does it with packages
// deffile and store: there is no logic here that "keyman ikedb" does not have. What
// is not done is refused by name. docs/ikedb.md tells what differs.
package ikedbface
