// Package pemtext takes a file of PEM blocks (RFC 7468) apart without losing
// anything: the blocks, and the lines of text around them.
//
// Use Parse for a whole file, Is to tell PEM from DER, and Types to look at the
// beginning of a file. encoding/pem passes over blocks that it cannot read, and
// one of those may be the key that was meant: here each line that begins or
// ends a block must belong to a block, or the file is ErrDamaged.
package pemtext

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// ErrDamaged is a file with a PEM block that cannot be read.
var ErrDamaged = errors.New("a PEM block is damaged")

// MaxLines bounds the lines outside of all blocks of a file: the text that openssl
// x509 -text writes before 10,000 certificates.
const MaxLines = 1_000_000

// ErrTooMany is a file with more blocks than the caller allows, or more lines
// outside of them than MaxLines.
var ErrTooMany = errors.New("too many PEM blocks or lines")

// The encapsulation boundaries (RFC 7468, 2).
const (
	begin  = "-----BEGIN "
	end    = "-----END "
	dashes = "-----"
)

// bom is what Windows puts before a text in UTF-8.
const bom = "\ufeff"

// A Block is a PEM block.
type Block struct {
	Type    string
	Headers map[string]string // RFC 1421, such as DEK-Info; often empty
	Bytes   []byte
	// Text has the lines between the block before and this one, without their
	// ends.
	Text []string
	// Line is the number of the line that begins the block, from 1, and Offset
	// where that line is in the file, in bytes.
	Line, Offset int
}

// A File is a file of PEM blocks.
type File struct {
	Blocks []Block
	// Text has the lines after the last block.
	Text []string
}

// Is reports whether data is PEM and not DER, which may hold the same letters
// in a name: then the octet after its first one is no text.
func Is(data []byte) bool {
	if len(data) >= 2 && data[0] == 0x30 && data[1] >= 0x80 {
		return false
	}
	for range Types(data) {
		return true
	}
	return false
}

// Types gives the type of each line in data that begins a block.
func Types(data []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range bytes.Lines(bytes.TrimPrefix(data, []byte(bom))) {
			if name, ok := boundary(line, begin); ok && !yield(name) {
				return
			}
		}
	}
}

// boundary reads the type from a line that begins or ends a block.
func boundary(line []byte, prefix string) (string, bool) {
	rest, ok := bytes.CutPrefix(line, []byte(prefix))
	if !ok {
		return "", false
	}
	name, ok := bytes.CutSuffix(bytes.TrimRight(rest, " \t\r\n"), []byte(dashes))
	return string(name), ok
}

// Parse takes a file apart that has at most limit blocks. It returns ErrDamaged
// and ErrTooMany with the number of the line. A file without any block is no
// error.
func Parse(data []byte, limit int) (File, error) {
	var (
		file   File
		text   []string
		block  Block
		inside bool
		lines  int // outside of blocks
		offset int
		number int
	)
	for line := range bytes.Lines(data) {
		at := offset
		offset += len(line)
		number++
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte(bom))
			at = offset - len(line)
		}
		switch {
		case bytes.HasPrefix(line, []byte(begin)):
			name, ok := boundary(line, begin)
			if !ok || inside {
				return File{}, fmt.Errorf("line %d: %w", number, ErrDamaged)
			}
			if len(file.Blocks) == limit {
				return File{}, fmt.Errorf("line %d: %w: more than %d", number, ErrTooMany, limit)
			}
			block = Block{Type: name, Text: text, Line: number, Offset: at}
			text, inside = nil, true
		case bytes.HasPrefix(line, []byte(end)):
			if !inside {
				return File{}, fmt.Errorf("line %d: %w", number, ErrDamaged)
			}
			read, rest := pem.Decode(data[block.Offset:offset])
			if read == nil || len(rest) != 0 || read.Type != block.Type {
				return File{}, fmt.Errorf("line %d: %w", block.Line, ErrDamaged)
			}
			block.Headers, block.Bytes = read.Headers, read.Bytes
			file.Blocks = append(file.Blocks, block)
			inside = false
		case !inside:
			if lines++; lines > MaxLines {
				return File{}, fmt.Errorf("line %d: %w: more than %d lines between blocks", number, ErrTooMany, MaxLines)
			}
			text = append(text, strings.TrimRight(string(line), "\r\n"))
		}
	}
	if inside {
		return File{}, fmt.Errorf("line %d: %w: it does not end", block.Line, ErrDamaged)
	}
	file.Text = text
	return file, nil
}
