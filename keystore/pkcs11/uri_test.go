package pkcs11

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseURI(t *testing.T) {
	tests := []struct {
		in, wrong string
		want      URI
	}{
		{in: "pkcs11:", want: URI{}},
		{in: "pkcs11:token=vpn", want: URI{Token: "vpn"}},
		{in: "PKCS11:token=vpn", want: URI{Token: "vpn"}},
		{
			in:   "pkcs11:token=my%20vpn;object=gw%3B1;id=%01%00%FF?module-path=/usr/lib/m.so&pin-source=file:/etc/pin",
			want: URI{Token: "my vpn", Object: "gw;1", ID: []byte{1, 0, 255}, Module: "/usr/lib/m.so", PINSource: "/etc/pin"},
		},
		{in: "pkcs11:serial=1;manufacturer=M;model=X;type=private", want: URI{Serial: "1", Manufacturer: "M", Model: "X"}},
		{in: "pkcs11:?pin-source=file:///etc/pin", want: URI{PINSource: "/etc/pin"}},
		{in: "pkcs11:?pin-source=/etc/pin", want: URI{PINSource: "/etc/pin"}},
		{in: "https://example.org/", wrong: "does not begin"},
		{in: "pkcs11:token", wrong: "name=value"},
		{in: "pkcs11:=vpn", wrong: "name=value"},
		{in: "pkcs11:token=a;token=b", wrong: "twice"},
		{in: "pkcs11:token=%zz", wrong: "well formed"},
		{in: "pkcs11:token=a%00b", wrong: "well formed"},
		{in: "pkcs11:token=a b", wrong: "%20"},
		{in: "pkcs11:token=a\x7fb", wrong: "%20"},
		{in: "pkcs11:token=gr\u00fcn", wrong: "%20"},
		{in: "pkcs11:token=vpn#x", wrong: "%20"},
		{in: "pkcs11:token=vpn;object=", wrong: "\"object\" is empty"},
		{in: "pkcs11:?pin-source=", wrong: "\"pin-source\" is empty"},
		{in: "pkcs11:token=gr%C3%BCn", want: URI{Token: "gr\u00fcn"}},
		{in: "pkcs11:id=" + strings.Repeat("b", maxURI/2), wrong: "longer than"},
		{in: "pkcs11:slot-id=1", wrong: "not known"},
		{in: "pkcs11:type=secret-key", wrong: "neither"},
		{in: "pkcs11:?module-path=m.so", wrong: "absolute"},
		{in: "pkcs11:?module-name=m", wrong: "not known"},
		{in: "pkcs11:?pin-value=1234secret", wrong: "pin-source"},
		{in: "pkcs11:?pin-source=|cat", wrong: "absolute"},
		{in: "pkcs11:token=" + strings.Repeat("x", maxURI), wrong: "longer than"},
	}
	for _, tt := range tests {
		got, err := ParseURI(tt.in)
		if tt.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("ParseURI(%.60q): %v, want an error with %q", tt.in, err, tt.wrong)
			} else if strings.Contains(err.Error(), "1234secret") {
				t.Errorf("ParseURI(%.60q): the error shows the PIN: %v", tt.in, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("ParseURI(%q): %v", tt.in, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("ParseURI(%q) (-want +got):\n%s", tt.in, diff)
		}
		again, err := ParseURI(got.String())
		if err != nil || !cmp.Equal(got, again) {
			t.Errorf("ParseURI(%q) is %+v, %v; want %+v", got.String(), again, err, got)
		}
	}
}

func FuzzParseURI(f *testing.F) {
	f.Add("pkcs11:token=my%20vpn;object=gw%3B1;id=%01%00%FF?module-path=/usr/lib/m.so&pin-source=file:/etc/pin")
	f.Add("pkcs11:serial=1;type=cert?pin-value=1")
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURI(s)
		if err != nil {
			return
		}
		again, err := ParseURI(u.String())
		if err != nil || !cmp.Equal(u, again) {
			t.Fatalf("%q: %+v is written as %q and read as %+v, %v", s, u, u.String(), again, err)
		}
	})
}
