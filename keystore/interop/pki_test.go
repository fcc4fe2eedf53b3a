package interop

import (
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"keyman/internal/testpeer"
	"keyman/keystore/format"
)

// pki is strongSwan's. It tells no labels, and writes no key that it has not
// made itself, nor any container but signed PKCS#7.
func pki() peer {
	return peer{name: "pki", look: pkiLook, make: pkiMake, labels: never, trust: never}
}

// strongSwan calls pki with the plugins that it needs, which saves it half of its
// time, and complaints.
func strongSwan(input string, args ...string) ([]byte, error) {
	settings, err := temporary([]byte("pki { load = aes rc2 sha1 sha2 md5 random x509 pubkey pkcs1 pkcs7 pkcs8 pkcs12 pem openssl hmac kdf gmp curve25519 }\n"))
	if err != nil {
		return nil, err
	}
	defer os.Remove(settings)
	return runWith(input, "env", append([]string{"STRONGSWAN_CONF=" + settings, testpeer.Program("pki")}, args...)...)
}

// pkiProof signs a request with a key in PEM.
func pkiProof(key block) ([]byte, error) {
	path, err := temporary(key.text())
	if err != nil {
		return nil, err
	}
	defer os.Remove(path)
	return strongSwan(password+"\n", "--req", "--in", path, "--type", "priv", "--dn", "CN=proof", "--outform", "der")
}

// pkiEntry is a line of pki --pkcs12 --list.
var pkiEntry = regexp.MustCompile(`(?m)^\[\s*(\d+)\]`)

func pkiLook(f fileFormat, path string) (sight, error) {
	var (
		found sight
		out   []byte
		err   error
	)
	switch f.name {
	case "pem", "folder of PEM files":
		key, rest, globErr := keyAndRest(f, path)
		if globErr != nil {
			return found, globErr
		}
		for _, name := range rest {
			if b := blockTypeIn(name, "CERTIFICATE REQUEST"); b != nil {
				// It takes requests to issue certificates only; those are other tests'.
				found.requests = append(found.requests, b.Bytes)
			}
			if blockTypeIn(name, "CERTIFICATE") == nil {
				continue
			}
			if key == name && blocks(mustRead(name))[0].Type != "CERTIFICATE" {
				continue // pki reads the first block of a file
			}
			public, err := strongSwan("", "--pub", "--type", "x509", "--in", name, "--outform", "pem")
			if err != nil {
				return found, err
			}
			// It gives no certificate back, but its public key.
			der := blockTypeIn(name, "CERTIFICATE").Bytes
			if p, _ := pem.Decode(public); p == nil || !strings.Contains(string(p.Bytes), string(certificateKey(der))) {
				return found, errors.New("pki sees another public key")
			}
			found.certificates = append(found.certificates, seen{der: der})
		}
		if b := blockTypeIn(key, "PRIVATE KEY"); b != nil {
			return found, found.add([]block{{Block: b}}, pkiProof)
		}
		return found, nil
	case "pkcs7":
		out, err = strongSwan("", "--pkcs7", "--show", "--in", path)
	case "pkcs8", "pkcs8 encrypted", "traditional", "openssh":
		out = mustRead(path)
	default:
		list, listErr := strongSwan(password+"\n", "--pkcs12", "--list", "--in", path)
		if listErr != nil {
			return found, listErr
		}
		for _, m := range pkiEntry.FindAllSubmatch(list, -1) {
			one, err := strongSwan(password+"\n", "--pkcs12", "--export", string(m[1]), "--outform", "pem", "--in", path)
			if err != nil {
				return found, err
			}
			// The prompt stands before the first line.
			out = append(out, one[strings.Index(string(one), "-----BEGIN"):]...)
			out = append(out, '\n')
		}
	}
	if err != nil {
		return found, err
	}
	return found, found.add(blocks(out), pkiProof)
}

// pkiKeys are the kinds of keys that pki makes.
var pkiKeys = map[string][]string{
	"rsa":  {"rsa", "--size", "2048"},
	"p256": {"ecdsa", "--size", "256"}, "p384": {"ecdsa", "--size", "384"}, "p521": {"ecdsa", "--size", "521"},
	"ed25519": {"ed25519"}, "ed448": {"ed448"}, "chain": {"ecdsa", "--size", "256"}, "request": {"ecdsa", "--size", "256"},
	"trusted": {"ecdsa", "--size", "256"}, "untrusted": {"ecdsa", "--size", "256"},
}

func pkiMake(f fileFormat, s subject, path string) (subject, error) {
	if f.name == "pkcs7" {
		if s.keyFile == "" || s.aboveFile != "" {
			return s, errWithout // it signs, with the one certificate of the signer
		}
		out, err := strongSwan("", "--pkcs7", "--sign", "--cert", s.certFile, "--key", s.keyFile, "--in", s.certFile)
		if len(out) > 0 {
			err = nil // it exits with 1 whatever it did
		}
		return s, errors.Join(err, os.WriteFile(path, out, 0o600))
	}
	how := pkiKeys[s.name]
	switch f.name {
	case "pem", "folder of PEM files", "pkcs8", "traditional":
		if how == nil {
			return s, errWithout
		}
	default:
		return s, hasNo(words[f.name], "pki", "--gen", "--help")
	}
	dir := path
	if f.name != "folder of PEM files" {
		dir += ".parts"
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return s, err
	}
	made := subject{name: s.name, kind: s.kind, trusted: s.trusted}
	key := filepath.Join(dir, "key")
	if s.kind == format.Signer {
		key = path + ".key" // not among the files
	}
	out, err := strongSwan("", append([]string{"--gen", "--outform", "pem", "--type"}, how...)...)
	if err != nil {
		return s, err
	}
	traditional := !strings.Contains(string(out), "BEGIN PRIVATE KEY")
	if traditional != (f.name == "traditional") && (f.name == "traditional" || f.name == "pkcs8") {
		return s, errWithout
	}
	if err := os.WriteFile(key, out, 0o600); err != nil {
		return s, err
	}
	names := []string{key}
	write := func(name string, args ...string) ([]byte, error) {
		out, err := strongSwan("", append(args, "--outform", "pem")...)
		name = filepath.Join(dir, name)
		names = append(names, name)
		return out, errors.Join(err, os.WriteFile(name, out, 0o600))
	}
	if s.name == "request" {
		out, err = write("req", "--req", "--in", key, "--type", "priv", "--dn", "CN=waiting")
		if err == nil {
			made.request = blocks(out)[0].Bytes
		}
	} else {
		by := []string{"--self", "--ca", "--in", key, "--type", "priv", "--dn", "CN=pki"}
		var above [][]byte
		if s.name == "chain" {
			caKey := path + ".ca"
			ca, genErr := strongSwan("", "--gen", "--type", "ed25519", "--outform", "pem")
			if err := errors.Join(genErr, os.WriteFile(caKey, ca, 0o600)); err != nil {
				return s, err
			}
			ca, err = write("ca", "--self", "--ca", "--in", caKey, "--type", "priv", "--dn", "CN=pki CA")
			if err != nil {
				return s, err
			}
			above = [][]byte{blocks(ca)[0].Bytes}
			by = []string{"--issue", "--in", key, "--type", "priv", "--dn", "CN=pki", "--cacert", names[1], "--cakey", caKey}
		}
		out, err = write("cert", by...)
		if err == nil {
			made.chain = append([][]byte{blocks(out)[0].Bytes}, above...)
		}
	}
	if s.kind == format.Signer {
		names = names[1:]
	}
	if err != nil || f.name == "folder of PEM files" {
		return made, err
	}
	if !f.certificates {
		names = names[:1]
	}
	return made, join(path, names...)
}
