package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"keyman/csr"
	"keyman/keystore"
	"keyman/keystore/pkcs11"
)

// newTokenCommand is "keyman token".
func newTokenCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Keys on PKCS#11 tokens: smart cards, HSMs",
		Long: `A token keeps private keys and signs with them; the keys never leave it. keyman
speaks with it by the PKCS#11 module of its maker, a shared library, in programs
that were built for it (make build-pkcs11).

A token is named by its label, or by a URI (RFC 7512) such as
"pkcs11:token=vpn?module-path=/usr/lib/softhsm/libsofthsm2.so". A tunnel uses the
key of a token where its certificate is such a URI with object=LABEL. The PIN comes
from --pin-file, --pin-env, the URI's pin-source (a file), or a prompt.`,
	}
	cmd.AddCommand(newTokenListCommand(a), newTokenShowCommand(a), newTokenGenerateCommand(a), newTokenRequestCommand(a),
		newTokenAddCommand(a), newTokenImportCommand(a), newTokenDeleteCommand(a))
	return cmd
}

func newTokenListCommand(a *app) *cobra.Command {
	var module string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the tokens of a module",
		Example: `  keyman token list --module /usr/lib/softhsm/libsofthsm2.so`,
		Args:    cobra.NoArgs,
	}
	addModuleFlag(cmd, &module)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		list, err := pkcs11.Tokens(cmd.Context(), moduleOf(module, pkcs11.URI{}))
		if err != nil {
			return err
		}
		rows := []pkcs11.Info{}
		for _, info := range list {
			if info.Initialized {
				rows = append(rows, info)
			}
		}
		return a.print(rows, func(w io.Writer) {
			if len(rows) == 0 {
				fmt.Fprintln(w, "no tokens")
				return
			}
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "LABEL\tMODEL\tSERIAL\tPIN")
			for _, i := range rows {
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", printable(i.Label), printable(i.Model), printable(i.Serial), pinState(i))
			}
			t.Flush()
		})
	}
	return cmd
}

// pinState says in words how a token stands with its PIN.
func pinState(i pkcs11.Info) string {
	switch {
	case i.PINLocked:
		return "locked"
	case i.PINFinal:
		return "one try left"
	case i.PINLow:
		return "wrong ones were given"
	case !i.NeedsPIN:
		return "not needed"
	default:
		return "needed"
	}
}

// tokenEntry is an entry of a token as it is printed.
type tokenEntry struct {
	Label   string        `json:"label"`
	ID      string        `json:"id,omitempty"` // hexadecimal
	Kind    keystore.Kind `json:"kind"`
	Key     string        `json:"key,omitempty"`
	Subject string        `json:"subject,omitempty"`
	URI     string        `json:"uri"`
	Out     string        `json:"out,omitempty"`

	shared bool // its label is not enough to name it
}

func newTokenEntry(token *pkcs11.Token, u pkcs11.URI, e pkcs11.Entry) tokenEntry {
	u.Token, u.Object, u.ID, u.PINSource = token.Info().Label, e.Label, nil, ""
	if e.Shared {
		u.ID = e.ID
	}
	t := tokenEntry{Label: e.Label, ID: hex.EncodeToString(e.ID), Kind: e.Kind, URI: u.String(), shared: e.Shared}
	if e.Public != nil {
		t.Key = csr.KeyName(e.Public)
	}
	if len(e.Chain) > 0 {
		t.Subject = subjectOf(e.Chain[0])
	}
	return t
}

// kind says in the words of tokens what an entry is.
func (t tokenEntry) kind() string {
	switch t.Kind {
	case keystore.Personal:
		return "key, certificate"
	case keystore.Request:
		return "key"
	default:
		return "certificate"
	}
}

func newTokenShowCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "List the keys and certificates of a token",
		Example: `  keyman token show --token vpn --module /usr/lib/softhsm/libsofthsm2.so
  keyman --json token show --token "pkcs11:token=vpn?pin-source=/etc/keyman.pin"`,
		Args: cobra.NoArgs,
	}
	flags := addTokenFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.onToken(cmd.Context(), flags, "", func(token *pkcs11.Token, u pkcs11.URI) error {
			entries, err := token.Entries()
			if err != nil {
				return err
			}
			rows := []tokenEntry{}
			for _, e := range entries {
				rows = append(rows, newTokenEntry(token, u, e))
			}
			return a.print(rows, func(w io.Writer) {
				if len(rows) == 0 {
					fmt.Fprintln(w, "nothing is on the token")
					return
				}
				writeTokenEntries(w, rows)
			})
		})
	}
	return cmd
}

// writeTokenEntries prints entries as a table. Where a label is not enough to name one
// that is said, with what is.
func writeTokenEntries(w io.Writer, rows []tokenEntry) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "LABEL\tWHAT\tKEY\tSUBJECT")
	shared := false
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", printable(r.Label), r.kind(), r.Key, printable(r.Subject))
		shared = shared || r.shared
	}
	t.Flush()
	if !shared {
		return
	}
	fmt.Fprintln(w, "\nmore than one has its label; these name them:")
	for _, r := range rows {
		if r.shared {
			fmt.Fprintf(w, "  %s\n", printable(r.URI))
		}
	}
}
