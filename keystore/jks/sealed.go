package jks

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"

	"keyman/keystore/format"
)

// The classes of Java in which a secret key is written. The numbers are the
// versions of the classes.
const (
	classSealed       = "javax.crypto.SealedObject"
	classSealedKey    = "com.sun.crypto.provider.SealedObjectForKeyProtector"
	classSecretKey    = "javax.crypto.spec.SecretKeySpec"
	classKeyRep       = "java.security.KeyRep"
	classKeyType      = "java.security.KeyRep$Type"
	versionSealed     = 0x3E363DA6C3B75470
	versionSealedKey  = 0xCD57CA59E730BB53
	versionSecretKey  = 0x5B470B66E230614D
	versionByteArray  = 0xACF317F8060854E0
	typeString        = "Ljava/lang/String;"
	fieldParams       = "encodedParams"
	fieldContent      = "encryptedContent"
	fieldParamsAlg    = "paramsAlg"
	fieldSealAlg      = "sealAlg"
	fieldAlgorithm    = "algorithm"
	fieldKey          = "key"
	fieldEncoded      = "encoded"
	fieldFormat       = "format"
	fieldType         = "type"
	algorithmSealed   = "PBEWithMD5AndTripleDES"
	formatRaw         = "RAW"
	constantSecretKey = "SECRET"
)

// skipObject goes over the SealedObject of a secret key, of which nothing but
// its own structure tells the length.
func skipObject(in *cryptobyte.String) error {
	o, err := readObject(in)
	if err != nil {
		return err
	}
	if !o.is(classSealed) {
		return fmt.Errorf("%w: a Java object of class %q where a sealed key belongs", format.ErrUnsupported, o.class.name)
	}
	return nil
}

// readSealed reads a serialized SealedObject, or one of the class that extends
// it for key stores.
func readSealed(data []byte) (protection, error) {
	in := cryptobyte.String(data)
	o, err := readObject(&in)
	if err != nil || !in.Empty() || !o.is(classSealed) {
		return protection{}, errProtection
	}
	params, ok1 := o.fields[fieldParams].([]byte)
	content, ok2 := o.fields[fieldContent].([]byte)
	if !ok1 || !ok2 || o.fields[fieldSealAlg] != algorithmSealed {
		return protection{}, errProtection
	}
	jce, err := readJCEParameters(params)
	return protection{&jce, content}, err
}

// sealObject encrypts a serialized object, and writes the SealedObject as
// keytool does.
func sealObject(plain []byte, pw password, l limits) ([]byte, error) {
	params := newJCEParameters(l.written)
	encoded, err := params.encode()
	if err != nil {
		return nil, err
	}
	return writeSealed(encoded, sealJCE(plain, pw.ascii, params))
}

// writeSealed writes a SealedObject. The handles count what came before, each
// class, string and array: those that are referred to have their number beside
// them.
func writeSealed(params, content []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddUint32(streamHeader)
	b.AddUint8(serialObject)
	addClass(&b, classSealedKey, versionSealedKey, 0) // 0
	addEnd(&b)
	addClass(&b, classSealed, versionSealed, 4) // 1
	addField(&b, '[', fieldParams)
	addString(&b, byteArrayClass) // 2
	addField(&b, '[', fieldContent)
	addReference(&b, 2)
	addField(&b, 'L', fieldParamsAlg)
	addString(&b, typeString) // 3
	addField(&b, 'L', fieldSealAlg)
	addReference(&b, 3)
	addEnd(&b)
	b.AddUint8(serialNull) // no superclass; the object is 4
	b.AddUint8(serialArray)
	addClass(&b, byteArrayClass, versionByteArray, 0) // 5
	addEnd(&b)
	b.AddUint8(serialNull)
	addBlock(&b, params)
	b.AddUint8(serialArray)
	addReference(&b, 5)
	addBlock(&b, content)
	addString(&b, algorithmSealed)
	addString(&b, algorithmSealed)
	return b.Bytes()
}

// readSecretKey reads a serialized key: a SecretKeySpec, or the KeyRep that
// stands for keys of other classes. It reports false for anything else.
func readSecretKey(data []byte) (algorithm string, key []byte, ok bool) {
	in := cryptobyte.String(data)
	o, err := readObject(&in)
	if err != nil || !in.Empty() {
		return "", nil, false
	}
	switch o.class.name {
	case classSecretKey:
		key, ok = o.fields[fieldKey].([]byte)
	case classKeyRep:
		key, ok = o.fields[fieldEncoded].([]byte)
		ok = ok && o.fields[fieldFormat] == formatRaw && o.fields[fieldType] == enum{classKeyType, constantSecretKey}
	}
	algorithm, named := o.fields[fieldAlgorithm].(string)
	return algorithm, key, ok && named && algorithm != ""
}

// writeSecretKey writes a key as a SecretKeySpec, which Java makes of a KeyRep
// too.
func writeSecretKey(algorithm string, key []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddUint32(streamHeader)
	b.AddUint8(serialObject)
	addClass(&b, classSecretKey, versionSecretKey, 2)
	addField(&b, 'L', fieldAlgorithm)
	addString(&b, typeString)
	addField(&b, '[', fieldKey)
	addString(&b, byteArrayClass)
	addEnd(&b)
	b.AddUint8(serialNull)
	addString(&b, algorithm)
	b.AddUint8(serialArray)
	addClass(&b, byteArrayClass, versionByteArray, 0)
	addEnd(&b)
	b.AddUint8(serialNull)
	addBlock(&b, key)
	return b.Bytes()
}

// addClass begins the description of a class; its fields, addEnd and the
// description of its superclass follow.
func addClass(b *cryptobyte.Builder, name string, version uint64, fields uint16) {
	b.AddUint8(serialClass)
	addText(b, []byte(name))
	b.AddUint64(version)
	b.AddUint8(flagSerializable)
	b.AddUint16(fields)
}

func addEnd(b *cryptobyte.Builder) { b.AddUint8(serialEnd) }

// addField begins the description of a field; the name of its class follows.
func addField(b *cryptobyte.Builder, typ byte, name string) {
	b.AddUint8(typ)
	addText(b, []byte(name))
}

func addString(b *cryptobyte.Builder, text string) {
	b.AddUint8(serialString)
	addText(b, modifiedUTF8(text))
}

func addReference(b *cryptobyte.Builder, handle uint32) {
	b.AddUint8(serialReference)
	b.AddUint32(firstHandle + handle)
}
