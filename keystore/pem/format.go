package pem

import (
	"errors"
	"fmt"
	"strings"

	"keyman/internal/keyfile"
	"keyman/internal/pbe"
	"keyman/internal/pemtext"
	"keyman/keystore/format"
)

const (
	// maxSize bounds a file in bytes.
	maxSize = 64 << 20
	// maxBlocks bounds how many blocks a file may have.
	maxBlocks = 200_000
	// maxDetect bounds how far into a file Detect looks, in bytes: openssl
	// x509 -text writes some kilobytes before the first block.
	maxDetect = 64 << 10
)

// Types of PEM blocks (RFC 7468, 5 and 7).
const (
	typeCertificate = "CERTIFICATE"
	typeRequest     = "CERTIFICATE REQUEST"
	// typeTrusted is OpenSSL's: a certificate, and settings behind it.
	typeTrusted = "TRUSTED CERTIFICATE"
)

// Format is a PEM bundle as a format of key databases.
type Format struct{}

var _ format.Marker = Format{}

// Name implements format.Format.
func (Format) Name() string { return "pem" }

// Holds implements format.Format: a bundle holds every kind but secret keys.
func (Format) Holds(k format.Kind) bool {
	return k == format.Personal || k == format.Signer || k == format.Request
}

// MarksDefault implements format.Marker: with a MAC, which needs a password.
func (Format) MarksDefault() {}

// Detect implements format.Format: a line that begins a block with a key, a
// certificate or a request, or the line with keyman's MAC.
func (Format) Detect(data []byte) bool {
	data = data[:min(len(data), maxDetect)]
	if HasMAC(data) {
		return true // perhaps without an entry
	}
	if !pemtext.Is(data) {
		return false
	}
	for name := range pemtext.Types(data) {
		if keyfile.IsKey(name) || isCertificate(name) || isRequest(name) {
			return true
		}
	}
	return false
}

// isCertificate knows the old label of RFC 7468, 5.1 too.
func isCertificate(name string) bool {
	return name == typeCertificate || name == "X509 CERTIFICATE" || name == typeTrusted
}

// isRequest knows the old label of RFC 7468, 7 too.
func isRequest(name string) bool { return name == typeRequest || name == "NEW CERTIFICATE REQUEST" }

// Decode implements format.Format. The password opens encrypted keys and checks
// the MAC. Where there is neither, any password does.
func (Format) Decode(data, password []byte) (*format.Content, error) {
	return decode(data, password, pbe.Limits{})
}

func decode(data, password []byte, limits pbe.Limits) (*format.Content, error) {
	if len(data) > maxSize {
		return nil, fmt.Errorf("%w: longer than %d bytes", format.ErrUnsupported, maxSize)
	}
	file, err := pemtext.Parse(data, maxBlocks)
	switch {
	case errors.Is(err, pemtext.ErrTooMany):
		return nil, fmt.Errorf("%w: %w", format.ErrUnsupported, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", format.ErrDamaged, err)
	}
	reader := keyfile.NewReader(func(string) ([]byte, error) { return password, nil }, limits)
	defer reader.Wipe()
	protected, err := checkMAC(data, file, password, reader, limits)
	if err != nil {
		return nil, err
	}
	var b bundle
	for _, block := range file.Blocks {
		if err := b.add(block, reader, ""); err != nil {
			return nil, err
		}
	}
	if !protected && len(b.keys)+len(b.certificates)+len(b.requests) == 0 {
		return nil, fmt.Errorf("%w: no key, certificate or request is in it", format.ErrDamaged)
	}
	return b.content(file.Text, protected), nil
}

// Encode implements format.Format. A file without a password can hold neither
// keys nor trusted certificates.
func (Format) Encode(c *format.Content, password []byte) ([]byte, error) {
	var sealer *pbe.Sealer
	if len(password) > 0 {
		p, err := pbe.NewPassword(password)
		if err != nil {
			return nil, err
		}
		defer p.Wipe()
		if sealer, err = pbe.NewSealer(p); err != nil {
			return nil, err
		}
	}
	var out strings.Builder
	for _, item := range c.Items {
		if err := checkItem(item, sealer != nil); err != nil {
			return nil, err
		}
		blocks, err := itemBlocks(item, sealKey(sealer))
		if err != nil {
			return nil, err
		}
		writeBlocks(&out, blocks)
	}
	if rest, ok := c.Kept.(remainder); ok {
		writeBlocks(&out, rest.blocks)
		writeText(&out, rest.text)
	}
	if sealer == nil {
		return []byte(out.String()), nil
	}
	return addMAC(out.String(), sealer)
}

// checkItem refuses what a bundle cannot hold.
func checkItem(item format.Item, hasPassword bool) error {
	switch {
	case !(Format{}).Holds(item.Kind):
		return fmt.Errorf("entry %q is of a kind that a PEM file does not hold: %v", item.Label, item.Kind)
	case !hasPassword && item.Key != nil:
		return fmt.Errorf("entry %q has a private key: the PEM file needs a password", item.Label)
	case !hasPassword && (item.Trusted || item.Default):
		return fmt.Errorf("entry %q is marked, which needs a MAC: the PEM file needs a password", item.Label)
	}
	return nil
}

// keyError makes an error of keyfile one of package format.
func keyError(err error) error {
	switch {
	case errors.Is(err, keyfile.ErrPassword), errors.Is(err, keyfile.ErrNoPassword):
		return fmt.Errorf("%w: %w", format.ErrPassword, err)
	case errors.Is(err, keyfile.ErrUnsupported):
		return fmt.Errorf("%w: %w", format.ErrUnsupported, err)
	case errors.Is(err, keyfile.ErrDamaged), errors.Is(err, keyfile.ErrNoKey):
		return fmt.Errorf("%w: %w", format.ErrDamaged, err)
	default:
		return err
	}
}
