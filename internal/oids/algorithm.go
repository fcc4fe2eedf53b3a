package oids

// keyTypes are the names of key types and curves: those of RFC 3279, RFC 4055,
// RFC 5480, RFC 5639, RFC 8410 and FIPS 204.
var keyTypes = map[string]string{
	"1.2.840.113549.1.1.1":    "rsa",
	"1.2.840.113549.1.1.7":    "rsa-oaep",
	"1.2.840.113549.1.1.10":   "rsa-pss",
	"1.2.840.10040.4.1":       "dsa",
	"1.2.840.10046.2.1":       "dh",
	"1.2.840.10045.3.1.1":     "p192",
	"1.2.840.10045.3.1.7":     "p256",
	"1.3.132.0.33":            "p224",
	"1.3.132.0.34":            "p384",
	"1.3.132.0.35":            "p521",
	"1.3.132.0.10":            "secp256k1",
	"1.3.36.3.3.2.8.1.1.3":    "brainpoolP192r1",
	"1.3.36.3.3.2.8.1.1.5":    "brainpoolP224r1",
	"1.3.36.3.3.2.8.1.1.7":    "brainpoolP256r1",
	"1.3.36.3.3.2.8.1.1.9":    "brainpoolP320r1",
	"1.3.36.3.3.2.8.1.1.11":   "brainpoolP384r1",
	"1.3.36.3.3.2.8.1.1.13":   "brainpoolP512r1",
	"1.3.101.110":             "x25519",
	"1.3.101.111":             "x448",
	"1.3.101.112":             "ed25519",
	"1.3.101.113":             "ed448",
	"2.16.840.1.101.3.4.3.17": "ml-dsa-44",
	"2.16.840.1.101.3.4.3.18": "ml-dsa-65",
	"2.16.840.1.101.3.4.3.19": "ml-dsa-87",
}

// KeyType returns the name of a key type or a curve, or "".
func KeyType(dotted string) string { return keyTypes[dotted] }

// signatures are the names of signature algorithms that keyman shows and does not
// check (RFC 3279, RFC 8410, FIPS 204, RFC 9688).
var signatures = map[string]string{
	"1.2.840.113549.1.1.2":    "MD2-RSA",
	"1.2.840.113549.1.1.3":    "MD4-RSA",
	"1.2.840.113549.1.1.10":   "RSAPSS",
	"1.2.840.10045.4.3.9":     "SHA3-224-ECDSA",
	"1.2.840.10045.4.3.10":    "SHA3-256-ECDSA",
	"1.2.840.10045.4.3.11":    "SHA3-384-ECDSA",
	"1.2.840.10045.4.3.12":    "SHA3-512-ECDSA",
	"1.2.156.10197.1.501":     "SM3-SM2",
	"1.3.101.113":             "Ed448",
	"2.16.840.1.101.3.4.3.3":  "SHA384-DSA",
	"2.16.840.1.101.3.4.3.4":  "SHA512-DSA",
	"2.16.840.1.101.3.4.3.17": "ML-DSA-44",
	"2.16.840.1.101.3.4.3.18": "ML-DSA-65",
	"2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}

// SignatureName returns the name of a signature algorithm, or its digits.
func SignatureName(dotted string) string {
	if name := signatures[dotted]; name != "" {
		return name
	}
	return dotted
}
