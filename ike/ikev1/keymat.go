package ikev1

import (
	"encoding/binary"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// keyingMaterial is what the keys of both directions are made of (RFC 2409, 5.5).
type keyingMaterial struct {
	secret         []byte // g(qm)^xy; nil without perfect forward secrecy
	nonceI, nonceR []byte
}

// oneWay makes the keys of one SA: the SPI is that of its receiver. The encryption
// key stands before the authentication key, as RFC 4303 leaves it to RFC 4301,
// 4.5.2.
func (m *keyingMaterial) oneWay(k *keys, t suite.IPsec, spi uint32) OneWay {
	seed := binary.BigEndian.AppendUint32([]byte{byte(t.Protocol)}, spi)
	material := make([]byte, 0, t.KeyLen()+k.hash.Size())
	var block []byte
	for len(material) < t.KeyLen() {
		// Kn = prf(SKEYID_d, Kn-1 | [ g(qm)^xy | ] protocol | SPI | Ni_b | Nr_b)
		block = k.hash.MAC(k.d, block, m.secret, seed, m.nonceI, m.nonceR)
		material = append(material, block...)
	}
	clear(block)
	n := t.EncryptionKeyLen()
	clear(material[t.KeyLen():])
	return OneWay{
		SPI:        spi,
		Encryption: newSecret(material[:n:n]),
		Integrity:  newSecret(material[n:t.KeyLen():t.KeyLen()]),
	}
}

// OneWay is an SA of AH or ESP: it protects packets in one direction.
type OneWay struct {
	SPI        uint32 // chosen by the receiver of the packets
	Encryption Secret // with the salt of GCM and GMAC at its end
	Integrity  Secret
}

// spiBytes is an SPI as it stands in messages.
func spiBytes(spi uint32) []byte { return binary.BigEndian.AppendUint32(nil, spi) }

// readSPI reads an SPI of AH or ESP.
func readSPI(b []byte) (uint32, bool) {
	if len(b) != isakmp.IPsecSPILen {
		return 0, false
	}
	spi := binary.BigEndian.Uint32(b)
	return spi, spi >= isakmp.MinIPsecSPI
}
