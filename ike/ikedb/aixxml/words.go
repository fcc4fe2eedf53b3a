package aixxml

import (
	"strconv"
	"strings"

	"keyman/crl"
	"keyman/ike/ikedb"
	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// The words of attributes. The first of each is that of an attribute that is
// missing, where it may be.

var roles = []choice[ikedb.Role]{{"Both", ikedb.RoleBoth}, {"Initiator", ikedb.RoleInitiator}, {"Responder", ikedb.RoleResponder}}

var modes = []choice[ikedb.Mode]{{"Main", ikedb.ModeMain}, {"Aggressive", ikedb.ModeAggressive}, {"Both", ikedb.ModeBoth}}

// authMethods are methods without revocation lists: those are a flag.
var authMethods = []choice[ikedb.AuthMethod]{
	{"Preshared_key", ikedb.AuthPresharedKey}, {"RSA_signatures", ikedb.AuthRSASignature},
	{"ECDSA-256", ikedb.AuthECDSA256Signature}, {"ECDSA-384", ikedb.AuthECDSA384Signature}, {"ECDSA-521", ikedb.AuthECDSA521Signature},
}

// crlMethods are the same with revocation lists.
var crlMethods = []choice[ikedb.AuthMethod]{
	{"RSA_signatures", ikedb.AuthRSASignatureCRL},
	{"ECDSA-256", ikedb.AuthECDSA256SignatureCRL}, {"ECDSA-384", ikedb.AuthECDSA384SignatureCRL}, {"ECDSA-521", ikedb.AuthECDSA521SignatureCRL},
}

var revocations = []choice[crl.Revocation]{{"Strict", crl.Strict}, {"IfURI", crl.IfURI}, {"Relaxed", crl.Relaxed}}

var weak = []choice[bool]{{"No", false}, {"Allow", true}}

// A cipher is an encryption algorithm of phase 1.
type cipher struct {
	encryption suite.Encryption
	keyBits    int
}

var ciphers = []choice[cipher]{
	{"AES-CBC-256", cipher{suite.AES, 256}}, {"AES-CBC-192", cipher{suite.AES, 192}}, {"AES-CBC-128", cipher{suite.AES, 128}},
	{"3DES-CBC", cipher{suite.TripleDES, 0}}, {"DES-CBC", cipher{suite.DES, 0}},
}

var hashes = []choice[suite.Hash]{
	{"SHA2-256", suite.SHA256}, {"SHA2-384", suite.SHA384}, {"SHA2-512", suite.SHA512}, {"SHA", suite.SHA1}, {"MD5", suite.MD5},
}

// An espCipher is an encryption algorithm of ESP.
type espCipher struct {
	cipher  suite.Cipher
	keyBits int
}

var espCiphers = []choice[espCipher]{
	{"ESP_AES_CBC_256", espCipher{suite.ESPAESCBC, 256}}, {"ESP_AES_CBC_192", espCipher{suite.ESPAESCBC, 192}}, {"ESP_AES_CBC_128", espCipher{suite.ESPAESCBC, 128}},
	{"ESP_AES_GCM_256", espCipher{suite.ESPAESGCM16, 256}}, {"ESP_AES_GCM_192", espCipher{suite.ESPAESGCM16, 192}}, {"ESP_AES_GCM_128", espCipher{suite.ESPAESGCM16, 128}},
	{"ESP_AES_GCM12_256", espCipher{suite.ESPAESGCM12, 256}}, {"ESP_AES_GCM12_192", espCipher{suite.ESPAESGCM12, 192}}, {"ESP_AES_GCM12_128", espCipher{suite.ESPAESGCM12, 128}},
	{"ESP_AES_GCM8_256", espCipher{suite.ESPAESGCM8, 256}}, {"ESP_AES_GCM8_192", espCipher{suite.ESPAESGCM8, 192}}, {"ESP_AES_GCM8_128", espCipher{suite.ESPAESGCM8, 128}},
	{"ESP_AES_GMAC_256", espCipher{suite.ESPAESGMAC, 256}}, {"ESP_AES_GMAC_192", espCipher{suite.ESPAESGMAC, 192}}, {"ESP_AES_GMAC_128", espCipher{suite.ESPAESGMAC, 128}},
	{"ESP_3DES", espCipher{suite.ESP3DES, 0}}, {"ESP_DES", espCipher{suite.ESPDES, 0}}, {"ESP_NULL", espCipher{suite.ESPNull, 0}},
}

var integrities = []choice[suite.Integrity]{
	{"NONE", suite.IntegrityNone}, {"HMAC-SHA2-256", suite.HMACSHA256}, {"HMAC-SHA2-384", suite.HMACSHA384}, {"HMAC-SHA2-512", suite.HMACSHA512},
	{"AES_XCBC_MAC", suite.AESXCBC}, {"HMAC-SHA", suite.HMACSHA1}, {"HMAC-MD5", suite.HMACMD5},
}

var encapsulations = []choice[suite.Encapsulation]{{"Tunnel", suite.EncapTunnel}, {"Transport", suite.EncapTransport}}

// extendedNumbers are the words of IBM's attribute for sequence numbers of 64
// bits.
var extendedNumbers = []choice[bool]{{"0", false}, {"1", true}}

// A genericType is a type of endpoint at one end.
type genericType struct {
	remote bool
	typ    isakmp.IDType
}

var genericTypes = []choice[genericType]{
	{"Local_IPV4_Address", genericType{false, isakmp.IDIPv4Addr}}, {"Local_IPV6_Address", genericType{false, isakmp.IDIPv6Addr}},
	{"Local_IPV4_Subnet", genericType{false, isakmp.IDIPv4Subnet}}, {"Local_IPV6_Subnet", genericType{false, isakmp.IDIPv6Subnet}},
	{"Local_IPV4_Address_Range", genericType{false, isakmp.IDIPv4Range}}, {"Local_IPV6_Address_Range", genericType{false, isakmp.IDIPv6Range}},
	{"Remote_IPV4_Address", genericType{true, isakmp.IDIPv4Addr}}, {"Remote_IPV6_Address", genericType{true, isakmp.IDIPv6Addr}},
	{"Remote_IPV4_Subnet", genericType{true, isakmp.IDIPv4Subnet}}, {"Remote_IPV6_Subnet", genericType{true, isakmp.IDIPv6Subnet}},
	{"Remote_IPV4_Address_Range", genericType{true, isakmp.IDIPv4Range}}, {"Remote_IPV6_Address_Range", genericType{true, isakmp.IDIPv6Range}},
}

// noPFS is the word for phase 2 without a Diffie-Hellman exchange of its own, and
// groupPrefix stands before the number of a group.
const (
	noPFS       = "NO_PFS"
	groupPrefix = "GROUP_"
)

// dhGroup reads NO_PFS, a group's number, or GROUP_ and the number.
func dhGroup(word string) (suite.Group, bool) {
	if strings.EqualFold(word, noPFS) {
		return 0, true
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToUpper(word), groupPrefix), 10, 16)
	return suite.Group(n), err == nil && n != 0
}

// idTypes are the elements of identities.
var idTypes = []choice[isakmp.IDType]{
	{"IPV4_Address", isakmp.IDIPv4Addr}, {"IPV6_Address", isakmp.IDIPv6Addr}, {"FQDN", isakmp.IDFQDN}, {"User_FQDN", isakmp.IDUserFQDN},
	{"ASN1_DN", isakmp.IDDERASN1DN}, {"KEY_ID", isakmp.IDKeyID},
}

// idPrefixes are the words before the values of identities in ikedb.
var idPrefixes = map[isakmp.IDType]string{
	isakmp.IDIPv4Addr: "ipv4:", isakmp.IDIPv6Addr: "ipv6:", isakmp.IDFQDN: "fqdn:", isakmp.IDUserFQDN: "user_fqdn:",
	isakmp.IDDERASN1DN: "dn:", isakmp.IDKeyID: "key_id:",
}

// IDTypes returns the words of identity types, as they follow -y of the ikedb
// command.
func IDTypes() []string {
	var words []string
	for _, c := range idTypes {
		words = append(words, c.word)
	}
	return words
}

// ParseIdentity reads an identity from the name of its element and its value.
func ParseIdentity(typ, value string) (ikedb.Identity, bool, error) {
	t, ok := find(idTypes, typ)
	if !ok {
		return ikedb.Identity{}, false, nil
	}
	id, err := ikedb.ParseIdentity(idPrefixes[t] + value)
	return id, true, err
}

// kinds are the elements of definitions.
var kinds = []choice[ikedb.Kind]{
	{"IPSecProposal", ikedb.KindProposal}, {"IPSecProtection", ikedb.KindDataProtection}, {"IKEProtection", ikedb.KindProtection},
	{"IKEGroup", ikedb.KindGroup}, {"IKEPresharedKey", ikedb.KindPresharedKey}, {"IKETunnel", ikedb.KindTunnel}, {"IPSecTunnel", ikedb.KindDataTunnel},
}

// Kind returns the kind of definition that an element is, without regard to case.
func Kind(element string) (ikedb.Kind, bool) { return find(kinds, element) }

// Elements returns the elements of definitions.
func Elements() []string {
	var words []string
	for _, c := range kinds {
		words = append(words, c.word)
	}
	return words
}
