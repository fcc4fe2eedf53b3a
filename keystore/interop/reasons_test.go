package interop

// What goes by the names of subjects, formats and peers.
var (
	withKey   = []string{"rsa", "p256", "p384", "p521", "ed25519", "brainpool", "ed448", "rsa-pss", "dsa", "negative-serial", "chain", "request"}
	javas     = []string{"jks", "jceks"}
	keyFiles  = []string{"pkcs8", "pkcs8 encrypted", "traditional"}
	pemFiles  = []string{"pem", "folder of PEM files"}
	everybody []string // nobody is named
)

// reasons are why something is not possible; the first that fits counts. One
// that names no subjects is tried with one of them.
var reasons = []because{
	{"i", "Only IBM's programs know this format.", []string{"cms"}, nil, everybody, ""},
	{"j", "Only Java's programs know this format.", javas, nil, []string{"openssl", "certtool", "pki", "ssh-keygen"}, ""},
	{"h", "Only OpenSSH's programs write this form, and keyman does not.", []string{"openssh"}, nil, []string{"openssl", "keytool", "certtool", "pki"}, ""},
	{"k", "keytool has keys in key stores alone.", keyFiles, nil, []string{"keytool"}, ""},
	{"k", "keytool has keys in key stores alone.", pemFiles, withKey, []string{"keytool"}, ""},
	{"w", "It writes no file of this format.", []string{"pkcs12", "pkcs8 encrypted"}, nil, []string{"pki"}, fromPeer},
	{"w", "It writes no file of this format.", []string{"pkcs7", "folder of PEM files"}, nil, []string{"keytool"}, fromPeer},
	{"w", "It writes no file of this format.", []string{"pkcs12", "pkcs7", "pem", "folder of PEM files"}, nil, []string{"ssh-keygen"}, fromPeer},

	{"s", "It does not open secret keys, and writes none.", []string{"pkcs12"}, []string{"secret key"}, []string{"openssl", "certtool", "pki"}, ""},
	{"t", "It has no option for Java's mark of trust (OpenSSL: from version 3.2 on).", []string{"pkcs12", "pem"}, []string{"trusted"}, []string{"openssl"}, fromPeer},
	{"c", "Java's key stores hold a certificate alone only where it is trusted.", []string{"pkcs12", "jks", "jceks"}, []string{"untrusted"}, []string{"keytool"}, ""},
	{"c", "keytool copies no key without a certificate.", []string{"pkcs12"}, []string{"request"}, []string{"keytool"}, ""},

	{"f", "It reads the first block of a PEM file alone, which is the key.", []string{"pem"},
		[]string{"rsa", "p256", "p384", "p521", "ed25519", "brainpool", "ed448", "rsa-pss", "negative-serial", "chain"}, []string{"pki"}, toPeer},
	{"b", "It does not know this kind of key.", []string{"pkcs12", "pem", "folder of PEM files", "pkcs8", "pkcs8 encrypted", "traditional"}, []string{"brainpool"}, []string{"certtool"}, ""},
	{"b", "It does not know this kind of key.", everybody, []string{"dsa"}, []string{"pki"}, toPeer},
	{"g", "It makes no such key, and takes none from elsewhere.", []string{"pem", "folder of PEM files", "pkcs8", "traditional"}, []string{"brainpool", "rsa-pss", "dsa", "negative-serial"}, []string{"pki"}, fromPeer},
	{"g", "It makes no such key, and takes none from elsewhere.", everybody, []string{"brainpool", "ed448", "rsa-pss", "dsa", "negative-serial"}, []string{"ssh-keygen"}, fromPeer},
	{"r", "It signs PKCS#7 with RSA alone, and adds the signer's certificate alone.", []string{"pkcs7"},
		[]string{"p256", "p384", "p521", "ed25519", "brainpool", "ed448", "dsa", "negative-serial", "chain", "trusted", "untrusted"}, []string{"pki"}, fromPeer},
	{"d", "It writes keys of this kind in the other of the two forms.", []string{"pkcs8"}, []string{"rsa", "p256", "p384", "p521"}, []string{"pki"}, fromPeer},
	{"d", "It writes keys of this kind in the other of the two forms.", []string{"traditional"}, []string{"ed25519", "ed448"}, []string{"pki"}, fromPeer},
	{"n", "Keys of this kind have no traditional form.", []string{"traditional"}, []string{"ed25519", "ed448", "rsa-pss"}, everybody, toPeer},
	{"n", "Keys of this kind have no traditional form.", []string{"traditional"}, []string{"ed25519", "ed448", "rsa-pss"}, []string{"openssl"}, fromPeer},
	{"o", "keyman reads DSA's traditional form, and does not write it.", []string{"traditional"}, []string{"dsa"}, everybody, toPeer},
	{"u", "Ed448's public key cannot be computed here, and nothing else says which certificate belongs to the key: they are two entries.", pemFiles, []string{"ed448"}, []string{"certtool", "pki"}, fromPeer},
	{"u", "Ed448's public key cannot be computed here, and nothing else says which certificate belongs to the key: they are two entries.", []string{"folder of PEM files"}, []string{"ed448"}, []string{"openssl"}, fromPeer},
}
