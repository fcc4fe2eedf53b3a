// Package atomicfile saves a file whole or not at all, and never over what
// somebody else wrote in the meantime.
//
// Use [Read] and [Save] for a file that several programs change, such as a key
// database: Read returns a [Fingerprint] with the content, and Save takes the
// file's lock, compares the file with that fingerprint and replaces it. Use
// [Write] for a file that has one writer or whose writers agree, such as an
// entry of a cache. Use [Acquire] where several steps belong under one lock.
//
// Use [ReadSet] and [SaveSet] for a file, or several side by side, of which older
// generations are kept: [Generations] lists them. Several files are saved as one:
// their new contents lie beside them before a journal with their names commits
// to them, and a reader who finds the journal reads the new ones. A save may remove
// files of a set, too, and keeps no generation of those that are private.
//
// Use [WriteFolder] for a new folder of files.
//
// What is promised: whenever the process or the machine stops, the file has
// its old content or its new content, complete. The new content goes to a
// temporary file in the same folder (created exclusively, with the mode that
// the file will have), is flushed to disk, takes the old file's name, and the
// folder is flushed too. A symbolic link stays; its target is replaced. Mode,
// owner and group of an existing file are kept where the process may set them.
//
// What a save that was stopped leaves is removed by the next one under the lock.
// Package faultfs, a double of the operating system, stops a save at every step.
//
// The lock is advisory: a flock on the file FILE.lock beside FILE, which keeps
// the process id of its holder and stays there when the lock is released.
// Reading needs no lock. A generation is a file FILE.~N~ with mode 0600; the
// higher N, the younger.
package atomicfile
