package cert_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"keyman/internal/cert"
)

// TestExtensions reads values as people see them; "error" is refused.
func TestExtensions(t *testing.T) {
	oids := func(oids []cert.OID) string {
		var all []string
		for _, o := range oids {
			all = append(all, o.String())
		}
		return strings.Join(all, " ")
	}
	names := func(names []cert.GeneralName) string {
		var all []string
		for _, n := range names {
			switch n.Kind {
			case cert.DirectoryName:
				name, err := n.Directory()
				all = append(all, fmt.Sprintf("%s=%s %v", n.Kind, name, err))
			case cert.IPAddress:
				address, ok := n.Address()
				all = append(all, fmt.Sprintf("%s=%s %t", n.Kind, address, ok))
			default:
				all = append(all, fmt.Sprintf("%s=%q", n.Kind, n.Text()))
			}
		}
		return strings.Join(all, " ")
	}
	number := func(n *int) string {
		if n == nil {
			return "none"
		}
		return fmt.Sprint(*n)
	}
	point := func(p *cert.PointName) string {
		switch {
		case p == nil:
			return "none"
		case p.Relative != nil:
			issuer, _ := hex.DecodeString(aName)
			name, err := p.RelativeTo(issuer)
			return fmt.Sprint(name, err)
		default:
			return names(p.Full)
		}
	}
	readers := map[string]func([]byte) (string, error){
		"basic": func(v []byte) (string, error) {
			b, err := cert.ParseBasicConstraints(v)
			return fmt.Sprint(b.CA, " ", number(b.MaxPathLen)), err
		},
		"usage": func(v []byte) (string, error) {
			u, err := cert.ParseKeyUsage(v)
			return u.String(), err
		},
		"eku": func(v []byte) (string, error) {
			u, err := cert.ParseExtKeyUsage(v)
			return oids(u), err
		},
		"ski": func(v []byte) (string, error) {
			id, err := cert.ParseSubjectKeyID(v)
			return hex.EncodeToString(id), err
		},
		"aki": func(v []byte) (string, error) {
			a, err := cert.ParseAuthorityKeyID(v)
			return fmt.Sprintf("%x %s %x", a.KeyID, names(a.Issuer), a.Serial), err
		},
		"aia": func(v []byte) (string, error) {
			all, err := cert.ParseAuthorityInfoAccess(v)
			text := ""
			for _, d := range all {
				text += d.Method.String() + " " + names([]cert.GeneralName{d.Location})
			}
			return text, err
		},
		"san": func(v []byte) (string, error) {
			all, err := cert.ParseGeneralNames(v)
			return names(all), err
		},
		"nc": func(v []byte) (string, error) {
			c, err := cert.ParseNameConstraints(v)
			text := ""
			for _, s := range c.Permitted {
				text += fmt.Sprintf("+%s %t ", names([]cert.GeneralName{s.Base}), s.Bounded)
			}
			for _, s := range c.Excluded {
				text += fmt.Sprintf("-%s %t ", names([]cert.GeneralName{s.Base}), s.Bounded)
			}
			return text, err
		},
		"policies": func(v []byte) (string, error) {
			all, err := cert.ParsePolicies(v)
			text := ""
			for _, p := range all {
				text += p.ID.String()
				qualifiers, qerr := cert.ParseQualifiers(p.Qualifiers)
				for _, q := range qualifiers {
					text += fmt.Sprintf(" %s=%x", q.ID, q.Value)
				}
				if qerr != nil {
					text += " " + qerr.Error()
				}
				text += ";"
			}
			return text, err
		},
		"mappings": func(v []byte) (string, error) {
			all, err := cert.ParsePolicyMappings(v)
			text := ""
			for _, m := range all {
				text += m.Issuer.String() + ">" + m.Subject.String() + ";"
			}
			return text, err
		},
		"pc": func(v []byte) (string, error) {
			c, err := cert.ParsePolicyConstraints(v)
			return number(c.RequireExplicit) + " " + number(c.InhibitMapping), err
		},
		"iap": func(v []byte) (string, error) {
			n, err := cert.ParseInhibitAnyPolicy(v)
			return fmt.Sprint(n), err
		},
		"cdp": func(v []byte) (string, error) {
			all, err := cert.ParseCRLDistributionPoints(v)
			text := ""
			for _, p := range all {
				text += fmt.Sprintf("%s %x %s;", point(p.Name), uint16(p.Reasons), names(p.CRLIssuer))
			}
			return text, err
		},
		"idp": func(v []byte) (string, error) {
			p, err := cert.ParseIssuingDistributionPoint(v)
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("%s user=%t ca=%t attribute=%t %x some=%t indirect=%t",
				point(p.Name), p.OnlyUserCerts, p.OnlyCACerts, p.OnlyAttributeCerts, uint16(p.Reasons), p.SomeReasons, p.Indirect), nil
		},
	}
	for _, tc := range []struct{ kind, value, want string }{
		{"basic", "3000", "false none"},
		{"basic", "30030101ff", "true none"},
		{"basic", "30060101ff020100", "true 0"},
		{"basic", "3003020103", "false 3"},
		{"basic", "30080101ff02037fffff", "true 1048576"},
		{"basic", "300f0101ff020a" + "7fffffffffffffffffff", "true 1048576"},
		{"basic", "3003010101", "error"}, // BOOLEAN 1
		{"basic", "30060101ff0201ff", "error"},
		{"basic", "30070101ff02020001", "error"},
		{"basic", "300302010305", "error"},
		{"basic", "", "error"},

		{"usage", "03020106", "keyCertSign, cRLSign"},
		{"usage", "0303070080", "decipherOnly"},
		{"usage", "0303000081", "decipherOnly, bit(15)"},
		{"usage", "030100", ""},
		{"usage", "03020107", "error"},
		{"usage", "0300", "error"},
		{"usage", "0302010600", "error"},

		{"eku", "300a06082b06010505070311", "1.3.6.1.5.5.7.3.17"},
		{"eku", "30100604551d250006082b06010505070301", "2.5.29.37.0 1.3.6.1.5.5.7.3.1"},
		{"eku", "3000", "error"},
		{"eku", "30020500", "error"},

		{"ski", "0402abcd", "abcd"},
		{"ski", "0402abcd00", "error"},

		{"aki", "3000", "  "},
		{"aki", "30048002abcd", "abcd  "},
		{"aki", "3009a104820268328201" + "05", ` dNSName="h2" 05`},
		{"aki", "3006a10082020005", "error"},

		{"aia", "301a301806082b06010505073002860c687474703a2f2f782e792f7a", `1.3.6.1.5.5.7.48.2 uniformResourceIdentifier="http://x.y/z"`},
		{"aia", "3000", "error"},

		{"san", "30048202" + "6131", `dNSName="a1"`},
		{"san", "3006870401020304", "iPAddress=1.2.3.4 true"},
		{"san", "30058703010203", "iPAddress=invalid IP false"},
		{"san", "3010a40e" + aName, "directoryName=CN=a <nil>"},
		{"san", "3004810240" + "00", `rfc822Name="@\x00"`},
		{"san", "30028800", `registeredID=""`},
		{"san", "3002a000", `otherName=""`},
		{"san", "3002a200", "error"}, // a constructed host
		{"san", "30028900", "error"}, // there is no tag 9
		{"san", "3000", "error"},
		{"san", "3002820161", "error"},

		{"nc", "3008a00630048202" + "6131", `+dNSName="a1" false `},
		{"nc", "300ba0093007820261318001" + "00", `+dNSName="a1" false `},
		{"nc", "300ba0093007820261318001" + "01", `+dNSName="a1" true `},
		{"nc", "300ba1093007820261318101" + "05", `-dNSName="a1" true `},
		{"nc", "3010a00630048202" + "6131" + "a10630048202" + "6231", `+dNSName="a1" false -dNSName="b1" false `},
		{"nc", "3000", "error"},
		{"nc", "3002a000", "error"},
		{"nc", "3010a10630048202" + "6131" + "a00630048202" + "6231", "error"}, // out of order

		{"policies", "300630040602" + "5505", "2.5.5;"},
		{"policies", "3013301106025505300b300906025506" + "1603616263", "2.5.5 2.5.6=1603616263;"},
		{"policies", "3000", "error"},
		{"policies", "30023000", "error"},

		{"mappings", "300a3008060255050602" + "5506", "2.5.5>2.5.6;"},
		{"mappings", "300630040602" + "5505", "error"},
		{"mappings", "3000", "error"},

		{"pc", "3003800100", "0 none"},
		{"pc", "3006800100810105", "0 5"},
		{"pc", "3003810105", "none 5"},
		{"pc", "3000", "error"},
		{"pc", "30038001ff", "error"},

		{"iap", "020100", "0"},
		{"iap", "0201ff", "error"},
		{"iap", "02010000", "error"},

		{"cdp", "300c300aa008a00686" + "04687474" + "70", `uniformResourceIdentifier="http" 1fe ;`},
		{"cdp", "3010300ea008a00686" + "04687474" + "7081020" + "640", `uniformResourceIdentifier="http" 2 ;`},
		{"cdp", "30083006a2048202" + "6131", `none 1fe dNSName="a1";`},
		{"cdp", "30103" + "00ea00ca10a300806035504030c0162", "CN=a, CN=b <nil> 1fe ;"},
		{"cdp", "30063004810206" + "40", "error"}, // reasons alone
		{"cdp", "3000", "error"},
		{"cdp", "30043002a000", "error"},

		{"idp", "3000", "none user=false ca=false attribute=false 1fe some=false indirect=false"},
		{"idp", "30068101ff8401ff", "none user=true ca=false attribute=false 1fe some=false indirect=true"},
		{"idp", "30078201ff8302" + "0640", "none user=false ca=true attribute=false 2 some=true indirect=false"},
		{"idp", "30038501ff", "none user=false ca=false attribute=true 1fe some=false indirect=false"},
		{"idp", "3009a007a005860368" + "7474", `uniformResourceIdentifier="htt" user=false ca=false attribute=false 1fe some=false indirect=false`},
		{"idp", "30068401ff8101ff", "error"}, // out of order
		{"idp", "3003810101", "error"},
	} {
		value, err := hex.DecodeString(tc.value)
		if err != nil {
			t.Fatalf("%s %s: %v", tc.kind, tc.value, err)
		}
		got, err := readers[tc.kind](value)
		if err != nil {
			got = "error"
		}
		if got != tc.want {
			t.Errorf("%s %s: %s, want %s (%v)", tc.kind, tc.value, got, tc.want, err)
		}
	}
}

// TestMaxNames: the largest number of names is read, and one more refused.
func TestMaxNames(t *testing.T) {
	sequence := func(content []byte) []byte {
		n := len(content)
		return append([]byte{0x30, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}, content...)
	}
	for _, tc := range []struct {
		n  int
		ok bool
	}{{cert.MaxNames, true}, {cert.MaxNames + 1, false}} {
		// Each name has eight octets, so that the length has three.
		_, err := cert.ParseGeneralNames(sequence([]byte(strings.Repeat("\x82\x06abcdef", tc.n))))
		if (err == nil) != tc.ok {
			t.Errorf("%d names: %v", tc.n, err)
		}
	}
}
