package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"keyman/ike/ikedb"
	"keyman/ike/ikedb/store"
)

// The daemon reads the file that is named, or else ike.db, or else tunnels.toml.
func TestWhereTunnelsComeFrom(t *testing.T) {
	ctx := context.Background()
	state := t.TempDir()
	tunnel := func(name string) string {
		return "[[tunnel]]\nname = \"" + name + "\"\nprotection = \"p\"\nlocal.address = \"192.0.2.1\"\nremote.address = \"192.0.2.2\"\n" +
			"[[protection]]\nname = \"p\"\nauth = \"preshared-key\"\ntransforms = [\"aes128-sha256-ecp256\"]\n" +
			"[[preshared-key]]\nids = [\"192.0.2.2\"]\nsecret = \"a secret\"\n"
	}
	check := func(named, want, warning string) {
		t.Helper()
		var log bytes.Buffer
		db, err := loadTunnels(ctx, named, state, slog.New(slog.NewTextHandler(&log, nil)))
		if want == "" {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v, want fs.ErrNotExist", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := db.Tunnels()[0].Name; got != want {
			t.Errorf("the tunnels of %s, want those of %s", got, want)
		}
		if (warning == "") != (log.Len() == 0) || !strings.Contains(log.String(), warning) {
			t.Errorf("the log says %q, want %q", log.String(), warning)
		}
	}
	write := func(name string) string {
		t.Helper()
		path := filepath.Join(state, name+".toml")
		if err := os.WriteFile(path, []byte(tunnel(name)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}

	check("", "", "")
	write("tunnels")
	check("", "tunnels", "")
	named := write("named")
	s, err := store.Create(ctx, filepath.Join(state, store.FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d, err := ikedb.ParseTOML([]byte(tunnel("database")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(ctx, d, false); err != nil {
		t.Fatal(err)
	}
	check("", "database", "tunnels.toml is not read")
	check(named, "named", "")

	// A database that cannot be used is an error: its tunnels are not those of
	// tunnels.toml.
	if err := os.Chmod(s.Path(), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := loadTunnels(ctx, "", state, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "its mode 0644") {
		t.Errorf("a database that others read: %v", err)
	}
}
