package gskit

import (
	"fmt"
	"io"
	"strings"

	"keyman/internal/cert"
	"keyman/internal/escape"
	"keyman/internal/oids"
)

// An extension is one of a certificate or of a request.
type extension struct {
	id       string // with dots
	critical bool
	value    []byte
}

// extensionWords are IBM's words for extensions, and what writes their values.
var extensionWords = map[string]struct {
	word  string
	write func(w io.Writer, value []byte) error
}{
	oids.AuthorityKeyIdentifier: {"AuthorityKeyIdentifier", writeAuthorityKey},
	oids.SubjectKeyIdentifier:   {"SubjectKeyIdentifier", writeSubjectKey},
	oids.BasicConstraints:       {"basicConstraints", writeConstraints},
	oids.ExtKeyUsage:            {"eku", writePurposes},
	oids.CertificatePolicies:    {"certificatePolicies", writePolicies},
	oids.CRLDistributionPoints:  {"CRLDistributionPoints", writePoints},
	oids.AuthorityInfoAccess:    {"AuthorityInfoAccess", writeAccess},
	oids.SubjectAltName:         {"subjectAlternativeName", writeNames},
}

// writeExtension writes an extension in words where it is known and can be read,
// otherwise its octets. With -showOID the identifier stands behind the word.
func (c *call) writeExtension(w io.Writer, ext extension) {
	shown := ""
	if c.has("showoid") {
		shown = " (" + ext.id + ")"
	}
	if ext.id == oids.KeyUsage {
		if usage, err := cert.ParseKeyUsage(ext.value); err == nil {
			fmt.Fprintf(w, "    key usage%s: %s\n", shown, strings.Join(usage.Names(), ", "))
			writeCritical(w, ext)
			return
		}
	}
	known, ok := extensionWords[ext.id]
	var text strings.Builder
	if ok && known.write(&text, ext.value) == nil {
		fmt.Fprintf(w, "    %s%s\n%s", known.word, shown, text.String())
		writeCritical(w, ext)
		return
	}
	fmt.Fprintf(w, "     (%s)\n", ext.id)
	writeCritical(w, ext)
	fmt.Fprintln(w, "        Value")
	writeHex(w, ext.value)
}

func writeCritical(w io.Writer, ext extension) {
	if ext.critical {
		fmt.Fprintln(w, "        critical")
	}
}

func writeAuthorityKey(w io.Writer, value []byte) error {
	id, err := cert.ParseAuthorityKeyID(value)
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "      keyIdentifier:")
	writeHex(w, id.KeyID)
	fmt.Fprintln(w, "      authorityIdentifier:")
	for _, name := range id.Issuer {
		fmt.Fprintf(w, "        %s\n", generalName(name))
	}
	fmt.Fprintln(w, "      authorityCertSerialNumber:")
	writeHex(w, id.Serial)
	return nil
}

func writeSubjectKey(w io.Writer, value []byte) error {
	id, err := cert.ParseSubjectKeyID(value)
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "      keyIdentifier:")
	writeHex(w, id)
	return nil
}

func writeConstraints(w io.Writer, value []byte) error {
	constraints, err := cert.ParseBasicConstraints(value)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "        ca = %t\n", constraints.CA)
	if constraints.MaxPathLen != nil {
		fmt.Fprintf(w, "        pathLen = %d\n", *constraints.MaxPathLen)
	}
	return nil
}

func writePurposes(w io.Writer, value []byte) error {
	purposes, err := cert.ParseExtKeyUsage(value)
	if err != nil {
		return err
	}
	for _, id := range purposes {
		fmt.Fprintf(w, "        %s\n", oids.PurposeWord(id.String()))
	}
	return nil
}

func writePolicies(w io.Writer, value []byte) error {
	policies, err := cert.ParsePolicies(value)
	if err != nil {
		return err
	}
	for _, policy := range policies {
		fmt.Fprintf(w, "        %s\n", policy.ID)
	}
	return nil
}

func writePoints(w io.Writer, value []byte) error {
	points, err := cert.ParseCRLDistributionPoints(value)
	if err != nil {
		return err
	}
	for _, point := range points {
		if point.Name == nil {
			continue
		}
		fmt.Fprintln(w, "      fullname:")
		for _, name := range point.Name.Full {
			fmt.Fprintf(w, "      %s\n", generalName(name))
		}
	}
	return nil
}

// accessMethods are IBM's words for the methods of RFC 5280, 4.2.2.1.
var accessMethods = map[cert.OID]string{
	cert.OIDAccessOCSP:      "PKIX_AD_OCSP",
	cert.OIDAccessCAIssuers: "PKIX_AD_CA_Issuer",
}

func writeAccess(w io.Writer, value []byte) error {
	places, err := cert.ParseAuthorityInfoAccess(value)
	if err != nil {
		return err
	}
	for _, place := range places {
		fmt.Fprintf(w, "    %s\n      accessLocation:%s\n", strings.TrimSpace(accessMethods[place.Method]+" ("+place.Method.String()+")"), generalName(place.Location))
	}
	return nil
}

func writeNames(w io.Writer, value []byte) error {
	names, err := cert.ParseGeneralNames(value)
	if err != nil {
		return err
	}
	for _, name := range names {
		fmt.Fprintf(w, "        %s\n", generalName(name))
	}
	return nil
}

// generalName writes a name with its kind in front.
func generalName(name cert.GeneralName) string {
	switch name.Kind {
	case cert.DNSName, cert.RFC822Name:
		return name.Kind.String() + ": " + escape.Printable(name.Text())
	case cert.URIName:
		return "uniformResourceID: " + escape.Printable(name.Text())
	case cert.IPAddress:
		if address, ok := name.Address(); ok {
			return "iPAddress: " + address.String()
		}
	case cert.DirectoryName:
		if directory, err := name.Directory(); err == nil {
			return "directoryName: " + nameText(directory)
		}
	}
	return fmt.Sprintf("%s: % X", name.Kind, name.Value)
}
