package interop

import (
	"os"

	"keyman/keystore/format"
	"keyman/keystore/pkcs12"
)

// keytool is that of Java 17. It knows files by their key store; of PEM and
// PKCS#7 it reads certificates.
func keytool() peer {
	return peer{
		name: "keytool", look: keytoolLook, make: keytoolMake,
		labels: in("pkcs12", "jks", "jceks"), trust: in("pkcs12", "jks", "jceks"),
	}
}

// java calls keytool, which starts twice as fast with these flags.
func java(args ...string) ([]byte, error) {
	return run("keytool", append([]string{
		"-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-J-Duser.language=en", "-J-Dfile.encoding=UTF-8",
	}, args...)...)
}

// importAll has keytool read a whole key store and write another one.
func importAll(from, fromType, to, toType string) error {
	_, err := java("-importkeystore", "-noprompt", "-srckeystore", from, "-srcstoretype", fromType, "-srcstorepass", password,
		"-destkeystore", to, "-deststoretype", toType, "-deststorepass", password)
	return err
}

func keytoolLook(f fileFormat, path string) (sight, error) {
	var found sight
	switch f.name {
	case "pem", "folder of PEM files", "pkcs7":
		_, rest, err := keyAndRest(f, path)
		if err != nil {
			return found, err
		}
		for _, name := range rest {
			out, err := java("-printcert", "-rfc", "-file", name)
			if err != nil {
				return found, err
			}
			if err := found.add(blocks(out), nil); err != nil {
				return found, err
			}
		}
		return found, nil
	case "cms", "pkcs8", "pkcs8 encrypted", "traditional", "openssh":
		_, err := java("-list", "-keystore", path, "-storepass", password)
		return found, err
	}
	// What keytool has read and decrypted it writes anew, for OpenSSL to show.
	p12 := path + ".by-keytool.p12"
	if err := importAll(path, f.name, p12, "PKCS12"); err != nil {
		return found, err
	}
	found, err := opensslLook(fileFormat{name: "pkcs12"}, p12)
	if err != nil {
		return found, err
	}
	// OpenSSL does not open secret keys.
	content, err := pkcs12.Format{}.Decode(mustRead(p12), []byte(password))
	if err != nil {
		return found, err
	}
	for _, item := range content.Items {
		if item.Kind == format.SecretKey {
			found.secrets = append(found.secrets, seen{der: item.Key, label: item.Label})
		}
	}
	return found, nil
}

func keytoolMake(f fileFormat, s subject, path string) (subject, error) {
	switch f.name {
	case "pkcs12", "jks", "jceks":
	case "pem":
		// The only PEM that it writes.
		if s.keyFile != "" {
			return s, errWithout
		}
		out, err := java("-printcert", "-rfc", "-file", s.certFile)
		if err != nil {
			return s, err
		}
		return s, os.WriteFile(path, out, 0o600)
	default:
		// Java asks its providers for a type of that name.
		p12 := path + ".by-openssl.p12"
		if err := opensslPKCS12(s, p12, s.label); err != nil {
			return s, err
		}
		return s, importAll(p12, "PKCS12", path, f.name)
	}
	switch {
	case s.trusted:
		_, err := java("-importcert", "-noprompt", "-alias", s.label, "-file", s.certFile,
			"-keystore", path, "-storetype", f.name, "-storepass", password)
		return s, err
	case s.certFile == "" && s.keyFile == "":
		// A JCEKS file with the key, by way of keyman and read by keytool.
		jceks := path + ".jceks"
		for _, own := range fileFormats() {
			if own.name == "jceks" {
				if err := own.write(jceks, s); err != nil {
					return s, err
				}
			}
		}
		return s, importAll(jceks, "jceks", path, f.name)
	default:
		p12 := path + ".by-openssl.p12"
		if err := opensslPKCS12(s, p12, s.label); err != nil {
			return s, err
		}
		return s, importAll(p12, "PKCS12", path, f.name)
	}
}
