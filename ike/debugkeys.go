package ike

import (
	"fmt"

	"keyman/ike/ikev1"
)

// exportKey writes a key for decrypting captures: the initiator's cookie and the
// encryption key in hexadecimal, which is a line of Wireshark's file
// ikev1_decryption_table. That it cannot be written ends no negotiation.
func (e *Engine) exportKey(k ikev1.ExportedKey) {
	if _, err := fmt.Fprintf(e.cfg.DebugKeys, "%x,%x\n", k.Initiator[:], k.Key); err != nil {
		e.logger.Warn("a key for decrypting captures could not be written", "error", err)
	}
	clear(k.Key)
}
