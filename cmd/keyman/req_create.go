package main

import (
	"context"
	"crypto"
	"crypto/rsa"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"keyman/csr"
	"keyman/internal/certpem"
	"keyman/keystore"
)

// requestOrder is what "keyman req create" is told.
type requestOrder struct {
	label, out         string
	fromCert, recreate string
	key                keystore.KeySpec
	template           *templateFlags
	challenge          *challengeFlags
	keydb              *keydbFlags
}

// newReqCreateCommand is "keyman req create".
func newReqCreateCommand(a *app) *cobra.Command {
	var o requestOrder
	cmd := &cobra.Command{
		Use:   "create --label LABEL {--subject DN | --san KIND:NAME | --from-cert LABEL} | --recreate LABEL",
		Short: "Make a key and a certificate request for it",
		Long: `Make a key and a certificate request for it.

With --from-cert it asks for what a certificate of the key database has: subject,
names of every kind, usages and constraints; --subject, --san and the other flags
say otherwise, and --ike=false takes the usages of IKE away. With --recreate the
request of a key that waits is made anew, with other names or the same; its
challenge password stays. What is not taken over is told.

A challenge password is what some CAs ask for when the certificate is to be
revoked. It stands in the request in clear.`,
		Example: `  keyman req create --label gw1 --subject "C=CH, O=Example, CN=gw1" \
    --san dns:gw1.example.org --san ip:192.0.2.1 --ike --out gw1.csr
  keyman req create --label web --subject CN=web --key-usage digitalSignature,keyEncipherment \
    --ext-key-usage serverAuth --challenge-password-file challenge.pw`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&o.label, "label", "", "`label` of the new key in the key database")
	o.template = addTemplateFlags(cmd)
	cmd.Flags().StringVar(&o.fromCert, "from-cert", "", "ask for what the certificate with this `label` has")
	cmd.Flags().StringVar(&o.recreate, "recreate", "", "make the request with this `label` anew, for the key that it has")
	cmd.Flags().Var(&o.key, "key", "`kind` of key: rsa-BITS, p256, p384, p521, ed25519")
	completeKeys(cmd)
	o.challenge = addChallengeFlags(cmd)
	cmd.Flags().StringVar(&o.out, "out", "", "write the request to this `file` (PEM)")
	cmd.MarkFlagsOneRequired("label", "recreate")
	cmd.MarkFlagsOneRequired("subject", "san", "from-cert", "recreate")
	for _, flag := range []string{"label", "from-cert", "key"} {
		cmd.MarkFlagsMutuallyExclusive("recreate", flag)
	}
	o.keydb = addKeydbFlags(cmd)
	_ = cmd.RegisterFlagCompletionFunc("from-cert", a.completeLabels(o.keydb, keystore.Personal, keystore.Signer))
	_ = cmd.RegisterFlagCompletionFunc("recreate", a.completeLabels(o.keydb, keystore.Request))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.createRequest(cmd.Context(), &o) }
	return cmd
}

// createRequest makes a request, or makes one anew.
func (a *app) createRequest(ctx context.Context, o *requestOrder) error {
	from := o.fromCert + o.recreate // one of them at most
	if err := o.template.read(from == ""); err != nil {
		return err
	}
	if err := oneStdin(o.keydb.password, o.challenge.password); err != nil {
		return err
	}
	challenge, err := a.challenge(o.challenge)
	if err != nil {
		return err
	}
	store, err := a.openKeydb(ctx, o.keydb)
	if err != nil {
		return err
	}
	template := o.template.given
	if from != "" {
		source, left, err := templateOf(store, from)
		if err != nil && template.Validate() != nil {
			return err
		}
		template = o.template.over(source)
		a.warnLeft(from, left)
	}
	if challenge != nil {
		template.Challenge = challenge
	}
	if template.Challenge != nil {
		a.warnf("the challenge password stands in the request in clear: whoever sees the request can read it")
	}
	label, signer, err := o.signer(store)
	if err != nil {
		return err
	}
	a.warnIKEKey(template, signer)
	der, err := csr.Create(template, signer)
	if err != nil {
		return err
	}
	if o.recreate != "" {
		err = store.SetRequest(label, der)
	} else {
		err = store.AddRequest(label, signer, der)
	}
	if err != nil {
		return err
	}
	return a.saveRequest(ctx, store, label, der, o.out)
}

// signer returns the key of a request, and its label: a new key, or that of the
// request which is made anew.
func (o *requestOrder) signer(store *keystore.Store) (string, crypto.Signer, error) {
	if o.recreate != "" {
		entry, err := findEntry(store, o.recreate)
		if err != nil {
			return "", nil, err
		}
		signer, err := entry.Signer()
		return entry.Label, signer, err
	}
	// A label that is taken shows before a key is made.
	if err := store.CheckLabel(o.label); err != nil {
		return "", nil, err
	}
	signer, err := keystore.GenerateKey(o.key)
	return o.label, signer, err
}

// warnIKEKey warns of a key for IKE with which keyman itself can have no tunnels.
func (a *app) warnIKEKey(t csr.Template, signer crypto.Signer) {
	if _, isRSA := signer.Public().(*rsa.PublicKey); t.ForIKE() && !isRSA {
		a.warnf("keyman's IKEv1 engine signs with RSA keys only: this %s key is for other programs", csr.KeyName(signer.Public()))
	}
}

// warnLeft tells what of a certificate or a request is not asked for again.
func (a *app) warnLeft(label string, left []string) {
	if len(left) > 0 {
		a.warnf("%q has what the new request does not ask for: %s", label, printable(strings.Join(left, ", ")))
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

// templateOf returns what the certificate or the request of an entry asks for,
// and what of it is left out.
func templateOf(store *keystore.Store, label string) (t csr.Template, left []string, err error) {
	entry, err := findEntry(store, label)
	if err != nil {
		return t, nil, err
	}
	if entry.Kind != keystore.Request {
		if len(entry.Chain) == 0 {
			_, err := entry.Leaf() // says what it has instead
			return t, nil, err
		}
		if t, left, err = csr.FromCertificate(entry.Chain[0]); err != nil {
			return t, nil, fmt.Errorf("%q: %w", entry.Label, err)
		}
		return t, left, nil
	}
	if entry.Request == nil {
		return t, nil, withHint(fmt.Errorf("%q: only the key is in %s, the request is not", entry.Label, store.Path()),
			"say what it asks for, with --subject and --san")
	}
	request, err := csr.Parse(entry.Request)
	if err != nil {
		return t, nil, fmt.Errorf("%q: %w", entry.Label, err)
	}
	t, left = csr.FromRequest(request)
	return t, left, nil
}

// challengeFlags say where the challenge password of a request comes from.
type challengeFlags struct {
	password *passwordFlags
	ask      bool
}

// addChallengeFlags adds --challenge-password-file and -env, and --ask-challenge.
func addChallengeFlags(cmd *cobra.Command) *challengeFlags {
	f := &challengeFlags{password: addPasswordFlags(cmd, "challenge-", "a challenge password")}
	cmd.Flags().BoolVar(&f.ask, "ask-challenge", false, "ask for a challenge password on the terminal")
	cmd.MarkFlagsMutuallyExclusive("ask-challenge", "challenge-password-file", "challenge-password-env")
	return f
}

// challenge gets the challenge password of a request; nil where none is wanted.
func (a *app) challenge(f *challengeFlags) (csr.Challenge, error) {
	if !f.ask && f.password.file == "" && f.password.env == "" {
		return nil, nil
	}
	password, err := a.password(f.password, "revoking the certificate", true)
	if err != nil {
		return nil, err
	}
	challenge := csr.Challenge(password)
	if challenge == nil {
		challenge = csr.Challenge{}
	}
	if err := challenge.Validate(); err != nil {
		return nil, usageError{err}
	}
	return challenge, nil
}
