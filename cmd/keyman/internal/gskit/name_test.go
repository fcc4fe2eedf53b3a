package gskit

import "testing"

func TestStateWord(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "",
		"CN=a,O=IBM,S=TN,C=US":         "CN=a,O=IBM,ST=TN,C=US",
		"S=TN":                         "ST=TN",
		"CN=a, s = TN":                 "CN=a, ST = TN",
		"/C=US/S=TN/CN=a":              "/C=US/ST=TN/CN=a",
		"CN=a+S=TN":                    "CN=a+ST=TN",
		`CN="a,S=b",C=US`:              `CN="a,S=b",C=US`,
		`CN=a\,S=b,S=TN`:               `CN=a\,S=b,ST=TN`,
		"SN=1,ST=TN,CN=S":              "SN=1,ST=TN,CN=S",
		"CN=Gr\u00f6\u00dfe S=b, S=\\": "CN=Gr\u00f6\u00dfe S=b, ST=\\",
	} {
		if got := stateWord(in); got != want {
			t.Errorf("stateWord(%q) is %q, want %q", in, got, want)
		}
	}
}
