// Package suite knows the algorithms of IKEv1: what they are called, how they are
// negotiated, and, those of phase 1, how they are used.
//
// Begin with [ParseTransform], which reads "aes256-sha256-modp2048", set Auth
// and Lifetime, and offer [Transform.Attributes]. What a peer sends becomes a
// Transform by [TransformFrom]; compare by [Transform.Equal] and ask
// [Transform.Weak] whether policy must allow it. Then [Group.GenerateKey],
// [PrivateKey.Public] and [PrivateKey.Shared] make g^xy, [Hash.MAC] is the prf,
// [ExpandKey] and [Transform.NewCipher] give the cipher.
//
// Phase 2 has [ParseESP] and [ParseAH], which read "aes256gcm16" and "sha256". An
// [IPsecOffer] adds group, encapsulation and lifetimes; [IPsecOffer.Transform]
// writes it and [IPsecOfferFrom] reads a peer's. Packets are the matter of the
// data plane: what it needs to know is [IPsec.EncryptionKeyLen],
// [IPsec.IntegrityKeyLen] and [IPsec.TagLen].
//
// What it promises:
//
//   - TransformFrom and IPsecOfferFrom are strict: an attribute or value that it does not know is
//     an error, and such a transform is never chosen.
//   - Arithmetic on private values takes the same time for all of them (MODP
//     with filippo.io/bigmod, ECP with crypto/ecdh).
//   - Public values that give the secret away are refused: 0, 1, p-1 and what
//     is not below p, a point off the curve, a wrong length.
//   - Random bytes come from the reader the caller gives, and from nowhere
//     else, so that a simulation repeats.
//   - Nothing is called weak behind the caller's back: Weak gives the words to
//     show, and refusing is the matter of policy.
//
// It implements RFC 2409 section 6 and appendices A and B, RFC 3526 (larger
// MODP groups), RFC 5903 (ECP groups), RFC 3602 (AES-CBC), RFC 4868 section
// 2.6 and the IANA registry of IPsec attributes (SHA-2); for phase 2 RFC 2407, 4.4
// and 4.5, RFC 3947, 5.1 (encapsulation), RFC 4106 and RFC 4543 (GCM and GMAC),
// RFC 3566 (AES-XCBC) and RFC 4304 (64-bit sequence numbers).
package suite
