package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"keyman/crl"
	"keyman/internal/settings"
	"keyman/internal/settings/isakmpd"
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
	IKE ikeSettings  `toml:"ike" json:"ike"`
}

// ikeSettings is its section [ike].
type ikeSettings struct {
	// LogLevel is that of the daemon, where its command line says none.
	LogLevel logLevel `toml:"log_level" json:"log_level"`
	// MainModeRequiresIP is ike.Config.MainModeRequiresIP, read when the
	// daemon starts.
	MainModeRequiresIP bool `toml:"main_mode_requires_ip" json:"main_mode_requires_ip"`
}

// settings reads the settings in force: the defaults, over them isakmpd.conf,
// over it keyman.toml.
func (a *app) settings() (fileSettings, error) {
	s, _, err := a.settingsFrom()
	return s, err
}

// settingsFrom reads the settings in force, and tells for each dotted name from
// which file its value comes; one that is not named has its default.
func (a *app) settingsFrom() (s fileSettings, from map[string]string, err error) {
	dir, err := a.state()
	if err != nil {
		return s, nil, err
	}
	path := filepath.Join(dir, settingsFile)
	given, err := settings.KeysIn(path, &s)
	if err != nil {
		return s, nil, err
	}
	s, from, err = a.settingsBelow(dir, given)
	if err != nil {
		return s, nil, err
	}
	for _, key := range given {
		from[key] = path
	}
	return s, from, settings.Load(path, &s)
}

// settingsBelow returns the settings that count where keyman.toml says nothing,
// and from which file they come. given are the names that keyman.toml sets.
func (a *app) settingsBelow(dir string, given []string) (s fileSettings, from map[string]string, err error) {
	s, from = fileSettings{CRL: crl.DefaultSettings(), IKE: ikeSettings{LogLevel: logEvents}}, map[string]string{}
	path := filepath.Join(dir, isakmpdFile)
	values, err := a.readISAKMPD(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, from, nil
	}
	if err != nil {
		return s, nil, err
	}
	if slices.Contains(given, "crl.http_proxy") {
		// It takes the place of the SOCKS4 server, as every value of
		// keyman.toml takes the place of AIX's.
		for _, key := range []string{"crl.socks4_server", "crl.socks4_port", "crl.socks4_user"} {
			delete(values, key)
		}
	}
	for key := range values {
		from[key] = path
	}
	if err := settings.Apply(values, &s); err != nil {
		return s, nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, from, nil
}

// readISAKMPD reads AIX's file and returns its values as settings.Set takes them.
func (a *app) readISAKMPD(path string) (map[string]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	found, warnings, err := isakmpd.Read(path, file)
	for _, w := range warnings {
		a.warnf("%s", w)
	}
	return found, err
}

// setSettings changes keys of keyman.toml, by their dotted names. check looks at
// the settings as they would be in force; what it refuses is not saved.
func (a *app) setSettings(ctx context.Context, values map[string]string, check func(fileSettings) error) error {
	dir, err := a.state()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, settingsFile)
	given, err := settings.KeysIn(path, &fileSettings{})
	if err != nil {
		return err
	}
	for key, value := range values {
		given = slices.DeleteFunc(given, func(k string) bool { return k == key })
		if value != "" {
			given = append(given, key)
		}
	}
	s, _, err := a.settingsBelow(dir, given)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	err = settings.Set(ctx, path, values, &s, func() error { return check(s) })
	var value *settings.ValueError
	if errors.As(err, &value) {
		return usageError{err}
	}
	return err
}
