package pkcs12

import (
	"bytes"
	"errors"
	"fmt"

	"keyman/internal/pbe"
	"keyman/keystore/format"
)

// maxDiagnosis bounds the iterations by which a wrong password is told from a
// damaged file: with more, the password is called wrong.
const maxDiagnosis = 10_000_000

// Format is PKCS#12 as a format of key databases.
type Format struct{}

var (
	_ format.Marker   = Format{}
	_ format.Consumer = Format{}
)

// Name implements format.Format.
func (Format) Name() string { return "pkcs12" }

// Holds implements format.Format: PKCS#12 holds every kind.
func (Format) Holds(k format.Kind) bool { return k >= format.Personal && k <= format.SecretKey }

// MarksDefault implements format.Marker.
func (Format) MarksDefault() {}

// Detect implements format.Format: a SEQUENCE that starts with the INTEGER 3.
func (Format) Detect(data []byte) bool {
	// The length may be wrong where the file was cut: only its size counts.
	if len(data) < 2 || data[0] != tagSequence {
		return false
	}
	size := 2
	if data[1] > 0x80 {
		size += int(data[1] & 0x7f)
	}
	if size > len(data) {
		return false
	}
	rest := data[size:]
	return len(rest) >= 3 && rest[0] == 0x02 && rest[1] == 0x01 && rest[2] == pfxVersion
}

// Decode implements format.Format. Where the password is empty or absent both
// are tried, the given one first, as OpenSSL does: programs differ in what
// they take an empty input for.
func (Format) Decode(data, password []byte) (*format.Content, error) {
	return decode(data, password, pbe.Limits{})
}

// Consume implements format.Consumer: what is encrypted is decrypted where it lies,
// once the MAC is known to be right.
func (Format) Consume(data, password []byte) (*format.Content, error) {
	return consume(data, password, pbe.Limits{})
}

// Encode implements format.Format.
func (Format) Encode(c *format.Content, password []byte) ([]byte, error) {
	p, err := pbe.NewPassword(password)
	if err != nil {
		return nil, err
	}
	defer p.Wipe()
	sealer, err := pbe.NewSealer(p)
	if err != nil {
		return nil, err
	}
	certificates, keys, err := toBags(c, sealer)
	if err != nil {
		return nil, err
	}
	return writePFX(certificates, keys, sealer)
}

func decode(data, password []byte, limits pbe.Limits) (*format.Content, error) {
	return consume(bytes.Clone(data), password, limits)
}

func consume(data, password []byte, limits pbe.Limits) (*format.Content, error) {
	file, err := readPFX(data)
	if err != nil {
		return nil, damaged(err)
	}
	if file.mac == nil {
		return nil, format.ErrUnprotected
	}
	openers, err := openersFor(password, limits)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, opener := range openers {
			opener.Wipe()
		}
	}()
	for _, opener := range openers {
		switch err := opener.Verify(*file.mac, file.authSafe); {
		case err == nil:
			return decodeSafes(file.authSafe, opener)
		case !errors.Is(err, pbe.ErrMAC):
			return nil, damaged(err)
		}
	}
	// Either the password or the content is not what the MAC was made of. A
	// password that opens a part of the file is the right one.
	for _, opener := range openers {
		if opensAny(file.authSafe, opener.Within(maxDiagnosis)) {
			return nil, fmt.Errorf("%w: its MAC does not match, although the password opens it", format.ErrDamaged)
		}
	}
	return nil, format.ErrPassword
}

// openersFor returns an Opener for each form of the password that is to be tried.
func openersFor(password []byte, limits pbe.Limits) ([]*pbe.Opener, error) {
	forms := [][]byte{password}
	if len(password) == 0 {
		forms = [][]byte{nil, {}}
		if password != nil {
			forms = [][]byte{{}, nil}
		}
	}
	var openers []*pbe.Opener
	for _, form := range forms {
		p, err := pbe.NewPassword(form)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", format.ErrPassword, err)
		}
		openers = append(openers, pbe.NewOpener(p, limits))
	}
	return openers, nil
}

// decodeSafes reads the bags of a file whose MAC is right, in its memory.
func decodeSafes(authSafe []byte, opener *pbe.Opener) (content *format.Content, err error) {
	safes, err := readSafes(authSafe)
	if err != nil {
		return nil, damaged(err)
	}
	var algorithms [][]byte
	for _, s := range safes {
		if s.algorithm != nil {
			algorithms = append(algorithms, s.algorithm)
		}
	}
	if err := opener.Afford(algorithms); err != nil {
		return nil, damaged(err)
	}
	var found bags
	for _, s := range safes {
		plain := s.content
		if s.algorithm != nil {
			defer func() {
				if err != nil {
					clear(s.content) // nobody gets what was decrypted
				}
			}()
			if plain, err = opener.DecryptInPlace(s.algorithm, s.content); err != nil {
				return nil, damaged(err)
			}
		}
		if err = found.read(plain, 0); err != nil {
			return nil, damaged(err)
		}
	}
	if err := opener.Afford(found.algorithms()); err != nil {
		return nil, damaged(err)
	}
	return toContent(found.list, opener)
}

// opensAny reports whether the password decrypts any part of a file, seen by
// the structure of what comes out.
func opensAny(authSafe []byte, opener *pbe.Opener) bool {
	safes, err := readSafes(authSafe)
	if err != nil {
		return false
	}
	for _, s := range safes {
		if s.algorithm != nil {
			if plain, err := opener.Decrypt(s.algorithm, s.content); err == nil && isSequence(plain) {
				return true
			}
			continue
		}
		var found bags
		if found.read(s.content, 0) != nil {
			continue
		}
		for _, b := range found.list {
			if b.id != oidPKCS8ShroudedKeyBag {
				continue
			}
			if key, err := openKey(b.value, opener); err == nil && isSequence(key) {
				return true
			}
		}
	}
	return false
}

// isSequence reports whether data is one SEQUENCE by its header, whatever is
// inside: together with the padding, more than a wrong key brings about by chance.
func isSequence(data []byte) bool {
	h, err := header(data)
	if err != nil || data[0] != tagSequence {
		return false
	}
	return h.indefinite && data[len(data)-1] == 0 && data[len(data)-2] == 0 || h.size+h.length == len(data)
}

// damaged makes an error of this package or of pbe one of package format.
func damaged(err error) error {
	switch {
	case errors.Is(err, format.ErrUnsupported):
		return err
	case errors.Is(err, pbe.ErrUnsupported), errors.Is(err, pbe.ErrLimit):
		return fmt.Errorf("%w: %w", format.ErrUnsupported, err)
	default:
		return fmt.Errorf("%w: %w", format.ErrDamaged, err)
	}
}
