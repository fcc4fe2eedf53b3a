package settings_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"keyman/internal/settings"
)

type file struct {
	Name string  `toml:"name"`
	CRL  section `toml:"crl"`
	IKE  other   `toml:"ike"`
}

type section struct {
	Server  string            `toml:"ldap_server"`
	Port    int               `toml:"ldap_port"`
	Wait    settings.Duration `toml:"wait"`
	Order   []string          `toml:"order"`
	Private int               // not a key
}

type other struct {
	On bool `toml:"on"`
}

func TestKeys(t *testing.T) {
	want := []string{"name", "crl.ldap_server", "crl.ldap_port", "crl.wait", "crl.order", "ike.on"}
	if got := settings.Keys(&file{}); !slices.Equal(got, want) {
		t.Errorf("keys %q, want %q", got, want)
	}
}

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keyman.toml")
	if content != "" {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestLoad(t *testing.T) {
	f := file{CRL: section{Port: 389, Server: "default"}}
	if err := settings.Load(write(t, ""), &f); err != nil || f.CRL.Port != 389 {
		t.Errorf("no file: %v, %+v", err, f)
	}
	if err := settings.Load(write(t, "[crl]\nldap_server = \"dir\"\nwait = \"90\"\norder = [\"a\"]\n"), &f); err != nil {
		t.Fatal(err)
	}
	if f.CRL.Server != "dir" || f.CRL.Port != 389 || time.Duration(f.CRL.Wait) != 90*time.Second {
		t.Errorf("%+v", f)
	}
}

func TestKeysIn(t *testing.T) {
	for content, want := range map[string][]string{
		"":                                     nil,
		"# nothing\n":                          nil,
		"[crl]\norder = []\nldap_port = 389\n": {"crl.ldap_port", "crl.order"},
		"name = \"\"\nike = { on = false }\n":  {"name", "ike.on"},
	} {
		f := file{Name: "before"}
		if got, err := settings.KeysIn(write(t, content), &f); err != nil || !slices.Equal(got, want) || f.Name != "before" {
			t.Errorf("%q: %q, %v, %+v; want %q", content, got, err, f, want)
		}
	}
	if _, err := settings.KeysIn(write(t, "nane = 1\n"), &file{}); err == nil || !strings.Contains(err.Error(), `keyman.toml:1: the key "nane" is not known`) {
		t.Errorf("a key that is not known: %v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	for content, want := range map[string]string{
		"[crl]\nldap_sever = \"x\"\n":           `keyman.toml:2: the key "crl.ldap_sever" is not known; the nearest one is "crl.ldap_server"`,
		"[clr]\nldap_port = 3\n":                `keyman.toml:1: the key "clr" is not known; the nearest one is "crl"`,
		"[crl]\nwait = \"1s\"\nWait = \"9s\"\n": `keyman.toml:3: the key "crl.Wait" is not known; the nearest one is "crl.wait"`,
		"[CRL]\nwait = \"1s\"\n":                `keyman.toml:1: the key "CRL" is not known; the nearest one is "crl"`,
		"CRL.WAIT = \"1s\"\n":                   `keyman.toml:1: the key "CRL" is not known; the nearest one is "crl"`,
		"ike = { ON = true }\n":                 `keyman.toml:1: the key "ike.ON" is not known; the nearest one is "ike.on"`,
		"[crl]\nLDAP_SERVER = \"x\"\n":          `keyman.toml:2: the key "crl.LDAP_SERVER" is not known; the nearest one is "crl.ldap_server"`,
		"[crl]\nPrivate = 1\n":                  `the key "crl.Private" is not known`,
		"nane = \"x\"\n":                        `the nearest one is "name"`,
		"[crl]\nldap_port = \"many\"\n":         `keyman.toml:2: crl.ldap_port`,
		"[crl]\nwait = \"soon\"\n":              "no duration",
		"[crl]\nwait = \"-1s\"\n":               "no duration",
		"[crl\n":                                "keyman.toml:1",
		strings.Repeat("#", 1<<20+1):            "too large",
		"[crl]\nldap_port = 1\nldap_port = 2\n": "keyman.toml",
	} {
		err := settings.Load(write(t, content), &file{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v does not say %q", content, err, want)
		}
	}
}

func TestSet(t *testing.T) {
	for _, c := range []struct {
		name, before string
		values       map[string]string
		after        string
	}{
		{"a new file", "", map[string]string{"crl.ldap_server": "dir"}, "[crl]\nldap_server = \"dir\"\n"},
		{"a key beside others", "# top\n[crl] # the lists\n# where\nldap_server = \"a\" # old\n\n[ike]\non = true\n",
			map[string]string{"crl.ldap_port": "390"}, "# top\n[crl] # the lists\n# where\nldap_server = \"a\" # old\nldap_port = 390\n\n[ike]\non = true\n"},
		{"a key that is there", "[crl]\nldap_server = \"a\" # old\nwait = \"1s\"", map[string]string{"crl.ldap_server": `b"\` + "\t"},
			"[crl]\nldap_server = \"b\\\"\\\\\\u0009\"\nwait = \"1s\""},
		{"without a line break at the end", "[crl]\nwait = \"1s\"", map[string]string{"ike.on": "true"}, "[crl]\nwait = \"1s\"\n\n[ike]\non = true\n"},
		{"out again", "[crl]\nldap_port = 1\nwait = \"1s\"\n", map[string]string{"crl.ldap_port": ""}, "[crl]\nwait = \"1s\"\n"},
		{"out where it never was", "[crl]\nwait = \"1s\"\n", map[string]string{"crl.ldap_port": ""}, "[crl]\nwait = \"1s\"\n"},
		{"several", "", map[string]string{"crl.order": "http, ldap", "name": "x", "crl.wait": "5"}, "name = \"x\"\n[crl]\norder = [\"http\", \"ldap\"]\nwait = \"5\"\n"},
	} {
		path := write(t, c.before)
		if err := settings.Set(t.Context(), path, c.values, &file{}, nil); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got, _ := os.ReadFile(path); string(got) != c.after {
			t.Errorf("%s:\n%q\nwant\n%q", c.name, got, c.after)
		}
	}
}

// TestSetRefuses: what would not be read again is not saved.
func TestSetRefuses(t *testing.T) {
	for _, c := range []struct{ before, key, value, want string }{
		{"", "crl.ldap_prot", "1", `the nearest one is "crl.ldap_port"`},
		{"", "crl.ldap_port", "many", "not a whole number"},
		{"", "crl.wait", "soon", "no duration"},
		{"", "ike.on", "perhaps", "neither true nor false"},
		{"[crl]\nbad = 1\n", "crl.ldap_port", "1", "not known"},
		{"[crl]\nLdap_Port = 1\n", "crl.ldap_port", "2", "not known"},
		{"", "CRL.WAIT", "2s", `the nearest one is "crl.wait"`},
		{"", "CRL.ldap_port", "2", `the nearest one is "crl.ldap_port"`},
		{"crl = { ldap_port = 3 }\n", "crl.ldap_port", "1", "edit it by hand"},
		{"name = \"\"\"\n[crl]\nldap_port = 3\n\"\"\"\n", "crl.ldap_port", "1", "edit it by hand"},
		{"[crl]\norder = [\n\"a\",\n]\n", "crl.order", "b", "edit it by hand"},
	} {
		path := write(t, c.before)
		err := settings.Set(t.Context(), path, map[string]string{c.key: c.value}, &file{}, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q %s=%s: error %v does not say %q", c.before, c.key, c.value, err, c.want)
		}
		if got, _ := os.ReadFile(path); string(got) != c.before {
			t.Errorf("%q %s=%s: the file was changed to %q", c.before, c.key, c.value, got)
		}
	}
}

// TestSetCheck: what check refuses is not saved.
func TestSetCheck(t *testing.T) {
	path := write(t, "[crl]\nldap_port = 1\n")
	var f file
	err := settings.Set(t.Context(), path, map[string]string{"crl.ldap_port": "2"}, &f, func() error {
		if f.CRL.Port != 2 {
			t.Errorf("check sees port %d", f.CRL.Port)
		}
		return errors.New("no")
	})
	var value *settings.ValueError
	if !errors.As(err, &value) {
		t.Errorf("error %v is no ValueError", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "[crl]\nldap_port = 1\n" {
		t.Errorf("saved: %q", got)
	}
}

func TestApply(t *testing.T) {
	f := file{CRL: section{Server: "a", Port: 389}}
	if err := settings.Apply(map[string]string{"crl.ldap_server": "dir", "crl.order": "HTTP,LDAP"}, &f); err != nil {
		t.Fatal(err)
	}
	if f.CRL.Server != "dir" || f.CRL.Port != 389 || !slices.Equal(f.CRL.Order, []string{"HTTP", "LDAP"}) {
		t.Errorf("%+v", f.CRL)
	}
	if err := settings.Apply(map[string]string{"crl.wait": "soon"}, &f); err == nil || err.Error() != "crl.wait: \"soon\" is no duration: write one like 10s or 1m30s" {
		t.Errorf("a wrong value: %v", err)
	}
}
