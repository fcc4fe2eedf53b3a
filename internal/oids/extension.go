package oids

// Extensions that more than one room speaks of (RFC 5280, 4.2, and the private
// ones that are seen in the wild).
const (
	SubjectDirectoryAttributes = "2.5.29.9"
	SubjectKeyIdentifier       = "2.5.29.14"
	KeyUsage                   = "2.5.29.15"
	PrivateKeyUsagePeriod      = "2.5.29.16"
	SubjectAltName             = "2.5.29.17"
	IssuerAltName              = "2.5.29.18"
	BasicConstraints           = "2.5.29.19"
	NameConstraints            = "2.5.29.30"
	CRLDistributionPoints      = "2.5.29.31"
	CertificatePolicies        = "2.5.29.32"
	PolicyMappings             = "2.5.29.33"
	AuthorityKeyIdentifier     = "2.5.29.35"
	PolicyConstraints          = "2.5.29.36"
	ExtKeyUsage                = "2.5.29.37"
	FreshestCRL                = "2.5.29.46"
	InhibitAnyPolicy           = "2.5.29.54"
	NoRevocationAvailable      = "2.5.29.56" // RFC 9608, 2
	AuthorityInfoAccess        = "1.3.6.1.5.5.7.1.1"
	QCStatements               = "1.3.6.1.5.5.7.1.3"    // RFC 3739, 3.2.6
	SubjectInfoAccess          = "1.3.6.1.5.5.7.1.11"   //
	TLSFeature                 = "1.3.6.1.5.5.7.1.24"   // RFC 7633
	OCSPNoCheck                = "1.3.6.1.5.5.7.48.1.5" // RFC 6960, 4.2.2.2.1
	SCTList                    = "1.3.6.1.4.1.11129.2.4.2"
	CTPoison                   = "1.3.6.1.4.1.11129.2.4.3" // RFC 6962, 3.1
	MSTemplateName             = "1.3.6.1.4.1.311.20.2"
	MSCAVersion                = "1.3.6.1.4.1.311.21.1"
	MSPreviousCAHash           = "1.3.6.1.4.1.311.21.2"
	MSTemplate                 = "1.3.6.1.4.1.311.21.7"
	MSApplicationPolicies      = "1.3.6.1.4.1.311.21.10"
	MSNTDSCASecurity           = "1.3.6.1.4.1.311.25.2"
	NetscapeCertType           = "2.16.840.1.113730.1.1"
	NetscapeBaseURL            = "2.16.840.1.113730.1.2"
	NetscapeRevocationURL      = "2.16.840.1.113730.1.3"
	NetscapeCARevocationURL    = "2.16.840.1.113730.1.4"
	NetscapeRenewalURL         = "2.16.840.1.113730.1.7"
	NetscapeCAPolicyURL        = "2.16.840.1.113730.1.8"
	NetscapeSSLServerName      = "2.16.840.1.113730.1.12"
	NetscapeComment            = "2.16.840.1.113730.1.13"
	EntrustVersion             = "1.2.840.113533.7.65.0"
)

var extensions = map[string]string{
	SubjectDirectoryAttributes: "subject directory attributes",
	SubjectKeyIdentifier:       "subject key identifier",
	KeyUsage:                   "key usage",
	PrivateKeyUsagePeriod:      "private key usage period",
	SubjectAltName:             "subject alternative name",
	IssuerAltName:              "issuer alternative name",
	BasicConstraints:           "basic constraints",
	NameConstraints:            "name constraints",
	CRLDistributionPoints:      "CRL distribution points",
	CertificatePolicies:        "certificate policies",
	PolicyMappings:             "policy mappings",
	AuthorityKeyIdentifier:     "authority key identifier",
	PolicyConstraints:          "policy constraints",
	ExtKeyUsage:                "extended key usage",
	FreshestCRL:                "freshest CRL",
	InhibitAnyPolicy:           "inhibit anyPolicy",
	AuthorityInfoAccess:        "authority information access",
	QCStatements:               "qualified certificate statements",
	SubjectInfoAccess:          "subject information access",
	TLSFeature:                 "TLS feature",
	OCSPNoCheck:                "OCSP no check",
	SCTList:                    "signed certificate timestamps",
	CTPoison:                   "certificate transparency poison",
	MSTemplateName:             "Microsoft template name",
	MSCAVersion:                "Microsoft CA version",
	MSPreviousCAHash:           "Microsoft previous CA certificate hash",
	MSTemplate:                 "Microsoft certificate template",
	MSApplicationPolicies:      "Microsoft application policies",
	MSNTDSCASecurity:           "Microsoft NTDS security",
	NetscapeCertType:           "Netscape certificate type",
	NetscapeBaseURL:            "Netscape base URL",
	NetscapeRevocationURL:      "Netscape revocation URL",
	NetscapeCARevocationURL:    "Netscape CA revocation URL",
	NetscapeRenewalURL:         "Netscape renewal URL",
	NetscapeCAPolicyURL:        "Netscape CA policy URL",
	NetscapeSSLServerName:      "Netscape SSL server name",
	NetscapeComment:            "Netscape comment",
	EntrustVersion:             "Entrust version",
	NoRevocationAvailable:      "no revocation available",
	"2.5.29.1":                 "authority key identifier of old",
	"2.5.29.20":                "CRL number",
	"2.5.29.21":                "CRL reason",
	"2.5.29.23":                "hold instruction",
	"2.5.29.24":                "invalidity date",
	"2.5.29.27":                "delta CRL indicator",
	"2.5.29.28":                "issuing distribution point",
	"2.5.29.29":                "certificate issuer",
	"1.3.6.1.5.5.7.1.2":        "biometric information",     // RFC 3739, 3.2.5
	"1.3.6.1.5.5.7.1.7":        "IP address blocks",         // RFC 3779, 2
	"1.3.6.1.5.5.7.1.8":        "autonomous system numbers", // RFC 3779, 3
	"1.3.6.1.5.5.7.1.12":       "logotype",                  // RFC 3709, 4.1
	"1.3.6.1.5.5.7.1.14":       "proxy certificate information",
	"1.3.101.1.4.1":            "strong extranet ID",
}

// ExtensionName returns the name of an extension, or its digits.
func ExtensionName(dotted string) string {
	if name := extensions[dotted]; name != "" {
		return name
	}
	return dotted
}

// Attributes of requests (RFC 2985, 5.4; RFC 2986, 4.1).
const (
	ChallengePassword = "1.2.840.113549.1.9.7"
	ExtensionRequest  = "1.2.840.113549.1.9.14"
)

var attributes = map[string]string{
	"1.2.840.113549.1.9.2":   "unstructured name",
	ChallengePassword:        "challenge password",
	"1.2.840.113549.1.9.8":   "unstructured address",
	ExtensionRequest:         "extension request",
	"1.3.6.1.4.1.311.2.1.14": "Microsoft extension request",
	"1.3.6.1.4.1.311.13.2.1": "Microsoft enrolment name and value",
	"1.3.6.1.4.1.311.13.2.2": "Microsoft enrolment CSP",
	"1.3.6.1.4.1.311.13.2.3": "Microsoft OS version",
	"1.3.6.1.4.1.311.21.20":  "Microsoft request client information",
}

// AttributeName returns the name of an attribute of a request, or its digits.
func AttributeName(dotted string) string {
	if name := attributes[dotted]; name != "" {
		return name
	}
	return dotted
}
