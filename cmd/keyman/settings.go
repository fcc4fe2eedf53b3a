package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"keyman/crl"
	"keyman/internal/settings"
)

// The files of settings in the state directory. isakmpd.conf is AIX's; what
// keyman.toml says goes before it.
const (
	settingsFile = "keyman.toml"
	isakmpdFile  = "isakmpd.conf"
)

// fileSettings is keyman.toml: a section for each room that has settings.
type fileSettings struct {
	CRL crl.Settings `toml:"crl" json:"crl"`
}

// settings reads the settings in force: the defaults, over them isakmpd.conf,
// over it keyman.toml.
func (a *app) settings() (fileSettings, error) {
	s, path, err := a.settingsBelow()
	if err != nil {
		return s, err
	}
	return s, settings.Load(path, &s)
}

// settingsBelow returns the settings that count where keyman.toml says nothing,
// and the path of keyman.toml.
func (a *app) settingsBelow() (fileSettings, string, error) {
	s := fileSettings{CRL: crl.DefaultSettings()}
	dir, err := a.state()
	if err != nil {
		return s, "", err
	}
	toml, isakmpd := filepath.Join(dir, settingsFile), filepath.Join(dir, isakmpdFile)
	values, err := a.readISAKMPD(isakmpd)
	if errors.Is(err, fs.ErrNotExist) {
		return s, toml, nil
	}
	if err != nil {
		return s, "", err
	}
	if err := settings.Apply(values, &s); err != nil {
		return s, "", fmt.Errorf("%s: %w", isakmpd, err)
	}
	return s, toml, nil
}

// readISAKMPD reads AIX's file and returns its values as settings.Set takes them.
func (a *app) readISAKMPD(path string) (map[string]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	found, warnings, err := crl.ReadISAKMPD(path, file)
	for _, w := range warnings {
		a.warnf("%s", w)
	}
	return inSection("crl", found), err
}

// inSection puts the name of a section before keys.
func inSection(section string, values map[string]string) map[string]string {
	full := map[string]string{}
	for key, value := range values {
		full[section+"."+key] = value
	}
	return full
}

// setSettings changes keys of keyman.toml, by their dotted names. check looks at
// the settings as they would be in force; what it refuses is not saved.
func (a *app) setSettings(ctx context.Context, values map[string]string, check func(fileSettings) error) error {
	s, path, err := a.settingsBelow()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	err = settings.Set(ctx, path, values, &s, func() error { return check(s) })
	var value *settings.ValueError
	if errors.As(err, &value) {
		return usageError{err}
	}
	return err
}
