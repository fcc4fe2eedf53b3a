package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"keyman/crl"
)

type crlCheckFlags struct {
	trust, intermediate, lists []string
	revocation, proxy, time    string
	allowWeak, noCache         bool
	keydb                      *keydbFlags
	given                      func(flag string) bool
}

func newCRLCheckCommand(a *app) *cobra.Command {
	var f crlCheckFlags
	cmd := &cobra.Command{
		Use:   "check CERT...",
		Short: "Check certificates: their path, and whether they are revoked",
		Long: `Check certificates: the path to a trusted CA, and each certificate below it in
its issuer's revocation list. A list that was fetched before is used until it is
due, unless --no-cache is given. A file may hold the certificate and, behind it,
those of the CAs between, in PEM, DER or PKCS#7; - is standard input. Trusted are
the CAs of --trust, or else the trusted ones of the key database.

Exit codes: 0 all are good, 1 one is revoked or not valid, 2 usage, 3 it could
not be found out, or a file could not be read.`,
		Example: `  keyman crl check gw1.pem --trust ca.pem`,
		Args:    cobra.MinimumNArgs(1),
	}
	f.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.crlCheck(cmd.Context(), f, args)
	}
	return cmd
}

// add adds the flags that "crl check" and "cert validate" share.
func (f *crlCheckFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.trust, "trust", nil, "trust the CA certificates in this `file`; again for more")
	cmd.Flags().StringArrayVar(&f.intermediate, "intermediate", nil, "use the CA certificates in this `file` for paths; again for more")
	cmd.Flags().StringArrayVar(&f.lists, "crl", nil, "look into the revocation list in this `file` before fetching; again for more")
	cmd.Flags().StringVar(&f.revocation, "revocation", "", "`policy`: strict, ifuri, relaxed or off (default: as keyman crl config says)")
	cmd.Flags().StringVar(&f.time, "time", "", "check for this instant, an RFC 3339 `time` such as 2026-01-02T15:04:05Z (default now)")
	cmd.Flags().BoolVar(&f.allowWeak, "allow-weak", false, "accept signatures with SHA-1, and RSA and DSA keys of 1024 to 2047 bits")
	cmd.Flags().BoolVar(&f.noCache, "no-cache", false, "fetch all revocation lists anew, and keep none")
	addProxyFlag(cmd, &f.proxy)
	f.keydb = addKeydbFlags(cmd)
	cmd.MarkFlagsMutuallyExclusive("trust", "keydb")
	f.given = cmd.Flags().Changed
}

// timeGiven reports whether there is a --time, be it empty: a script whose variable is
// not set has not asked for now.
func (f *crlCheckFlags) timeGiven() bool { return f.given("time") }

// checkShown is the JSON of "keyman crl check", one value for a certificate.
type checkShown struct {
	File string `json:"file"`
	crl.Verdict
}

func (a *app) crlCheck(ctx context.Context, f crlCheckFlags, files []string) error {
	checker, policy, lists, err := a.newCheck(ctx, f)
	if err != nil {
		return err
	}
	between, err := a.certificatesOfAll(f.intermediate)
	if err != nil {
		return err
	}
	var (
		no, unknown []string
		unread      []error
	)
	for _, file := range files {
		// One that cannot be read does not hide what the others are.
		chain, err := a.chainOf(file)
		if err != nil {
			unread = append(unread, err)
			continue
		}
		v := checker.Check(ctx, append(chain, between...), policy)
		switch v.Status {
		case crl.StatusGood:
		case crl.StatusRevoked, crl.StatusInvalid:
			no = append(no, fmt.Sprintf("%s is %s", file, v.Status))
		default:
			unknown = append(unknown, file)
		}
		if err := a.print(checkShown{file, v}, func(w io.Writer) { writeVerdict(w, file, v) }); err != nil {
			return err
		}
		a.warnOfIdle(lists, v)
	}
	var failed error
	switch {
	case len(no) > 0:
		failed = answerNo{strings.Join(no, ", ")}
	case len(unknown) > 0:
		failed = fmt.Errorf("it could not be found out whether %s can be accepted", strings.Join(unknown, ", "))
	}
	return errors.Join(append([]error{failed}, unread...)...)
}

// warnOfIdle tells which of the lists at hand had no part in a verdict that could
// not be found: the wrong file, perhaps.
func (a *app) warnOfIdle(lists []*crl.List, v crl.Verdict) {
	if v.Status != crl.StatusUndetermined || a.json {
		return
	}
	for _, l := range lists {
		if !slices.ContainsFunc(v.Reasons, func(r crl.Reason) bool { return r.CRL == l.Source }) {
			a.warnf("%s says nothing about it: it is a list of %s", printable(l.Source), printable(l.Issuer.String()))
		}
	}
}

// newCheck makes the checker and the policy that the flags describe, and reads the
// lists at hand.
func (a *app) newCheck(ctx context.Context, f crlCheckFlags) (checker *crl.Checker, policy crl.Policy, lists []*crl.List, err error) {
	s, err := a.crlSettings(f.proxy)
	if err != nil {
		return nil, policy, nil, err
	}
	if f.revocation != "" {
		if err := s.Revocation.UnmarshalText([]byte(f.revocation)); err != nil {
			return nil, policy, nil, usagef("--revocation: %w", err)
		}
	}
	s.AllowWeak = s.AllowWeak || f.allowWeak
	anchors, err := a.anchors(ctx, f)
	if err != nil {
		return nil, policy, nil, err
	}
	policy = s.Policy(anchors)
	if f.timeGiven() {
		if policy.Time, err = time.Parse(time.RFC3339, f.time); err != nil {
			return nil, policy, nil, usagef("--time %q is no RFC 3339 time, such as 2026-01-02T15:04:05Z", f.time)
		}
	}
	for _, file := range f.lists {
		l, err := a.listOf(file, crl.Limits{MaxBytes: s.MaxSize})
		if err != nil {
			return nil, policy, nil, err
		}
		lists = append(lists, l)
	}
	config, err := s.CheckerConfig()
	if err != nil {
		return nil, policy, nil, err
	}
	config.Lists = lists
	if !f.noCache {
		if config.Disk, err = a.crlCache(); err != nil {
			return nil, policy, nil, err
		}
		config.DiskError = func(err error) { a.warnf("%v", err) }
	}
	checker, err = crl.NewChecker(config)
	return checker, policy, lists, err
}

// anchors returns the trusted certificates of --trust, or of the key database.
func (a *app) anchors(ctx context.Context, f crlCheckFlags) ([][]byte, error) {
	if len(f.trust) > 0 {
		return a.certificatesOfAll(f.trust)
	}
	store, err := a.openKeydb(ctx, f.keydb)
	if err != nil {
		return nil, withHint(err, "--trust FILE names the trusted certificates without a key database")
	}
	if anchors := store.Anchors(); len(anchors) > 0 {
		return anchors, nil
	}
	return nil, withHint(fmt.Errorf("%s trusts no CA", store.Path()), "keyman cert add makes it trust one")
}

// writeVerdict writes a verdict, a line for each reason.
func writeVerdict(w io.Writer, file string, v crl.Verdict) {
	fmt.Fprintf(w, "%s: %s\n", file, v.Status)
	writeReasons(w, v.Reasons)
	if !v.NextUpdate.IsZero() {
		fmt.Fprintf(w, "  %-8s the first list is due %s\n", "next", v.NextUpdate.Format("2006-01-02 15:04:05 UTC"))
	}
}

// directoryHint says what to do where no LDAP server is configured.
func directoryHint(err error) error {
	if errors.Is(err, crl.ErrNoDirectory) {
		return withHint(err, "keyman crl config set ldap_server=HOST names one")
	}
	return err
}
