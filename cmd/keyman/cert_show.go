package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"keyman/keystore"
)

// certShown is the JSON of "keyman cert show".
type certShown struct {
	Label   string        `json:"label"`
	Kind    keystore.Kind `json:"kind"`
	Default bool          `json:"default"`
	Trusted bool          `json:"trusted"`
	certInfo
	Chain []string `json:"chain"` // subjects above the certificate
}

// fileCert is the JSON of a certificate that "keyman cert show --file" prints, of
// which it prints a list.
type fileCert struct {
	File   string `json:"file"`
	Number int    `json:"number"` // in the file, from 1
	certInfo
	Error string `json:"error,omitempty"` // why it is no certificate
}

func newCertShowCommand(a *app) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "show {LABEL | --file FILE}",
		Short: "Show a certificate in words",
		Long: `Show a certificate of the key database, or all those of a file (PEM, DER or
PKCS#7), in words: every extension, the fingerprints, and how much of its validity
has passed. A certificate that keyman cannot use is shown, too, with the reason.`,
		Example: `  keyman cert show gw1
  keyman cert show --file chain.pem`,
		Args: cobra.MaximumNArgs(1),
	}
	flags := addKeydbFlags(cmd)
	cmd.Flags().StringVar(&file, "file", "", "show the certificates of this `file`")
	cmd.ValidArgsFunction = a.completeLabels(flags, keystore.Personal, keystore.Signer)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if (len(args) == 1) == (file != "") {
			return usagef("give either a label or --file")
		}
		if file != "" {
			return a.showFile(file)
		}
		if err := notFileForLabel(args[0], flags); err != nil {
			return err
		}
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		entry, err := findShown(store, args[0])
		if err != nil {
			return err
		}
		return a.showEntry(entry)
	}
	return cmd
}

// showEntry shows the certificate of an entry.
func (a *app) showEntry(entry keystore.Entry) error {
	if len(entry.Chain) == 0 {
		_, err := entry.Leaf() // says what it has instead
		return err
	}
	info, err := newCertInfo(entry.Chain[0], time.Now())
	if err != nil {
		return fmt.Errorf("%q: %w", entry.Label, err)
	}
	shown := certShown{
		Label: entry.Label, Kind: entry.Kind, Default: entry.Default, Trusted: entry.Trusted,
		certInfo: info, Chain: []string{},
	}
	for _, der := range entry.Chain[1:] {
		shown.Chain = append(shown.Chain, subjectOf(der))
	}
	return a.print(shown, func(w io.Writer) {
		mark := ""
		if entry.Default {
			mark += ", default"
		}
		if entry.Trusted {
			mark += ", trusted"
		}
		fmt.Fprintf(w, "%s (%v%s)\n\n", printable(entry.Label), entry.Kind, mark)
		shown.write(w)
		if len(shown.Chain) > 0 {
			fmt.Fprintln(w, "\nissued below:")
		}
		for _, subject := range shown.Chain {
			writeWrapped(w, "  ", printable(subject))
		}
	})
}

// showFile shows the certificates of a file. One that cannot be read does not hide
// the others.
func (a *app) showFile(path string) error {
	list, err := readCertificateFile(path)
	if err != nil {
		return err
	}
	now := time.Now()
	shown, unread := make([]fileCert, len(list)), 0
	for i, der := range list {
		shown[i] = fileCert{File: path, Number: i + 1}
		if shown[i].certInfo, err = newCertInfo(der, now); err != nil {
			shown[i].Error = err.Error()
			unread++
		}
	}
	err = a.print(shown, func(w io.Writer) {
		for i, c := range shown {
			if i > 0 {
				fmt.Fprintln(w)
			}
			fmt.Fprintf(w, "%s, certificate %d of %d\n\n", printable(path), c.Number, len(shown))
			if c.Error != "" {
				writeWrapped(w, "", printable(c.Error))
				continue
			}
			c.write(w)
		}
	})
	if err == nil && unread > 0 {
		err = fmt.Errorf("%s: %d of %d certificates cannot be read", path, unread, len(list))
	}
	return err
}

// findEntry looks an entry up by its label.
func findEntry(store *keystore.Store, label string) (keystore.Entry, error) {
	entry, ok := store.Lookup(label)
	if !ok {
		return entry, &keystore.EntryError{Label: label, Err: keystore.ErrNotFound}
	}
	return entry, nil
}

// findShown finds the entry that is to be shown. Who names a file that is there
// has left out --file.
func findShown(store *keystore.Store, label string) (keystore.Entry, error) {
	entry, err := findEntry(store, label)
	if _, statErr := os.Stat(label); err != nil && statErr == nil {
		err = withHint(err, "a file has that name: --file "+label+" shows it")
	}
	return entry, err
}
