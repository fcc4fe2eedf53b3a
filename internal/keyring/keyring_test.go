package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// name returns a name that only this test uses, and sees to it that nothing is
// left under it. Where the kernel or the sandbox has no keyrings for tests the
// test is skipped.
func name(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("test-%d-%s", os.Getpid(), t.Name())
	if err := Put(name, []byte("probe"), time.Minute); err != nil {
		t.Skipf("no keyring here: %v", err)
	}
	t.Cleanup(func() {
		if err := Remove(name); err != nil && !errors.Is(err, ErrNotThere) {
			t.Error(err)
		}
	})
	if err := Remove(name); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestKeyring(t *testing.T) {
	name := name(t)
	if _, err := Get(name); !errors.Is(err, ErrNotThere) {
		t.Errorf("before it is put there: %v; want ErrNotThere", err)
	}
	if err := Remove(name); !errors.Is(err, ErrNotThere) {
		t.Errorf("removed before it is put there: %v; want ErrNotThere", err)
	}
	for _, d := range []time.Duration{0, time.Second * 100, time.Hour, MaxFor} {
		for _, secret := range [][]byte{[]byte("s"), {0, 1, 255}, bytes.Repeat([]byte("x"), MaxSecret)} {
			if err := Put(name, secret, d); err != nil {
				t.Fatalf("%v, %d bytes: %v", d, len(secret), err)
			}
			if got, err := Get(name); err != nil || !bytes.Equal(got, secret) {
				t.Errorf("%v: %d bytes, %v; want %d", d, len(got), err, len(secret))
			}
		}
	}
	if err := Remove(name); err != nil {
		t.Error(err)
	}
	if _, err := Get(name); !errors.Is(err, ErrNotThere) {
		t.Errorf("after it was removed: %v; want ErrNotThere", err)
	}
}

// TestKeyAsTheKernelShowsIt looks at /proc/keys: who may read the key, and when it
// goes.
func TestKeyAsTheKernelShowsIt(t *testing.T) {
	name := name(t)
	for _, test := range []struct {
		d    time.Duration
		want string
	}{
		{0, " perm 3f0b0000 "},
		{90 * time.Minute, " 1h 3f0b0000 "},
	} {
		if err := Put(name, []byte("s"), test.d); err != nil {
			t.Fatal(err)
		}
		keys, err := os.ReadFile("/proc/keys")
		if err != nil {
			t.Skip(err)
		}
		// Those that were there before are shown until the kernel has swept them up.
		found := false
		for line := range strings.Lines(string(keys)) {
			found = found || strings.Contains(line, prefix+name+":") && strings.Contains(strings.Join(strings.Fields(line), " "), test.want)
		}
		if !found {
			t.Errorf("%v: no key with %q in\n%s", test.d, test.want, keys)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, secret := range [][]byte{nil, {}, make([]byte, MaxSecret+1)} {
		if err := Put("test", secret, 0); !errors.Is(err, ErrSecret) {
			t.Errorf("%d bytes: %v; want ErrSecret", len(secret), err)
		}
	}
	for _, d := range []time.Duration{-1, time.Second - 1, MaxFor + 1} {
		if err := Put("test", []byte("s"), d); !errors.Is(err, ErrFor) {
			t.Errorf("for %v: %v; want ErrFor", d, err)
		}
	}
}
