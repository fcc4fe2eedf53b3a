package interop

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
)

// openssl is OpenSSL 3.
func openssl() peer {
	return peer{
		name: "openssl", look: opensslLook, make: opensslMake,
		labels: in("pkcs12", "pem"), trust: never,
	}
}

// opensslProof signs a request with a key in PEM.
func opensslProof(key block) ([]byte, error) {
	path, err := temporary(key.text())
	if err != nil {
		return nil, err
	}
	defer os.Remove(path)
	return run("openssl", "req", "-new", "-key", path, "-passin", "pass:"+password, "-subj", "/CN=proof", "-outform", "DER")
}

// temporary writes a file.
func temporary(data []byte) (string, error) {
	f, err := os.CreateTemp("", "keyman-interop-")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	return f.Name(), errors.Join(err, f.Close())
}

// opensslVerifies has OpenSSL check the signature of a request.
func opensslVerifies(der []byte) error {
	path, err := temporary(der)
	if err != nil {
		return err
	}
	defer os.Remove(path)
	_, err = run("openssl", "req", "-inform", "DER", "-in", path, "-verify", "-noout")
	return err
}

func opensslLook(f fileFormat, path string) (sight, error) {
	var (
		out   []byte
		err   error
		found sight
	)
	switch f.name {
	case "pem", "folder of PEM files":
		key, rest, globErr := keyAndRest(f, path)
		if err = globErr; err != nil {
			return found, err
		}
		if blockTypeIn(key, "PRIVATE KEY") != nil {
			if out, err = run("openssl", "pkey", "-in", key, "-passin", "pass:"+password); err != nil {
				return found, err
			}
		}
		for _, name := range rest {
			certificates, err := run("openssl", "crl2pkcs7", "-nocrl", "-certfile", name)
			if err != nil {
				return found, err
			}
			if certificates, err = runWith(string(certificates), "openssl", "pkcs7", "-print_certs"); err != nil {
				return found, err
			}
			out = append(out, certificates...)
			if request, err := run("openssl", "req", "-in", name); err == nil {
				out = append(out, request...)
			}
		}
	case "pkcs7":
		out, err = run("openssl", "pkcs7", "-inform", "DER", "-in", path, "-print_certs")
	case "pkcs8", "pkcs8 encrypted", "traditional", "openssh":
		out, err = run("openssl", "pkey", "-in", path, "-passin", "pass:"+password)
	default:
		found.labels, found.trust = true, true
		out, err = run("openssl", "pkcs12", "-in", path, "-passin", "pass:"+password, "-nodes")
	}
	if err != nil {
		return found, err
	}
	return found, found.add(blocks(out), opensslProof)
}

func opensslMake(f fileFormat, s subject, path string) (subject, error) {
	switch f.name {
	case "pkcs12":
		return s, opensslPKCS12(s, path, s.label)
	case "pem":
		p12 := path + ".p12"
		err := opensslPKCS12(s, p12, s.label)
		if err != nil {
			return s, err
		}
		out, err := run("openssl", "pkcs12", "-in", p12, "-passin", "pass:"+password, "-passout", "pass:"+password)
		if err == nil && s.requestFile != "" {
			out = append(out, mustRead(s.requestFile)...)
		}
		return s, errors.Join(err, os.WriteFile(path, out, 0o600))
	case "folder of PEM files":
		err := os.Mkdir(path, 0o700)
		if s.keyFile != "" {
			err = errors.Join(err, runs([]string{"openssl", "pkcs8", "-topk8", "-in", s.keyFile, "-out", filepath.Join(path, "a"), "-passout", "pass:" + password}))
		}
		if s.certFile != "" {
			err = errors.Join(err, join(filepath.Join(path, "b"), s.certFile), join(filepath.Join(path, "c"), s.certFile, s.aboveFile))
		}
		if s.requestFile != "" {
			err = errors.Join(err, runs([]string{"openssl", "req", "-in", s.requestFile, "-outform", "DER", "-out", filepath.Join(path, "d")}))
		}
		return s, err
	case "pkcs7":
		args := []string{"openssl", "crl2pkcs7", "-nocrl", "-certfile", s.certFile, "-outform", "DER", "-out", path}
		if s.aboveFile != "" {
			args = append(args, "-certfile", s.aboveFile)
		}
		return s, runs(args)
	case "pkcs8":
		return s, runs([]string{"openssl", "pkcs8", "-topk8", "-nocrypt", "-in", s.keyFile, "-out", path})
	case "pkcs8 encrypted":
		return s, runs([]string{"openssl", "pkcs8", "-topk8", "-in", s.keyFile, "-out", path, "-passout", "pass:" + password})
	case "traditional":
		return s, runs([]string{"openssl", "pkey", "-traditional", "-in", s.keyFile, "-out", path})
	default:
		return s, hasNo(words[f.name], "openssl", "pkey", "-help")
	}
}

// opensslPKCS12 has OpenSSL make a file of a subject.
func opensslPKCS12(s subject, path, label string, more ...string) error {
	args := []string{"openssl", "pkcs12", "-export", "-out", path, "-passout", "pass:" + password}
	switch {
	case s.keyFile == "" && s.certFile == "":
		return errWithout
	case s.keyFile == "" && s.trusted:
		// From version 3.2 on.
		args = append(args, "-nokeys", "-in", s.certFile, "-caname", label, "-jdktrust", "anyExtendedKeyUsage")
	case s.keyFile == "":
		args = append(args, "-nokeys", "-in", s.certFile, "-caname", label)
	case s.certFile == "":
		args = append(args, "-nocerts", "-inkey", s.keyFile, "-name", label)
	default:
		args = append(args, "-inkey", s.keyFile, "-in", s.certFile, "-name", label)
	}
	if s.aboveFile != "" {
		args = append(args, "-certfile", s.aboveFile)
	}
	return runs(append(args, more...))
}

func mustRead(path string) []byte {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return bytes.Clone(data)
}
