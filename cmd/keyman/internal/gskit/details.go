package gskit

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"

	"keyman/csr"
	"keyman/internal/cert"
	"keyman/keystore"
)

// showCertificate prints -cert -details: what stands in the certificate, whether it
// can be used or not.
func (c *call) showCertificate(entry keystore.Entry) error {
	der := entry.Chain[0]
	crt, err := cert.ParseLoosely(der)
	if err != nil {
		return fmt.Errorf("%q: %w", entry.Label, err)
	}
	w := c.Stdout
	fmt.Fprintf(w, "Label : %s\n", quoted(entry.Label))
	writeKeySize(w, crt.RawSPKI)
	fmt.Fprintf(w, "Version : X509 V%d\n", crt.Version)
	fmt.Fprintf(w, "Serial : %x\n", crt.SerialOctets)
	fmt.Fprintf(w, "Issuer : %s\n", nameText(crt.Issuer))
	fmt.Fprintf(w, "Subject : %s\n", nameText(crt.Subject))
	// The blank lines are IBM's.
	fmt.Fprintf(w, "Not Before : %s\n\n", dateText(crt.NotBefore))
	fmt.Fprintf(w, "Not After : %s\n\n", dateText(crt.NotAfter))
	writePublicKey(w, crt.RawSPKI, crt.KeyAlgorithm.OID.String())
	sum1, sum5, sum256, pin := sha1.Sum(der), md5.Sum(der), sha256.Sum256(der), sha256.Sum256(crt.RawSPKI)
	for _, sum := range []struct {
		name   string
		octets []byte
	}{{"SHA1", sum1[:]}, {"MD5", sum5[:]}, {"SHA256", sum256[:]}} {
		fmt.Fprintf(w, "Fingerprint : %s : \n", sum.name)
		writeHex(w, sum.octets)
	}
	fmt.Fprintf(w, "Fingerprint : HPKP : \n    %s\n", base64.StdEncoding.EncodeToString(pin[:]))
	if len(crt.Extensions) > 0 {
		fmt.Fprintln(w, "Extensions")
	}
	for _, ext := range crt.Extensions {
		c.writeExtension(w, extension{ext.OID.String(), ext.Critical, ext.Value})
	}
	fmt.Fprintf(w, "Signature Algorithm : %s\nValue\n", algorithmText(signatureAlgorithms, crt.Algorithm.OID.String()))
	writeHex(w, crt.Signature)
	trust := "Disabled"
	if entry.Trusted || entry.Kind == keystore.Personal {
		trust = "Enabled"
	}
	fmt.Fprintf(w, "Trust Status : %s\n", trust)
	return nil
}

// writeKeySize writes the bits of a key, where they are known.
func writeKeySize(w io.Writer, spki []byte) {
	size := "unknown"
	if key, err := cert.ParsePublicKey(spki); err == nil && key.Bits() > 0 {
		size = fmt.Sprint(key.Bits())
	}
	fmt.Fprintf(w, "Key Size : %s\n", size)
}

func writePublicKey(w io.Writer, spki []byte, algorithm string) {
	fmt.Fprintln(w, "Public Key")
	writeHex(w, spki)
	fmt.Fprintf(w, "Public Key Type : %s\n", algorithmText(keyAlgorithms, algorithm))
}

// showRequest prints -certreq -details.
func (c *call) showRequest(entry keystore.Entry) error {
	request, err := csr.Parse(entry.Request)
	if err != nil {
		return fmt.Errorf("%q: %w", entry.Label, err)
	}
	spki, err := x509.MarshalPKIXPublicKey(request.PublicKey)
	if err != nil {
		return fmt.Errorf("%q: %w", entry.Label, err)
	}
	algorithm, signature, err := requestSignature(request.Raw)
	if err != nil {
		return fmt.Errorf("%q: %w", entry.Label, err)
	}
	w := c.Stdout
	fmt.Fprintf(w, "Label : %s\n", quoted(entry.Label))
	writeKeySize(w, spki)
	fmt.Fprintf(w, "Subject : %s\n", nameText(request.Subject))
	writePublicKey(w, spki, keyIdentifier(spki))
	// Two lines without blanks are IBM's form here.
	sum := sha1.Sum(request.Raw)
	fmt.Fprintf(w, "Fingerprint : \n%x\n%x\n", sum[:hexLine], sum[hexLine:])
	if len(request.Extensions) > 0 {
		fmt.Fprint(w, "Attributes\nExtension Reqs\nExtensions\n")
	}
	for _, ext := range request.Extensions {
		c.writeExtension(w, extension{ext.Id.String(), ext.Critical, ext.Value})
	}
	fmt.Fprintf(w, "Signature Algorithm : %s\nValue\n", algorithmText(signatureAlgorithms, algorithm))
	writeHex(w, signature)
	return nil
}
