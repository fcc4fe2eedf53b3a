package keystore

import (
	"errors"

	"keyman/keystore/format"
	"keyman/keystore/kdb"
)

// cms is an IBM CMS key database with the files beside its .kdb file.
type cms struct{ kdb.Format }

var _ format.SetConsumer = cms{}

// Holds implements format.Format: requests go to the .rdb file.
func (c cms) Holds(k format.Kind) bool { return k == format.Request || c.Format.Holds(k) }

// Paths implements format.Set.
func (cms) Paths(main string) []string {
	rdb, crl := kdb.Beside(main)
	return []string{main, rdb, crl}
}

// DecodeSet implements format.Set.
func (cms) DecodeSet(files [][]byte, password []byte) (*format.Content, error) {
	set, err := setOf(files)
	if err != nil {
		return nil, err
	}
	return kdb.DecodeSet(set, password)
}

// ConsumeSet implements format.SetConsumer.
func (cms) ConsumeSet(files [][]byte, password []byte) (*format.Content, error) {
	set, err := setOf(files)
	if err != nil {
		return nil, err
	}
	return kdb.ConsumeSet(set, password)
}

// setOf names the files in the order of Paths.
func setOf(files [][]byte) (kdb.Set, error) {
	if len(files) != 3 {
		return kdb.Set{}, errors.New("a CMS key database has three files")
	}
	return kdb.Set{KDB: files[0], RDB: files[1], CRL: files[2]}, nil
}

// EncodeSet implements format.Set.
func (cms) EncodeSet(c *format.Content, password []byte) ([][]byte, error) {
	set, err := kdb.EncodeSet(c, password)
	if err != nil {
		return nil, err
	}
	return [][]byte{set.KDB, set.RDB, set.CRL}, nil
}
