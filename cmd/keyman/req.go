package main

import (
	"context"
	"crypto"
	"crypto/rsa"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"keyman/csr"
	"keyman/internal/atomicfile"
	"keyman/internal/certpem"
	"keyman/internal/dn"
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

// newReqCreateCommand is "keyman req create".
func newReqCreateCommand(a *app) *cobra.Command {
	var (
		label, subject, out string
		fromCert, recreate  string
		names               []string
		key                 keystore.KeySpec
		template            csr.Template
	)
	cmd := &cobra.Command{
		Use:   "create --label LABEL {--subject DN | --san KIND:NAME | --from-cert LABEL} | --recreate LABEL",
		Short: "Make a key and a certificate request for it",
		Long: `Make a key and a certificate request for it. With --from-cert it asks for what a
certificate of the key database has: subject, names, and use for IKE; --subject,
--san and --ike say otherwise. With --recreate make the request of a key that
waits already anew, with other names or the same.`,
		Example: `  keyman req create --label gw1 --subject "C=CH, O=Example, CN=gw1" \
    --san dns:gw1.example.org --san ip:192.0.2.1 --ike --out gw1.csr`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&label, "label", "", "`label` of the new key in the key database")
	cmd.Flags().StringVar(&subject, "subject", "", "the owner's `name`, such as \"C=CH, O=Example, CN=gw1\"")
	cmd.Flags().StringArrayVar(&names, "san", nil, "an alternative `name`: dns:..., ip:..., email:... or uri:...; again for more")
	cmd.Flags().BoolVar(&template.IKE, "ike", false, "ask for the usages of an IKE gateway (digitalSignature, ipsecIKE)")
	cmd.Flags().StringVar(&fromCert, "from-cert", "", "ask for what the certificate with this `label` has")
	cmd.Flags().StringVar(&recreate, "recreate", "", "make the request with this `label` anew, for the key that it has")
	cmd.Flags().Var(&key, "key", "`kind` of key: rsa-BITS, p256, p384, p521, ed25519")
	completeKeys(cmd)
	cmd.Flags().StringVar(&out, "out", "", "write the request to this `file` (PEM)")
	cmd.MarkFlagsOneRequired("label", "recreate")
	cmd.MarkFlagsOneRequired("subject", "san", "from-cert", "recreate")
	for _, flag := range []string{"label", "from-cert", "key"} {
		cmd.MarkFlagsMutuallyExclusive("recreate", flag)
	}
	flags := addKeydbFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		from := fromCert
		if recreate != "" {
			from = recreate
		}
		if from == "" || subject != "" || len(names) > 0 {
			if err := fillTemplate(&template, subject, names); err != nil {
				return err
			}
		}
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		if from != "" {
			source, err := templateOf(store, from)
			if err != nil && template.Validate() != nil {
				return err
			}
			fillUnsaid(cmd, &template, source)
		}
		if recreate != "" {
			return a.recreateRequest(cmd.Context(), store, recreate, template, out)
		}
		// A label that is taken shows before a key is made.
		if err := store.CheckLabel(label); err != nil {
			return err
		}
		signer, err := keystore.GenerateKey(key)
		if err != nil {
			return err
		}
		a.warnIKEKey(template, signer)
		der, err := csr.Create(template, signer)
		if err != nil {
			return err
		}
		if err := store.AddRequest(label, signer, der); err != nil {
			return err
		}
		return a.saveRequest(cmd.Context(), store, label, der, out)
	}
	return cmd
}

// recreateRequest makes the request of a key that waits anew.
func (a *app) recreateRequest(ctx context.Context, store *keystore.Store, label string, t csr.Template, out string) error {
	entry, err := findEntry(store, label)
	if err != nil {
		return err
	}
	signer, err := entry.Signer()
	if err != nil {
		return err
	}
	a.warnIKEKey(t, signer)
	der, err := csr.Create(t, signer)
	if err != nil {
		return err
	}
	if err := store.SetRequest(entry.Label, der); err != nil {
		return err
	}
	return a.saveRequest(ctx, store, entry.Label, der, out)
}

// warnIKEKey warns of a key for IKE with which keyman itself can have no tunnels.
func (a *app) warnIKEKey(t csr.Template, signer crypto.Signer) {
	if _, isRSA := signer.Public().(*rsa.PublicKey); t.IKE && !isRSA {
		a.warnf("keyman's IKEv1 engine signs with RSA keys only: this %s key is for other programs", csr.KeyName(signer.Public()))
	}
}

// saveRequest saves a store after a new request, writes the request to a file
// where one is named, and prints it.
func (a *app) saveRequest(ctx context.Context, store *keystore.Store, label string, der []byte, out string) error {
	if err := store.Save(ctx); err != nil {
		return err
	}
	if err := writePublic(out, certpem.Encode(csr.PEMType, der)); err != nil {
		return withHint(fmt.Errorf("the request is in the key database, but: %w", err), "keyman req show writes it again")
	}
	shown, err := showRequest(label, der)
	if err != nil {
		return err
	}
	shown.Out = out
	return a.print(shown, shown.write)
}

// templateOf returns what the certificate or the request of an entry asks for.
func templateOf(store *keystore.Store, label string) (csr.Template, error) {
	entry, err := findEntry(store, label)
	if err != nil {
		return csr.Template{}, err
	}
	if entry.Kind == keystore.Request {
		if entry.Request == nil {
			return csr.Template{}, withHint(fmt.Errorf("%q: only the key is in %s, the request is not", entry.Label, store.Path()),
				"say what it asks for, with --subject and --san")
		}
		request, err := csr.Parse(entry.Request)
		if err != nil {
			return csr.Template{}, fmt.Errorf("%q: %w", entry.Label, err)
		}
		return csr.Template{Subject: request.Subject, SANs: request.SANs, IKE: request.IKE()}, nil
	}
	leaf, err := entry.Leaf()
	if err != nil {
		return csr.Template{}, err
	}
	name, err := dn.FromDER(leaf.RawSubject)
	if err != nil {
		return csr.Template{}, fmt.Errorf("%q: subject: %w", entry.Label, err)
	}
	ike := slices.ContainsFunc(leaf.UnknownExtKeyUsage, csr.OIDIPsecIKE().Equal)
	return csr.Template{Subject: name, SANs: csr.SANs(leaf), IKE: ike}, nil
}

// fillUnsaid takes over what the command line does not say.
func fillUnsaid(cmd *cobra.Command, t *csr.Template, source csr.Template) {
	if !cmd.Flags().Changed("subject") {
		t.Subject = source.Subject
	}
	if !cmd.Flags().Changed("san") {
		t.SANs = source.SANs
	}
	if !cmd.Flags().Changed("ike") {
		t.IKE = source.IKE
	}
}

// fillTemplate reads the names of a request. What is wrong with them is a wrong
// command line.
func fillTemplate(t *csr.Template, subject string, names []string) error {
	if subject != "" {
		var err error
		if t.Subject, err = dn.Parse(subject); err != nil {
			return usagef("--subject: %w", err)
		}
	}
	for _, text := range names {
		san, err := csr.ParseSAN(text)
		if err != nil {
			return usagef("--san: %w", err)
		}
		t.SANs = append(t.SANs, san)
	}
	if err := t.Validate(); err != nil {
		return usageError{err}
	}
	return nil
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
