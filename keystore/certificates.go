package keystore

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

// maxCertificates bounds how many certificates one file may bring.
const maxCertificates = 1000

// ParseCertificates reads certificates from PEM (all CERTIFICATE blocks, text
// around them is skipped) or DER (one after the other). It returns their DER;
// ErrCertificate where there is none, or where one cannot be read.
func ParseCertificates(data []byte) ([][]byte, error) {
	var list [][]byte
	if block, _ := pem.Decode(data); block == nil {
		certificates, err := x509.ParseCertificates(data)
		if err != nil {
			return nil, &EntryError{Err: ErrCertificate, Detail: "neither PEM nor DER: " + err.Error()}
		}
		for _, c := range certificates {
			list = append(list, c.Raw)
		}
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE", "X509 CERTIFICATE":
		default:
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return nil, &EntryError{Err: ErrCertificate, Detail: fmt.Sprintf("block %d: %v", len(list)+1, err)}
		}
		list = append(list, bytes.Clone(block.Bytes))
		if len(list) > maxCertificates {
			break
		}
	}
	if len(list) == 0 {
		return nil, &EntryError{Err: ErrCertificate, Detail: "the file holds none"}
	}
	if len(list) > maxCertificates {
		return nil, &EntryError{Err: ErrCertificate, Detail: fmt.Sprintf("the file holds more than %d", maxCertificates)}
	}
	return list, nil
}
