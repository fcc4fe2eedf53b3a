package outfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	for _, text := range []string{"one", "two"} {
		if err := Write(path, []byte(text), Public); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Fatalf("%q, %v", got, err)
		}
	}
	for name, text := range map[string]string{
		"key in PEM":   "-----BEGIN EC PRIVATE KEY-----\n",
		"key database": "\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			var keys *KeysError
			if err := Write(path, []byte("new"), Public); !errors.As(err, &keys) || keys.Path != path || keys.Hint() == "" {
				t.Errorf("%v, want a KeysError", err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != text {
				t.Errorf("the file became %q, %v", got, err)
			}
		})
	}
}
