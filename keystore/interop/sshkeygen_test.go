package interop

import (
	"golang.org/x/crypto/ssh"
)

// sshKeygen is OpenSSH's. It is here for its own form of keys, and writes the
// others as well; it makes its keys itself.
func sshKeygen() peer {
	return peer{name: "ssh-keygen", make: sshMake, labels: never, trust: never}
}

// sshKeys are the kinds of keys that ssh-keygen makes.
var sshKeys = map[string][]string{
	"rsa":  {"-t", "rsa", "-b", "2048"},
	"p256": {"-t", "ecdsa", "-b", "256"}, "p384": {"-t", "ecdsa", "-b", "384"}, "p521": {"-t", "ecdsa", "-b", "521"},
	"ed25519": {"-t", "ed25519"},
}

func sshMake(f fileFormat, s subject, path string) (subject, error) {
	how := sshKeys[s.name]
	if how == nil {
		return s, errWithout
	}
	phrase := password
	switch f.name {
	case "openssh":
	case "pkcs8 encrypted":
		how = append(how[:len(how):len(how)], "-m", "PKCS8")
	case "pkcs8":
		how, phrase = append(how[:len(how):len(how)], "-m", "PKCS8"), ""
	case "traditional":
		how = append(how[:len(how):len(how)], "-m", "PEM")
	default:
		return s, errWithout
	}
	if _, err := run("ssh-keygen", append([]string{"-q", "-N", phrase, "-f", path}, how...)...); err != nil {
		return s, err
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(mustRead(path + ".pub"))
	if err != nil {
		return s, err
	}
	made := subject{name: s.name, kind: s.kind, public: public.Marshal()}
	if key, ok := public.(ssh.CryptoPublicKey); ok {
		made.public, err = bitsOf(key.CryptoPublicKey())
	}
	return made, err
}
