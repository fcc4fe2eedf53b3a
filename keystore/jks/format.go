package jks

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"keyman/keystore/format"
)

// JKS is Java's own key store as a format of key databases.
type JKS struct{}

// JCEKS is the key store of Java's cryptography extension as a format of key
// databases.
type JCEKS struct{}

var (
	_ format.Consumer = JKS{}
	_ format.Consumer = JCEKS{}
)

// Name implements format.Format.
func (JKS) Name() string { return kindJKS.name() }

// Name implements format.Format.
func (JCEKS) Name() string { return kindJCEKS.name() }

// Detect implements format.Format.
func (JKS) Detect(data []byte) bool { return kindJKS.detect(data) }

// Detect implements format.Format.
func (JCEKS) Detect(data []byte) bool { return kindJCEKS.detect(data) }

// Holds implements format.Format.
func (JKS) Holds(k format.Kind) bool { return k == format.Personal || k == format.Signer }

// Holds implements format.Format.
func (JCEKS) Holds(k format.Kind) bool {
	return k == format.Personal || k == format.Signer || k == format.SecretKey
}

// Decode implements format.Format. The absent password is the empty one.
func (JKS) Decode(data, password []byte) (*format.Content, error) {
	return kindJKS.decode(data, password, limits{})
}

// Decode implements format.Format. The absent password is the empty one.
func (JCEKS) Decode(data, password []byte) (*format.Content, error) {
	return kindJCEKS.decode(data, password, limits{})
}

// Consume implements format.Consumer.
func (JKS) Consume(data, password []byte) (*format.Content, error) {
	return kindJKS.consume(data, password, limits{})
}

// Consume implements format.Consumer.
func (JCEKS) Consume(data, password []byte) (*format.Content, error) {
	return kindJCEKS.consume(data, password, limits{})
}

// Encode implements format.Format.
func (JKS) Encode(c *format.Content, password []byte) ([]byte, error) {
	return kindJKS.encode(c, password, limits{})
}

// Encode implements format.Format. It refuses a password with other characters
// than printable ASCII where there is a key to be encrypted.
func (JCEKS) Encode(c *format.Content, password []byte) ([]byte, error) {
	return kindJCEKS.encode(c, password, limits{})
}

// A kind is one of the two formats, by the number with which its files begin.
type kind uint32

const (
	kindJKS   kind = 0xFEEDFEED
	kindJCEKS kind = 0xCECECECE
)

func (k kind) name() string {
	if k == kindJCEKS {
		return "jceks"
	}
	return "jks"
}

func (k kind) detect(data []byte) bool {
	return len(data) >= 4 && binary.BigEndian.Uint32(data) == uint32(k)
}

func (k kind) decode(data, text []byte, l limits) (*format.Content, error) {
	return k.consume(bytes.Clone(data), text, l)
}

// consume does what decode does, and what it returns holds parts of data.
func (k kind) consume(data, text []byte, l limits) (*format.Content, error) {
	pw, err := newPassword(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", format.ErrPassword, err)
	}
	defer pw.wipe()
	if len(data) < digestLen {
		return nil, fmt.Errorf("%w: %w", format.ErrDamaged, errStructure)
	}
	body, digest := data[:len(data)-digestLen], data[len(data)-digestLen:]
	entries, err := k.read(body)
	switch intact := pw.matches(digest, body); {
	case err == nil && intact:
		return k.toContent(entries, pw, l)
	case err == nil && opensAny(entries, pw, l):
		return nil, fmt.Errorf("%w: its digest does not match, although the password opens a key", format.ErrDamaged)
	case err == nil:
		return nil, fmt.Errorf("%w: the digest does not match, and %s files have nothing else to tell by", format.ErrPassword, k.name())
	case intact && errors.Is(err, format.ErrUnsupported):
		return nil, err
	default:
		return nil, fmt.Errorf("%w: %w", format.ErrDamaged, err)
	}
}

func (k kind) encode(c *format.Content, text []byte, l limits) ([]byte, error) {
	pw, err := newPassword(text)
	if err != nil {
		return nil, err
	}
	defer pw.wipe()
	entries, err := k.toEntries(c, pw, l)
	if err != nil {
		return nil, err
	}
	body, err := k.write(entries)
	if err != nil {
		return nil, err
	}
	return append(body, pw.digest(body)...), nil
}
