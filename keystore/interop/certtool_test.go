package interop

import (
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// certtool is that of GnuTLS. It derives keys with 600,000 iterations.
func certtool() peer {
	return peer{
		name: "certtool", look: certtoolLook, make: certtoolMake,
		labels: in("pkcs12"), trust: never,
	}
}

// certtoolProof signs a request with a key in PEM.
func certtoolProof(key block) ([]byte, error) {
	path, err := temporary(key.text())
	if err != nil {
		return nil, err
	}
	template, err := temporary([]byte("cn = \"proof\"\n"))
	defer os.Remove(path)
	defer os.Remove(template)
	if err != nil {
		return nil, err
	}
	return run("certtool", "--generate-request", "--load-privkey", path, "--password", password, "--template", template, "--outder")
}

func certtoolLook(f fileFormat, path string) (sight, error) {
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
			// One after the other: it reads certificates or a request.
			more, certErr := run("certtool", "--certificate-info", "--infile", name)
			if certErr != nil {
				if more, err = run("certtool", "--crq-info", "--infile", name); err != nil {
					return found, errors.Join(certErr, err)
				}
			}
			out = append(out, more...)
		}
		if b := blockTypeIn(key, "PRIVATE KEY"); b != nil {
			out = append(out, pem.EncodeToMemory(b)...)
		}
	case "pkcs7":
		out, err = run("certtool", "--p7-info", "--inder", "--infile", path)
	case "pkcs8", "pkcs8 encrypted", "traditional", "openssh":
		out = mustRead(path)
	default:
		found.labels = true
		out, err = run("certtool", "--p12-info", "--inder", "--infile", path, "--password", password)
	}
	if err != nil {
		return found, err
	}
	return found, found.add(blocks(out), certtoolProof)
}

func certtoolMake(f fileFormat, s subject, path string) (subject, error) {
	// What it gets in UTF-8 it writes as if it were Latin-1.
	name := strings.ReplaceAll(s.label, "ü", "ue")
	s.label = name
	load := []string{}
	if s.keyFile != "" {
		load = append(load, "--load-privkey", s.keyFile)
	}
	switch {
	case s.keyFile == "" && s.certFile != "":
		load = append(load, "--load-ca-certificate", s.certFile)
		s.label = "" // it gives none to others' certificates
	case s.certFile != "":
		all := path + ".chain"
		if err := join(all, s.certFile, s.aboveFile); err != nil {
			return s, err
		}
		load = append(load, "--load-certificate", all)
	}
	certtool := func(args ...string) []string { return append([]string{"certtool", "--outfile", path}, args...) }
	switch f.name {
	case "pkcs12":
		if len(load) == 0 {
			return s, errWithout
		}
		return s, runs(append(certtool("--to-p12", "--outder", "--p12-name", name, "--password", password), load...))
	case "pem", "folder of PEM files":
		return s, certtoolPEM(f, s, path)
	case "pkcs7":
		// It takes any number of certificates from one file.
		all := path + ".pem"
		if err := join(all, s.certFile, s.aboveFile); err != nil {
			return s, err
		}
		return s, runs(certtool("--p7-generate", "--outder", "--load-certificate", all))
	case "pkcs8":
		return s, runs(certtool("--to-p8", "--load-privkey", s.keyFile, "--password", "", "--pkcs-cipher", "none"))
	case "pkcs8 encrypted":
		return s, runs(certtool("--to-p8", "--load-privkey", s.keyFile, "--password", password))
	case "traditional":
		return s, runs(certtool("--key-info", "--infile", s.keyFile))
	default:
		return s, hasNo(words[f.name], "certtool", "--help")
	}
}

// certtoolPEM has certtool write each part to a file, in its text.
func certtoolPEM(f fileFormat, s subject, path string) error {
	dir := path
	if f.name == "pem" {
		dir += ".parts"
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	var names []string
	part := func(args ...string) []string {
		name := filepath.Join(dir, string(rune('a'+len(names))))
		names = append(names, name)
		return append([]string{"certtool", "--outfile", name}, args...)
	}
	var calls [][]string
	if s.certFile != "" {
		calls = append(calls, part("--certificate-info", "--infile", s.certFile))
	}
	if s.keyFile != "" {
		calls = append(calls, part("--to-p8", "--load-privkey", s.keyFile, "--password", password))
	}
	if s.aboveFile != "" {
		calls = append(calls, part("--certificate-info", "--infile", s.aboveFile))
	}
	if s.requestFile != "" {
		calls = append(calls, part("--crq-info", "--infile", s.requestFile))
	}
	if err := runs(calls...); err != nil || f.name != "pem" {
		return err
	}
	return join(path, names...)
}
