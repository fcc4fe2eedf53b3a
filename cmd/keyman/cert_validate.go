package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"keyman/crl"
	"keyman/crl/certpath"
)

type certValidateFlags struct {
	crlCheckFlags

	policies                                         []string
	explicitPolicy, inhibitMapping, inhibitAnyPolicy bool
	purpose, name                                    string
	grace, maxAge                                    time.Duration
}

func newCertValidateCommand(a *app) *cobra.Command {
	var f certValidateFlags
	cmd := &cobra.Command{
		Use:   "validate LEAF",
		Short: "Validate a certificate by RFC 5280: its path, policies, purpose, name and revocation",
		Long: `Validate a certificate by RFC 5280, 6: the path to a trusted CA, with name
constraints and certificate policies, and each certificate below the anchor in
revocation lists: complete, delta and indirect ones. The file, PEM, DER or PKCS#7,
may hold those of the CAs above the certificate, in any order; - is standard input.
Trusted are the certificates of --trust, self-signed or not, or else the trusted ones
of the key database.

Exit codes: 0 valid, 1 not valid, 2 usage, 3 it could not be told.`,
		Example: `  keyman cert validate gw1.pem --trust ca.pem --purpose ike --name gw1.example.com
  keyman cert validate gw1.pem --trust ca.pem --crl lab.crl --grace 12h --json`,
		Args: cobra.ExactArgs(1),
	}
	f.add(cmd)
	cmd.Flags().StringArrayVar(&f.policies, "policy", nil, "this certificate policy will do, an `OID`; again for more (default any); --explicit-policy demands one")
	cmd.Flags().BoolVar(&f.explicitPolicy, "explicit-policy", false, "the path must be valid for a policy")
	cmd.Flags().BoolVar(&f.inhibitMapping, "inhibit-mapping", false, "no policy is taken for another one")
	cmd.Flags().BoolVar(&f.inhibitAnyPolicy, "inhibit-any", false, "anyPolicy is not taken for any policy")
	cmd.Flags().StringVar(&f.purpose, "purpose", "any", "what the certificate is for: any, ike, server or client")
	cmd.Flags().StringVar(&f.name, "name", "", "whom it must stand for: a host, an IP address, a mailbox, a URI or a distinguished name (`ID`)")
	cmd.Flags().DurationVar(&f.grace, "grace", 0, "a list counts so long after its next update, such as 12h")
	cmd.Flags().DurationVar(&f.maxAge, "max-age", 0, "no list older than this counts, such as 24h")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.certValidate(cmd.Context(), f, args[0])
	}
	return cmd
}

func (a *app) certValidate(ctx context.Context, f certValidateFlags, file string) error {
	demanded, err := f.demands()
	if err != nil {
		return err
	}
	checker, policy, lists, err := a.newCheck(ctx, f.crlCheckFlags)
	if err != nil {
		return err
	}
	policy.Grace, policy.MaxAge, policy.Purpose, policy.Identity = f.grace, f.maxAge, demanded.Purpose, demanded.Identity
	policy.Policies, policy.ExplicitPolicy = demanded.Policies, f.explicitPolicy
	policy.InhibitMapping, policy.InhibitAnyPolicy = f.inhibitMapping, f.inhibitAnyPolicy
	between, err := a.certificatesOfAll(f.intermediate)
	if err != nil {
		return err
	}
	chain, err := a.chainOf(file)
	if err != nil {
		return err
	}
	v := checker.Check(ctx, append(chain, between...), policy)
	if err := a.print(checkShown{file, v}, func(w io.Writer) { writeValidation(w, file, v) }); err != nil {
		return err
	}
	a.warnOfIdle(lists, v)
	switch v.Status {
	case crl.StatusGood:
		return nil
	case crl.StatusRevoked, crl.StatusInvalid:
		return answerNo{fmt.Sprintf("%s is not valid: %v", file, v.Err())}
	default:
		return fmt.Errorf("it could not be told whether %s is valid: %w", file, v.Err())
	}
}

// demands reads the flags that have a form of their own.
func (f certValidateFlags) demands() (crl.Policy, error) {
	var p crl.Policy
	for _, text := range f.policies {
		oid, err := certpath.ParseOID(text)
		if err != nil {
			return p, usagef("--policy %q: %w", text, err)
		}
		p.Policies = append(p.Policies, oid)
	}
	if err := p.Purpose.UnmarshalText([]byte(f.purpose)); err != nil {
		return p, usagef("--purpose: %w", err)
	}
	if f.given("name") { // an empty one is none, and must not pass for any
		var err error
		if p.Identity, err = certpath.ParseIdentity(f.name); err != nil {
			return p, usagef("--name: %w", err)
		}
	}
	if f.grace < 0 || f.given("max-age") && f.maxAge <= 0 {
		return p, usagef("--grace is not negative, and --max-age more than nothing, such as 24h")
	}
	return p, nil
}

// writeValidation writes a verdict with its path.
func writeValidation(w io.Writer, file string, v crl.Verdict) {
	writeVerdict(w, file, v)
	for _, c := range v.Path {
		writeWrapped(w, "  path     ", printable(c))
	}
	for _, p := range v.Policies {
		fmt.Fprintf(w, "  %-8s %s\n", "policy", p)
	}
}
