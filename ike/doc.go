// Package ike negotiates IKE tunnels and keeps them.
//
// Begin with New and a Config that brings the definitions (ikedb.DB), a Transport
// (ListenUDP, or iketest's network in tests), a Verifier (crl.Checker) and our
// own Credentials; then Run. Activate starts a negotiation, List shows what
// there is, Events tells what happens, Remove ends a tunnel.
//
// The protocol is in ikev1, as values without clocks or sockets; the Engine owns
// those. One goroutine holds every SA. Whatever takes longer than a hash runs on
// bounded workers and comes back as an event: Diffie-Hellman and signatures on
// one set, verdicts, which may fetch revocation lists, on another. A list that
// hangs delays the one tunnel that needs it.
//
// Phase 2 goes with it: ActivateData, ListData and RemoveData, or ActivateBoth. The
// SAs of ESP and AH that are negotiated go to a DataPlane with their keys; without
// one they are negotiated and kept, and the status says that no packet is protected.
//
// What the Engine promises:
//
//   - a peer is accepted only if its signature is right, its certificate stands
//     for the identity it claims, that identity is one the tunnel is for, and the
//     Verifier accepts the chain under the tunnel's policy; or, with a preshared
//     key, if it knows the key;
//   - where the Verifier is a Watcher, an active tunnel ends as soon as that does
//     not accept its peer any more: the peer is sent DELETE;
//   - what is protected is what a definition says: a peer's traffic, algorithms and
//     groups must be among those of a phase 2 tunnel, and its choice among what it
//     was offered;
//   - every refusal carries its reasons, in Status and in Event;
//   - a negotiation ends by its deadline, and Run returns with no goroutine left.
package ike
