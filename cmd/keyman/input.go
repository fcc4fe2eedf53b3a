package main

import (
	"fmt"
	"io"

	"keyman/crl"
	"keyman/internal/certpem"
	"keyman/internal/pemtext"
)

// stdinName stands for standard input where a file is named.
const stdinName = "-"

// takeStdin returns standard input, which one argument may name.
func (a *app) takeStdin() (io.Reader, error) {
	if a.stdinTaken {
		return nil, usagef("two arguments are %s: standard input is read once", stdinName)
	}
	a.stdinTaken = true
	return a.stdin, nil
}

// certificatesOf reads the certificates of a file, or of standard input.
func (a *app) certificatesOf(path string) ([][]byte, error) {
	if path != stdinName {
		return readCertificateFile(path)
	}
	in, err := a.takeStdin()
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(in, certpem.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	list, err := certpem.Parse(data)
	if err != nil || isNoCertificate(list) {
		tell := derContent
		if pemtext.Is(data) {
			tell = pemContent
		}
		if c, known := tell(data); known {
			return nil, c.instead("standard input")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	return list, nil
}

// certificatesOfAll reads the certificates of some files, one behind the other.
func (a *app) certificatesOfAll(paths []string) ([][]byte, error) {
	var all [][]byte
	for _, path := range paths {
		list, err := a.certificatesOf(path)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// listOf reads the revocation list of a file, or of standard input.
func (a *app) listOf(path string, limits crl.Limits) (*crl.List, error) {
	if path != stdinName {
		return readList(path, limits)
	}
	in, err := a.takeStdin()
	if err != nil {
		return nil, err
	}
	l, err := crl.Parse(in, limits)
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	l.Source = "standard input"
	return l, nil
}
