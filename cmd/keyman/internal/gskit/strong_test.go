package gskit

import (
	"strings"
	"testing"

	"keyman/keystore"
)

func TestCheckStrong(t *testing.T) {
	for password, want := range map[string]string{
		"Abcdefghijklm1":   "",
		"Abcdefg hijkl-":   "",
		"aaBBaBcdefghi1":   "",
		"Abcdefghijkl1":    "13 characters",
		"abcdefghijklm1":   "upper-case",
		"ABCDEFGHIJKLM1":   "lower-case",
		"Abcdefghijklmn":   "a digit or other sign",
		"Abcdefghijkl m":   "a digit or other sign",
		"Abcaacdefghij1":   "",
		"Aabababacdefghi1": "more than 3 times",
		"Abbbcdefghijkl1":  "in a row",
		"Abcdefghijklm\t1": "printable ASCII",
		"Abcdefghijklmé1":  "printable ASCII",
	} {
		err := checkStrong(keystore.Password(password))
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", password, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want %q", password, err, want)
		}
	}
}

func TestRandomPassword(t *testing.T) {
	seen := map[string]bool{}
	for _, length := range []int{strongLength, 60, maxStrongRandom} {
		password, err := randomPassword(length, true)
		if err != nil || len(password) != length {
			t.Fatalf("%d: %d, %v", length, len(password), err)
		}
		if err := checkStrong(password); err != nil {
			t.Errorf("%d: %v", length, err)
		}
		seen[string(password)] = true
	}
	for range 20 {
		password, err := randomPassword(20, false)
		if err != nil || len(password) != 20 {
			t.Fatalf("%d, %v", len(password), err)
		}
		seen[string(password)] = true
	}
	if len(seen) != 23 {
		t.Errorf("%d different passwords of 23", len(seen))
	}
}
