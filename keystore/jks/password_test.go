package jks

import (
	"fmt"
	"strings"
	"testing"
)

func TestPasswordIsNotPrinted(t *testing.T) {
	pw, err := newPassword([]byte("zxcv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
		if got := fmt.Sprintf(verb, struct{ P password }{pw}); !strings.Contains(got, "[password]") || strings.Contains(got, "122") {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	pw.wipe()
	if string(pw.ascii) != "\x00\x00\x00\x00" || string(pw.utf16) != strings.Repeat("\x00", 8) {
		t.Error("the password is still in memory")
	}
}
