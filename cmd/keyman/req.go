package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"keyman/certinfo"
	"keyman/csr"
	"keyman/internal/atomicfile"
	"keyman/internal/cells"
	"keyman/internal/cert"
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
	Label string `json:"label,omitempty"`
	certinfo.RequestInfo
	PEM   string `json:"pem,omitempty"`
	Out   string `json:"out,omitempty"`   // where --out has written
	Error string `json:"error,omitempty"` // in a list: why the request cannot be read
}

// showRequest reads a request, DER or PEM, and tells what it asks for. A wrong
// signature is an error; one that cannot be checked is told.
func showRequest(label string, data []byte) (shownRequest, error) {
	der, err := csr.DER(data)
	if err != nil {
		return shownRequest{}, err
	}
	info, err := certinfo.DescribeRequest(der)
	if err != nil {
		return shownRequest{}, err
	}
	if errors.Is(info.SignatureError, cert.ErrSignature) {
		return shownRequest{}, fmt.Errorf("certificate request: its signature does not verify: %w", info.SignatureError)
	}
	return shownRequest{Label: label, RequestInfo: info, PEM: string(certpem.Encode(csr.PEMType, der))}, nil
}

// write shows a request to people.
func (r shownRequest) write(w io.Writer) {
	if r.Label != "" {
		fmt.Fprintf(w, "%s (request)\n\n", printable(r.Label))
	}
	r.Write(w, styleOf(w))
	if r.Out != "" {
		fmt.Fprintf(w, "\nwritten to %s\n", printable(r.Out))
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
	var wide bool
	addWideFlag(cmd, &wide)
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
					row = shownRequest{Label: entry.Label, Error: err.Error()}
				}
				row.PEM = ""
			}
			rows = append(rows, row)
		}
		return a.print(rows, func(w io.Writer) {
			t := table{columns: []column{{title: "LABEL", shorten: cells.CutMiddle}, {title: "KEY"}, {title: "SUBJECT", shorten: cells.Cut}}, wide: wide}
			for _, r := range rows {
				if r.Error != "" {
					t.add(r.Label, "?", r.Error)
					continue
				}
				t.rows = append(t.rows, []cell{{text: r.Label}, {text: r.Key}, subjectCell(r.Subject)})
			}
			t.write(w)
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
