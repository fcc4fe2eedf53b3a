package pem

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/keyfile"
	"keyman/internal/pbe"
	"keyman/internal/pemtext"
	"keyman/keystore/format"
)

// macLine begins the first line of a bundle that is protected; behind it is a
// MacData in base64. Text is what all other programs pass over; a block of an
// unknown type some do not (Java's CertificateFactory), and neither long text
// behind the last block (OpenSSL's store).
const macLine = "# keyman MAC: "

// HasMAC reports whether a file begins as a bundle does that keyman wrote.
func HasMAC(data []byte) bool { return bytes.HasPrefix(data, []byte(macLine)) }

// checkMAC verifies the MAC of a bundle that has one. It returns false for a
// bundle that has none, and is not protected.
func checkMAC(data []byte, file pemtext.File, password []byte, reader *keyfile.Reader, limits pbe.Limits) (bool, error) {
	line, text, _ := bytes.Cut(data, []byte("\n"))
	line, found := bytes.CutPrefix(line, []byte(macLine))
	switch {
	case bytes.Contains(data, []byte("\n"+macLine)), bytes.HasPrefix(data, []byte("\ufeff"+macLine)):
		// Two files were joined, or an editor wrote a byte order mark.
		return false, fmt.Errorf("%w: a line %q is not the first line, where it belongs", format.ErrDamaged, macLine)
	case !found:
		return false, nil
	case len(password) == 0:
		// A MAC under no password is one that anybody could have made.
		return false, fmt.Errorf("%w: there is none", format.ErrPassword)
	}
	mac, ok := readMAC(line)
	if !ok {
		return false, fmt.Errorf("%w: its first line is not a MAC", format.ErrDamaged)
	}
	p, err := pbe.NewPassword(password)
	if err != nil {
		return false, fmt.Errorf("%w: %w", format.ErrPassword, err)
	}
	defer p.Wipe()
	err = pbe.NewOpener(p, limits).Verify(mac, protectedText(text))
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, pbe.ErrMAC) && opensAny(file.Blocks, reader):
		return false, fmt.Errorf("%w: its MAC does not match, although the password opens a key in it", format.ErrDamaged)
	case errors.Is(err, pbe.ErrMAC):
		return false, format.ErrPassword
	case errors.Is(err, pbe.ErrUnsupported), errors.Is(err, pbe.ErrLimit):
		return false, fmt.Errorf("%w: %w", format.ErrUnsupported, err)
	default:
		return false, fmt.Errorf("%w: %w", format.ErrDamaged, err)
	}
}

// protectedText is what the MAC is computed of: all lines after its own, with
// ends as they were written, which a transfer between systems changes.
func protectedText(text []byte) []byte {
	return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
}

// opensAny reports whether the password opens an encrypted key.
func opensAny(blocks []pemtext.Block, reader *keyfile.Reader) bool {
	for _, b := range blocks {
		if b.Type != keyfile.TypeEncrypted {
			continue
		}
		if _, err := reader.Block(b); err == nil {
			return true
		}
	}
	return false
}

// readMAC reads a MacData (RFC 7292, 4) in base64.
func readMAC(line []byte) (pbe.MAC, bool) {
	der, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSuffix(string(line), "\r"))
	if err != nil {
		return pbe.MAC{}, false
	}
	var (
		mac                     pbe.MAC
		input                   = cryptobyte.String(der)
		seq, digest, alg, value cryptobyte.String
		salt                    cryptobyte.String
	)
	if !input.ReadASN1(&seq, cbasn1.SEQUENCE) || !input.Empty() ||
		!seq.ReadASN1(&digest, cbasn1.SEQUENCE) ||
		!digest.ReadASN1Element(&alg, cbasn1.SEQUENCE) ||
		!digest.ReadASN1(&value, cbasn1.OCTET_STRING) || !digest.Empty() ||
		!seq.ReadASN1(&salt, cbasn1.OCTET_STRING) ||
		!seq.ReadASN1Integer(&mac.Iterations) || !seq.Empty() {
		return mac, false
	}
	mac.Algorithm, mac.Digest, mac.Salt = alg, value, salt
	return mac, true
}

// addMAC writes the MAC of a text before it.
func addMAC(text string, sealer *pbe.Sealer) ([]byte, error) {
	mac, err := sealer.MAC(protectedText([]byte(text)))
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(mac.Algorithm)
			b.AddASN1OctetString(mac.Digest)
		})
		b.AddASN1OctetString(mac.Salt)
		b.AddASN1Int64(int64(mac.Iterations))
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	return []byte(macLine + base64.StdEncoding.EncodeToString(der) + "\n" + text), nil
}
