package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"keyman/csr"
	"keyman/internal/atomicfile"
	"keyman/internal/certpem"
	"keyman/keystore"
)

// newReqCommand is "keyman req".
func newReqCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "req",
		Short: "Make and show certificate requests",
		Long: `Make a private key in the key database and a certificate request for it, list
the requests that wait for their certificates, and show a request.`,
	}
	cmd.AddCommand(newReqCreateCommand(a), newReqListCommand(a), newReqShowCommand(a))
	return cmd
}

// A shownRequest is a request as it is printed.
type shownRequest struct {
	Label   string    `json:"label,omitempty"`
	Subject string    `json:"subject"`
	SANs    []csr.SAN `json:"sans,omitempty"`
	IKE     bool      `json:"ike"`
	Key     string    `json:"key"`
	PEM     string    `json:"pem,omitempty"`
	Out     string    `json:"out,omitempty"` // where --out has written
}

// showRequest reads a request and tells what it asks for.
func showRequest(label string, data []byte) (shownRequest, error) {
	r, err := csr.Parse(data)
	if err != nil {
		return shownRequest{}, err
	}
	return shownRequest{
		Label:   label,
		Subject: r.Subject.String(),
		SANs:    r.SANs,
		IKE:     r.IKE(),
		Key:     csr.KeyName(r.PublicKey),
		PEM:     string(certpem.Encode(csr.PEMType, r.Raw)),
	}, nil
}

// write shows a request to people.
func (r shownRequest) write(w io.Writer) {
	if r.Label != "" {
		fmt.Fprintf(w, "label    %s\n", printable(r.Label))
	}
	fmt.Fprintf(w, "subject  %s\n", printable(r.Subject))
	for _, san := range r.SANs {
		fmt.Fprintf(w, "name     %s\n", printable(san.String()))
	}
	fmt.Fprintf(w, "key      %s\n", r.Key)
	if r.IKE {
		fmt.Fprintf(w, "usage    IKE\n")
	}
	if r.Out != "" {
		fmt.Fprintf(w, "written  %s\n", printable(r.Out))
	}
}

// newReqListCommand is "keyman req list".
func newReqListCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the requests that wait for their certificates",
		Example: `  keyman req list`,
		Args:    cobra.NoArgs,
	}
	flags := addKeydbFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		rows := []shownRequest{}
		for entry := range store.Entries() {
			if entry.Kind != keystore.Request {
				continue
			}
			row := shownRequest{Label: entry.Label}
			// Other programs store a key that waits without its request.
			if entry.Request != nil {
				if row, err = showRequest(entry.Label, entry.Request); err != nil {
					return fmt.Errorf("%q: %w", entry.Label, err)
				}
				row.PEM = ""
			}
			rows = append(rows, row)
		}
		return a.print(rows, func(w io.Writer) {
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			fmt.Fprintln(t, "LABEL\tKEY\tSUBJECT")
			for _, r := range rows {
				fmt.Fprintf(t, "%s\t%s\t%s\n", printable(r.Label), r.Key, printable(r.Subject))
			}
			t.Flush()
		})
	}
	return cmd
}

// newReqShowCommand is "keyman req show".
func newReqShowCommand(a *app) *cobra.Command {
	var file, out string
	cmd := &cobra.Command{
		Use:   "show {LABEL | --file FILE}",
		Short: "Show a request, or write it to a file again",
		Example: `  keyman req show gw1 --out gw1.csr
  keyman req show --file gw1.csr`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.Flags().StringVar(&file, "file", "", "show the request in this PEM or DER `file`")
	cmd.Flags().StringVar(&out, "out", "", "write the request to this `file` (PEM)")
	flags := addKeydbFlags(cmd)
	cmd.ValidArgsFunction = a.completeLabels(flags, keystore.Request)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if (len(args) == 1) == (file != "") {
			return usagef("give either a label or --file")
		}
		var shown shownRequest
		if file != "" {
			data, _, err := atomicfile.Read(file, csr.MaxRequest)
			if err != nil {
				return err
			}
			if shown, err = showRequest("", data); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		} else {
			store, err := a.openKeydb(cmd.Context(), flags)
			if err != nil {
				return err
			}
			entry, err := findEntry(store, args[0])
			if err != nil {
				return err
			}
			if entry.Kind != keystore.Request {
				return &keystore.EntryError{Label: args[0], Err: keystore.ErrKind, Detail: "it is a " + entry.Kind.String()}
			}
			if entry.Request == nil {
				return fmt.Errorf("%q: only the key is in %s, the request is not", args[0], store.Path())
			}
			if shown, err = showRequest(entry.Label, entry.Request); err != nil {
				return err
			}
		}
		if err := writePublic(out, []byte(shown.PEM)); err != nil {
			return err
		}
		shown.Out = out
		return a.print(shown, func(w io.Writer) {
			shown.write(w)
			if out == "" {
				fmt.Fprint(w, shown.PEM)
			}
		})
	}
	return cmd
}
