package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"keyman/keystore"
)

// refusedRoot is a certificate that "keyman cert populate" did not take.
type refusedRoot struct {
	Subject string `json:"subject"`
	Reason  string `json:"reason"`
}

// populateResult is the JSON of "keyman cert populate".
type populateResult struct {
	File    string        `json:"file"`
	Added   []certResult  `json:"added"`
	Present []certResult  `json:"present"` // there before, and left as they were
	Refused []refusedRoot `json:"refused"`
}

func newCertPopulateCommand(a *app) *cobra.Command {
	var o keystore.PopulateOptions
	cmd := &cobra.Command{
		Use:   "populate FILE...",
		Short: "Add the roots of bundles of CA certificates",
		Long: `Add the certificates of root CAs from bundles, such as the one that an operating
system keeps, each under the name of its subject. They are not trusted unless
--trusted says so: a bundle for web browsers has a hundred CAs, and a gateway that
trusts them accepts every peer that any of them vouches for. "keyman cert trust"
chooses single ones.

For each certificate it is told whether it was added, was there already, or is
refused: one that has expired, that is not the self-signed certificate of a CA, or
that cannot be used. Where all are refused the command has failed.`,
		Example: `  keyman cert populate /etc/ssl/certs/ca-certificates.crt
  keyman cert populate company-roots.pem --trusted`,
		Args: cobra.MinimumNArgs(1),
	}
	flags := addKeydbFlags(cmd)
	cmd.Flags().BoolVar(&o.Trust, "trusted", false, "trust every one of them")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var certificates [][]byte
		for _, path := range args {
			list, err := readCertificateFile(path)
			if err != nil {
				return err
			}
			certificates = append(certificates, list...)
		}
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		done, err := store.Populate(certificates, o)
		if err != nil {
			return err
		}
		if len(done.Added) > 0 {
			if err := store.Save(cmd.Context()); err != nil {
				return err
			}
		}
		result := newPopulateResult(store, done)
		if err := a.print(result, result.write); err != nil {
			return err
		}
		if len(result.Added)+len(result.Present) == 0 {
			return withHint(errors.New("there is no root CA to add"), "keyman cert add takes the certificate of any CA")
		}
		return nil
	}
	return cmd
}

func newPopulateResult(store *keystore.Store, done keystore.Populated) populateResult {
	r := populateResult{File: store.Path(), Added: certResults(done.Added), Present: certResults(done.Present), Refused: []refusedRoot{}}
	for _, refused := range done.Refused {
		subject := "(no subject)"
		if refused.Subject != nil {
			subject = nameText(refused.Subject)
		}
		r.Refused = append(r.Refused, refusedRoot{subject, refused.Err.Error()})
	}
	return r
}

// write prints a line for each certificate, and how many there are of each kind.
func (r populateResult) write(w io.Writer) {
	for _, c := range r.Added {
		fmt.Fprintf(w, "added %s (%s)\n", printable(c.Label), c.trust())
	}
	for _, c := range r.Present {
		fmt.Fprintf(w, "%s was there already (%s)\n", printable(c.Label), c.trust())
	}
	for _, c := range r.Refused {
		fmt.Fprintf(w, "refused %s: %s\n", printable(c.Subject), printable(c.Reason))
	}
	fmt.Fprintf(w, "%d added, %d there already, %d refused\n", len(r.Added), len(r.Present), len(r.Refused))
}
