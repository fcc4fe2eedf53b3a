package gskit

import (
	"slices"
	"strings"
	"testing"
)

// FuzzParse reads any words as the options of every action: nothing panics, and
// the value of -pw is in no error.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"-db\nkey.kdb\n-stashed", "-db\nkey.kdb\n-label\nx", "all\n-db\nf", "-size 2048 -eku serverAuth\n-db\nf",
		"-fips\nfalse", "-expiry\n30", "-pw\n-db", "-pw\nx\nrest", "\n\n-", "-sigalg\nsha256\n-sig_alg\nsha1",
	} {
		f.Add(seed)
	}
	const secret = "Pa55w0rd-secret"
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, secret) {
			return
		}
		words := strings.Split(text, "\n")
		for _, args := range [][]string{append([]string{"-pw", secret}, words...), append(words, "-pw", secret)} {
			args = splitGlued(args)
			for _, o := range objects() {
				for _, a := range o.actions {
					c, err := parse(&session{Invocation: Invocation{Quiet: true}, warned: map[string]bool{}}, a, slices.Clone(args))
					switch {
					case err != nil && strings.Contains(err.Error(), secret):
						t.Errorf("%s %s: %v", o.name, a.name, err)
					case err == nil && len(c.given) > len(args):
						t.Errorf("%s %s: %d options of %d words", o.name, a.name, len(c.given), len(args))
					}
				}
			}
		}
	})
}
