package oids

// others are what stands inside extensions: policies and their qualifiers, access
// methods, forms of otherName, statements of qualified certificates, and
// attributes of a person.
var others = map[string]string{
	"2.5.29.32.0": "anyPolicy", // RFC 5280, 4.2.1.4

	// Policies of the CA/Browser Forum and of ETSI EN 319 411.
	"2.23.140.1.1":     "extended validation",
	"2.23.140.1.2.1":   "domain validated",
	"2.23.140.1.2.2":   "organization validated",
	"2.23.140.1.2.3":   "individual validated",
	"0.4.0.2042.1.1":   "ETSI NCP",
	"0.4.0.2042.1.2":   "ETSI NCP+",
	"0.4.0.2042.1.3":   "ETSI LCP",
	"0.4.0.194112.1.0": "ETSI QCP-n",
	"0.4.0.194112.1.1": "ETSI QCP-l",
	"0.4.0.194112.1.2": "ETSI QCP-n-qscd",
	"0.4.0.194112.1.3": "ETSI QCP-l-qscd",
	"0.4.0.194112.1.4": "ETSI QCP-w",

	// Access methods (RFC 5280, 4.2.2).
	"1.3.6.1.5.5.7.48.1":  "OCSP",
	"1.3.6.1.5.5.7.48.2":  "CA issuers",
	"1.3.6.1.5.5.7.48.3":  "time stamping",
	"1.3.6.1.5.5.7.48.5":  "CA repository",
	"1.3.6.1.5.5.7.48.10": "RPKI manifest",
	"1.3.6.1.5.5.7.48.11": "signed object",

	// Forms of otherName.
	"1.3.6.1.4.1.311.20.2.3": "UPN",
	"1.3.6.1.4.1.311.25.1":   "NTDS replication",
	"1.3.6.1.5.2.2":          "Kerberos principal",   // RFC 4556, 3.2.2
	"1.3.6.1.5.5.7.8.5":      "XMPP address",         // RFC 6120, 13.7.1.4
	"1.3.6.1.5.5.7.8.7":      "SRV name",             // RFC 4985, 2
	"1.3.6.1.5.5.7.8.9":      "e-mail address",       // RFC 9598, 3
	"1.3.6.1.5.5.7.8.3":      "permanent identifier", // RFC 4043, 2
	"1.3.6.1.5.5.7.8.4":      "hardware module name", // RFC 4108, 5

	// Statements of qualified certificates (RFC 3739, 3.2.6; ETSI EN 319 412-5).
	"1.3.6.1.5.5.7.11.1": "PKIX QC syntax v1",
	"1.3.6.1.5.5.7.11.2": "PKIX QC syntax v2",
	"0.4.0.1862.1.1":     "EU qualified certificate",
	"0.4.0.1862.1.2":     "limit of the value of transactions",
	"0.4.0.1862.1.3":     "years for which records are kept",
	"0.4.0.1862.1.4":     "key in a qualified device",
	"0.4.0.1862.1.5":     "disclosure statements",
	"0.4.0.1862.1.6":     "type of certificate",
	"0.4.0.1862.1.7":     "legislation of the country",
	"0.4.0.1862.1.6.1":   "electronic signatures",
	"0.4.0.1862.1.6.2":   "electronic seals",
	"0.4.0.1862.1.6.3":   "web authentication",

	// Attributes of a person (RFC 3739, 3.3.2).
	"1.3.6.1.5.5.7.9.1": "date of birth",
	"1.3.6.1.5.5.7.9.2": "place of birth",
	"1.3.6.1.5.5.7.9.3": "gender",
	"1.3.6.1.5.5.7.9.4": "country of citizenship",
	"1.3.6.1.5.5.7.9.5": "country of residence",
}

// Name returns the name of what stands inside an extension, or "".
func Name(dotted string) string { return others[dotted] }

// NameAndDigits returns the name with the digits behind it, or the digits alone.
func NameAndDigits(dotted string) string {
	if name := others[dotted]; name != "" {
		return name + " (" + dotted + ")"
	}
	return dotted
}
