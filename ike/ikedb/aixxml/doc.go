// Package aixxml reads and writes the definitions of ikedb as XML, in the
// vocabulary of AIX's ikedb command.
//
// Read gives a Document: definitions, and where in the file each of them stands.
// What ikedb.New or a store says of them, Document.Explain says with the element
// and the line. Write writes what Read reads. DTD describes the vocabulary.
//
// The elements and attributes are those that IBM's documentation names, and the
// document type is keyman's own: files are compatible by name. What keyman knows
// and AIX does not stands in attributes that begin with Keyman_, which are written
// only where they say something.
//
// # Input is hostile
//
// Read takes the file as it comes and never fetches anything: a document type
// with an address is skipped, one with declarations inside is refused. Entities
// come from the caller only (ParseEntities), are text without markup, and do not
// refer to entities, so that nothing grows. The size of the file and of each tag,
// the depth and the number of elements in a definition are bounded. An element, an
// attribute or a word that is not known is refused with its line.
package aixxml
