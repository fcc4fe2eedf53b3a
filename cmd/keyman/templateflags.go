package main

import (
	"crypto/x509"
	"encoding/asn1"
	"strings"

	"github.com/spf13/cobra"

	"keyman/csr"
	"keyman/internal/dn"
)

// templateFlags say what a request asks for, or what a self-signed certificate
// holds.
type templateFlags struct {
	cmd         *cobra.Command
	subject     string
	names       []string
	ike, ca     bool
	keyUsage    string
	extKeyUsage []string
	pathLength  int

	given csr.Template // what they say, once they are read
}

// addTemplateFlags adds the flags.
func addTemplateFlags(cmd *cobra.Command) *templateFlags {
	f := &templateFlags{cmd: cmd}
	cmd.Flags().StringVar(&f.subject, "subject", "", "the owner's `name`, such as \"C=CH, O=Example, CN=gw1\"")
	cmd.Flags().StringArrayVar(&f.names, "san", nil, "an alternative `name`: dns:..., ip:..., email:... or uri:...; again for more")
	cmd.Flags().BoolVar(&f.ike, "ike", false, "the usages of an IKE gateway: digitalSignature and ipsecIKE, beside others that are said")
	cmd.Flags().StringVar(&f.keyUsage, "key-usage", "", "key usages, `words` with commas: digitalSignature, keyEncipherment, ...")
	cmd.Flags().StringArrayVar(&f.extKeyUsage, "ext-key-usage", nil, "extended key usages, `words` or dotted identifiers with commas: serverAuth, clientAuth, ...")
	cmd.Flags().BoolVar(&f.ca, "ca", false, "the certificate of a CA; it signs certificates and lists unless --key-usage says otherwise")
	cmd.Flags().IntVar(&f.pathLength, "path-length", 0, "how many CAs may stand below this one, a `number` (default: any)")
	return f
}

// read reads the flags, before a password is asked for. What is wrong with them
// is a wrong command line; whole demands that they suffice for a template.
func (f *templateFlags) read(whole bool) error {
	var (
		t   csr.Template
		err error
	)
	if f.subject != "" {
		if t.Subject, err = dn.Parse(f.subject); err != nil {
			return usagef("--subject: %w", err)
		}
		if err := t.Subject.Validate(); err != nil {
			return usageError{err}
		}
	}
	for _, text := range f.names {
		san, err := csr.ParseSAN(text)
		if err != nil {
			return usagef("--san: %w", err)
		}
		t.SANs = append(t.SANs, san)
	}
	t.IKE = f.ike
	if t.KeyUsage, err = f.readKeyUsage(); err != nil {
		return err
	}
	if t.ExtKeyUsage, err = f.readExtKeyUsage(); err != nil {
		return err
	}
	if t.BasicConstraints, err = f.readConstraints(); err != nil {
		return err
	}
	f.given = t
	if !whole {
		return nil
	}
	if err := t.Validate(); err != nil {
		return usageError{err}
	}
	return nil
}

func (f *templateFlags) readKeyUsage() (x509.KeyUsage, error) {
	if f.keyUsage == "" {
		return 0, nil
	}
	usage, err := csr.ParseKeyUsage(f.keyUsage)
	if err != nil {
		return 0, usagef("--key-usage: %w", err)
	}
	return usage, nil
}

func (f *templateFlags) readExtKeyUsage() ([]asn1.ObjectIdentifier, error) {
	if len(f.extKeyUsage) == 0 || len(f.extKeyUsage) == 1 && f.extKeyUsage[0] == "" {
		return nil, nil
	}
	list, err := csr.ParseExtKeyUsage(strings.Join(f.extKeyUsage, ","))
	if err != nil {
		return nil, usagef("--ext-key-usage: %w", err)
	}
	return list, nil
}

func (f *templateFlags) readConstraints() (*csr.BasicConstraints, error) {
	bounded := f.cmd.Flags().Changed("path-length")
	if !f.ca {
		if bounded {
			return nil, usagef("--path-length is for the certificate of a CA: add --ca")
		}
		return nil, nil
	}
	c := &csr.BasicConstraints{CA: true}
	if bounded {
		c.PathLen = &f.pathLength
	}
	return c, nil
}

// over returns what the flags say, and of source what they do not speak of.
func (f *templateFlags) over(source csr.Template) csr.Template {
	t := source
	changed := f.cmd.Flags().Changed
	if changed("subject") {
		t.Subject = f.given.Subject
	}
	if changed("san") {
		t.SANs, t.OtherNames = f.given.SANs, nil
	}
	if changed("ike") {
		t.IKE = f.given.IKE
	}
	if changed("key-usage") {
		t.KeyUsage = f.given.KeyUsage
	}
	if changed("ext-key-usage") {
		t.ExtKeyUsage = f.given.ExtKeyUsage
	}
	if changed("ca") {
		t.BasicConstraints = f.given.BasicConstraints
	}
	return t
}
