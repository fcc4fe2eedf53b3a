package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"keyman/certinfo"
	"keyman/keystore"
)

// comparedField is one property of two certificates.
type comparedField struct {
	Name string `json:"name"`
	Same bool   `json:"same"`
	A    string `json:"a"`
	B    string `json:"b"`
}

// comparison is the JSON of "keyman cert compare".
type comparison struct {
	Same   bool            `json:"same"` // byte for byte
	Fields []comparedField `json:"fields"`
}

func newCertCompareCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "compare A B",
		Short: "Tell what two certificates have in common, and what not",
		Long: `Compare two certificates property by property. Each is a PEM or DER file with one
certificate, or a label; a file that is there comes before a label. The exit code
is 0 where they are the same certificate, 1 where they differ.`,
		Example: `  keyman cert compare gw1 gw1.pem
  keyman cert compare old.pem new.pem`,
		Args: cobra.ExactArgs(2),
	}
	flags := addKeydbFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var (
			store *keystore.Store
			ders  [2][]byte
		)
		for i, arg := range args {
			_, err := os.Stat(arg)
			if err == nil {
				if ders[i], err = oneCertificate(arg); err != nil {
					return err
				}
				continue
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if err := notFileForLabel(arg, flags); store == nil && err != nil {
				return err
			}
			if store == nil {
				if store, err = a.openKeydb(cmd.Context(), flags); err != nil {
					return err
				}
			}
			entry, err := findEntry(store, arg)
			if err != nil {
				return withHint(err, "nor is there a file of that name; keyman cert list shows the labels")
			}
			if _, err := entry.Summary(); err != nil {
				return err
			}
			ders[i] = entry.Chain[0]
		}
		result, err := compareCertificates(ders[0], ders[1])
		if err != nil {
			return err
		}
		if err := a.print(result, result.write); err != nil || result.Same {
			return err
		}
		return answerNo{"the certificates differ"}
	}
	return cmd
}

// oneCertificate reads a file with one certificate.
func oneCertificate(path string) ([]byte, error) {
	list, err := readCertificateFile(path)
	if err != nil {
		return nil, err
	}
	if len(list) != 1 {
		return nil, fmt.Errorf("%s holds %d certificates, and one is compared", path, len(list))
	}
	return list[0], nil
}

// compareCertificates compares two certificates by what "cert show" says of
// them.
func compareCertificates(a, b []byte) (comparison, error) {
	now := time.Now()
	infoA, err := newCertInfo(a, now)
	if err != nil {
		return comparison{}, err
	}
	infoB, err := newCertInfo(b, now)
	if err != nil {
		return comparison{}, err
	}
	result := comparison{Same: bytes.Equal(a, b)}
	fieldsA, fieldsB := infoA.compared(), infoB.compared()
	for i, field := range fieldsA {
		result.add(field.name, field.value, fieldsB[i].value)
	}
	for _, name := range extensionNames(infoA.Extensions, infoB.Extensions) {
		result.add(name, extensionText(infoA.Extensions, name), extensionText(infoB.Extensions, name))
	}
	return result, nil
}

// add adds a property that one of the two has.
func (c *comparison) add(name, a, b string) {
	if a != "" || b != "" {
		c.Fields = append(c.Fields, comparedField{name, a == b, a, b})
	}
}

// namedValue is a property of a certificate in words.
type namedValue struct{ name, value string }

// compared lists the properties by which certificates are compared, beside their
// extensions.
func (i certInfo) compared() []namedValue {
	return []namedValue{
		{"SHA-256", i.SHA256},
		{"subject", i.Subject},
		{"issuer", i.Issuer},
		{"serial", i.Serial},
		{"valid from", dateText(i.NotBefore)},
		{"valid until", dateText(i.NotAfter)},
		{"key", i.Key},
		{"key SHA-256", i.PublicKey},
		{"signed with", i.Signature},
	}
}

// extensionNames lists the names of the extensions of two certificates, each once.
func extensionNames(lists ...[]certinfo.Extension) []string {
	var names []string
	for _, list := range lists {
		for _, e := range list {
			if name := extensionName(e); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// extensionName names an extension.
func extensionName(e certinfo.Extension) string {
	if e.Name != "" {
		return e.Name
	}
	return e.OID
}

// extensionText writes the extension with a name in one line; "" where there is
// none.
func extensionText(list []certinfo.Extension, name string) string {
	for _, e := range list {
		if extensionName(e) != name {
			continue
		}
		var words []string
		for _, v := range e.Values {
			words = append(append(words, v.Text), v.Details...)
		}
		if e.Hex != "" || len(words) == 0 {
			words = append(words, fmt.Sprintf("%d octets %s", e.Length, e.Hex))
		}
		if e.SHA256 != "" {
			words = append(words, "SHA-256 "+e.SHA256)
		}
		if e.Critical {
			words = append(words, "critical")
		}
		return strings.Join(words, ", ")
	}
	return ""
}

// write prints a comparison: what is the same in one line, what differs in two.
func (c comparison) write(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range c.Fields {
		if f.Same {
			fmt.Fprintf(t, "=\t%s:\t%s\n", f.Name, printable(f.A))
			continue
		}
		fmt.Fprintf(t, "A\t%s:\t%s\nB\t\t%s\n", f.Name, printable(f.A), printable(f.B))
	}
	t.Flush()
}
