package crl

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// byFile reads the list in a file of this machine (RFC 8089).
func (f *Fetcher) byFile(u *url.URL) ([]*List, error) {
	switch {
	case u.Host != "" && !strings.EqualFold(u.Host, "localhost"):
		return nil, fmt.Errorf("the file lies on host %q, and not on this one", u.Host)
	case !filepath.IsAbs(u.Path) || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the URL is not file:///PATH")
	}
	// A pipe that nobody writes to must not hold the one who opens it.
	file, err := os.OpenFile(u.Path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	l, err := Parse(file, f.config.Limits)
	if err != nil {
		return nil, err
	}
	return []*List{l}, nil
}
