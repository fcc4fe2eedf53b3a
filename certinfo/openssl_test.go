package certinfo

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"keyman/internal/testpeer"
)

// openssl runs openssl in a folder and returns what it prints.
func openssl(t *testing.T, args ...string) string {
	t.Helper()
	testpeer.Need(t, "openssl")
	out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// A certificate that openssl makes today says what the one in testdata says, but
// for its key.
func TestFreshCertificate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "all.der")
	openssl(t, "req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "/dev/null", "-config", "testdata/all.cnf", "-days", "365", "-outform", "DER", "-out", file)
	fresh, kept := describeFile(t, file), describeFile(t, filepath.Join("testdata", "all.der"))
	if fresh.Key != "ed25519" || len(fresh.Extensions) != len(kept.Extensions) {
		t.Fatalf("%s, %d extensions", fresh.Key, len(fresh.Extensions))
	}
	for i, e := range fresh.Extensions {
		k := kept.Extensions[i]
		if e.Name == "subject key identifier" {
			continue
		}
		if e.OID != k.OID || e.Critical != k.Critical || !slices.EqualFunc(e.Values, k.Values, func(a, b Value) bool {
			return a.Text == b.Text && slices.Equal(a.Details, b.Details)
		}) {
			t.Errorf("%+v\nbut in testdata %+v", e, k)
		}
	}
}

func describeFile(t *testing.T, file string) Info {
	t.Helper()
	encoded, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := Describe(encoded, now)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return info
}

// opensslExtension finds the headings of extensions in openssl's text.
var opensslExtension = regexp.MustCompile(`(?m)^ {12}(\S.*): ?(?:critical)?$`)

// Whatever extension openssl has a name for has one here: of our own certificates
// and of NIST's suite.
func TestOpenSSLNamesNoMore(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testpeer.Corpora(t), "pkits", "certs", "*.crt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	// Some of the suite is enough: openssl is started for each.
	some := []string{filepath.Join("testdata", "all.der")}
	for i := 0; i < len(files); i += 20 {
		some = append(some, files[i])
	}
	for _, file := range some {
		text := openssl(t, "x509", "-inform", "DER", "-in", file, "-noout", "-text")
		_, text, _ = strings.Cut(text, "X509v3 extensions:")
		headings := opensslExtension.FindAllStringSubmatch(text, -1)
		info := describeFile(t, file)
		if len(headings) != len(info.Extensions) {
			t.Errorf("%s: openssl shows %d extensions, and not %d: %q", file, len(headings), len(info.Extensions), headings)
			continue
		}
		for i, heading := range headings {
			named := strings.Trim(heading[1], "0123456789.") != ""
			if e := info.Extensions[i]; named && e.Name == "" {
				t.Errorf("%s: %s, which openssl calls %q, has no name", file, e.OID, heading[1])
			}
		}
	}
}
