package interop

import (
	"encoding/pem"
	"errors"
	"os"

	"keyman/internal/certpem"
	"keyman/internal/keyfile"
	"keyman/internal/pkcs7"
	"keyman/keystore"
	"keyman/keystore/format"
	keydir "keyman/keystore/pem"
)

// A fileFormat is a row of the matrix: a format as keyman writes and reads it.
type fileFormat struct {
	name string
	// What of a subject is in such a file.
	certificates, keys, requests bool
	// has reports whether the format is meant for a subject at all.
	has   func(s subject) bool
	write func(path string, s subject) error // nil: keyman only reads it
	read  func(path string) ([]format.Item, error)
}

// errOneWay is a format that keyman reads and does not write.
var errOneWay = errors.New("keyman does not write this format")

func fileFormats() []fileFormat {
	var list []fileFormat
	for _, f := range keystore.Formats() {
		list = append(list, database(f))
	}
	aKey := subject.keyBased
	return append(list,
		fileFormat{
			name: "folder of PEM files", certificates: true, keys: true, requests: true,
			has: func(s subject) bool { return s.kind != format.SecretKey },
			write: func(path string, s subject) error {
				return keydir.WriteDir(path, &format.Content{Items: s.items()}, keydir.DirOptions{Password: []byte(password)})
			},
			read: func(path string) ([]format.Item, error) {
				content, skipped, err := keydir.ReadDir(path, ask)
				if len(skipped) > 0 {
					err = errors.Join(err, errors.New("files were skipped"))
				}
				if err != nil {
					return nil, err
				}
				return content.Items, nil
			},
		},
		fileFormat{
			name: "pkcs7", certificates: true,
			has: func(s subject) bool { return len(s.chain) > 0 },
			write: func(path string, s subject) error {
				der, err := pkcs7.Encode(pkcs7.Content{Certificates: s.chain})
				return errors.Join(err, os.WriteFile(path, der, 0o600))
			},
			read: func(path string) ([]format.Item, error) {
				var items []format.Item
				certificates, err := certpem.Read(path)
				for _, der := range certificates {
					items = append(items, format.Item{Kind: format.Signer, Certificate: der})
				}
				return items, err
			},
		},
		fileFormat{
			name: "pkcs8", keys: true, has: aKey, read: readKey,
			write: func(path string, s subject) error { return writeKey(path, keyfile.TypePKCS8, s.key) },
		},
		fileFormat{
			name: "pkcs8 encrypted", keys: true, has: aKey, read: readKey,
			write: func(path string, s subject) error {
				der, err := keyfile.Encrypt(s.key, []byte(password))
				return errors.Join(err, writeKey(path, keyfile.TypeEncrypted, der))
			},
		},
		fileFormat{
			name: "traditional", keys: true, has: aKey, read: readKey,
			write: func(path string, s subject) error {
				blockType, der, err := keyfile.Traditional(s.key)
				return errors.Join(err, writeKey(path, blockType, der))
			},
		},
		fileFormat{
			name: "openssh", keys: true, has: aKey, read: readKey,
			write: func(string, subject) error { return errOneWay },
		},
	)
}

// database makes a row of a format of key databases.
func database(f format.Format) fileFormat {
	set, isSet := f.(format.Set)
	return fileFormat{
		name: f.Name(), certificates: true, keys: true, requests: f.Name() == "pem",
		has: func(s subject) bool { return f.Holds(s.kind) },
		write: func(path string, s subject) error {
			content := &format.Content{Items: s.items()}
			if !isSet {
				data, err := f.Encode(content, []byte(password))
				return errors.Join(err, os.WriteFile(path, data, 0o600))
			}
			files, err := set.EncodeSet(content, []byte(password))
			for i, path := range set.Paths(path)[:len(files)] {
				err = errors.Join(err, os.WriteFile(path, files[i], 0o600))
			}
			return err
		},
		read: func(path string) ([]format.Item, error) {
			data, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			if found, ok := keystore.Detect(data); !ok || found.Name() != f.Name() {
				return nil, errors.New("the format is not detected")
			}
			content, err := f.Decode(data, []byte(password))
			if err != nil {
				return nil, err
			}
			return content.Items, nil
		},
	}
}

func ask(string) ([]byte, error) { return []byte(password), nil }

func writeKey(path, blockType string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der}), 0o600)
}

func readKey(path string) ([]format.Item, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := keyfile.Parse(data, ask)
	return []format.Item{{Kind: format.Request, Key: key}}, err
}
