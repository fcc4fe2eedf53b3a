package pem

import (
	"crypto/sha1"
	encpem "encoding/pem"
	"slices"
	"strings"

	"keyman/internal/keyfile"
	"keyman/internal/pbe"
	"keyman/internal/pemtext"
	"keyman/keystore/format"
)

// A sealFunc writes a key: the type of its block and what is in it.
type sealFunc func(key []byte) (blockType string, content []byte, err error)

// sealKey encrypts keys.
func sealKey(sealer *pbe.Sealer) sealFunc {
	return func(key []byte) (string, []byte, error) {
		content, err := keyfile.Seal(key, sealer)
		return keyfile.TypeEncrypted, content, err
	}
}

// itemBlocks makes the blocks of an item: its key, then its certificate or its
// request.
func itemBlocks(item format.Item, seal sealFunc) ([]pemtext.Block, error) {
	k, _ := item.Kept.(kept)
	d := description{label: item.Label}
	if item.Key != nil && item.Certificate != nil {
		// As OpenSSL does; it ties a key of a type that is not known to its
		// certificate. A name, not a protection.
		sum := sha1.Sum(item.Certificate)
		d.localKeyID = sum[:]
	} else if item.Request != nil {
		sum := sha1.Sum(item.Request)
		d.localKeyID = sum[:]
	}
	var blocks []pemtext.Block
	if item.Key != nil {
		blockType, content, err := seal(item.Key)
		if err != nil {
			return nil, err
		}
		of := d
		of.isDefault, of.others = item.Default, k.key
		blocks = append(blocks, pemtext.Block{Type: blockType, Bytes: content, Text: of.lines()})
	}
	if item.Certificate != nil {
		of := d
		of.trusted, of.others = item.Trusted, k.certificate
		block := pemtext.Block{Type: typeCertificate, Bytes: item.Certificate, Text: of.lines()}
		if k.settings != nil && !item.Trusted {
			// The mark stands for any trust of less that the file had.
			block.Type, block.Bytes = typeTrusted, slices.Concat(item.Certificate, k.settings)
		}
		blocks = append(blocks, block)
	}
	if item.Request != nil {
		of := d
		of.others = k.request
		blocks = append(blocks, pemtext.Block{Type: typeRequest, Bytes: item.Request, Text: of.lines()})
	}
	return blocks, nil
}

func writeBlocks(out *strings.Builder, blocks []pemtext.Block) {
	for _, b := range blocks {
		writeText(out, b.Text)
		out.Write(encpem.EncodeToMemory(&encpem.Block{Type: b.Type, Headers: b.Headers, Bytes: b.Bytes}))
	}
}

func writeText(out *strings.Builder, lines []string) {
	for _, line := range lines {
		out.WriteString(line + "\n")
	}
}
