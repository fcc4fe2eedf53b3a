package aixxml

import (
	"errors"
	"fmt"
	"strings"

	"keyman/ike/ikedb"
)

// An Error is what is wrong at one place of a file.
type Error struct {
	// Line is where the element begins, from 1; 0 where what is wrong is not
	// in the file.
	Line int
	// Element is its name, and that of the definition if it has one.
	Element string
	// Attribute may be empty.
	Attribute string
	// Text says what is wrong, Fix what to do; that may be empty.
	Text, Fix string
}

// Error names the place and what is wrong there.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	for _, part := range []string{e.Element, e.Attribute} {
		if part != "" {
			b.WriteString(part + ": ")
		}
	}
	return b.String() + e.Text
}

// Hint says what to do.
func (e *Error) Hint() string { return e.Fix }

// places are the elements and attributes of ikedb's tables and keys.
var places = map[string]struct {
	element    string
	attributes map[string]string
}{
	"tunnel": {"IKETunnel", map[string]string{
		"name": "IKE_TunnelName", "number": "Keyman_Number", "protection": "IKE_ProtectionRef", "autostart": "IKE_Flags_AutoStart",
		"local.certificate": "Keyman_Certificate", "local.id": "IKELocalIdentity", "local.address": "IKELocalIdentity",
		"remote.id": "IKERemoteIdentity", "remote.address": "IKERemoteIdentity", "remote.group": "IKERemoteIdentity", "remote": "IKERemoteIdentity",
		"remote.port": "Keyman_Port", "remote.natt-port": "Keyman_NATTPort",
	}},
	"protection": {"IKEProtection", map[string]string{
		"name": "IKE_ProtectionName", "role": "IKE_Role", "mode": "IKE_XCHGMode", "auth": "IKE_AuthenticationMethod", "transforms": "IKETransform",
		"weak": "Keyman_Weak", "revocation": "Keyman_Revocation", "crl-timeout": "Keyman_CRLTimeout", "crl-grace": "Keyman_CRLGrace", "lifetime": "IKE_KeyRefreshMinutes",
		"key-overlap": "IKE_KeyOverlap", "tunnel-lifetime": "Keyman_TunnelLifetime", "tunnel-size": "Keyman_TunnelLifeKB",
		"responder.min-lifetime": "IKE_ResponderKeyRefreshMinMinutes", "responder.max-lifetime": "IKE_ResponderKeyRefreshMaxMinutes",
		"responder.min-size": "IKE_ResponderKeyRefreshMinKB", "responder.max-size": "IKE_ResponderKeyRefreshMaxKB",
		"generic.protection": "IKE_IPSecDefaultProtectionRef", "generic.local": "IKE_IPSecDefaultAllowedTypes", "generic.remote": "IKE_IPSecDefaultAllowedTypes",
	}},
	"group":         {"IKEGroup", map[string]string{"name": "IKE_GroupName", "ids": ""}},
	"preshared-key": {"IKEPresharedKey", map[string]string{"ids": "", "secret": "Value"}},
	"data-tunnel": {"IPSecTunnel", map[string]string{
		"name": "IPSec_TunnelName", "number": "Keyman_Number", "tunnel": "IKE_TunnelName", "protection": "IPSec_ProtectionRef",
		"autostart": "IPSec_Flags_AutoStart", "on-demand": "IPSec_Flags_OnDemand", "local": "IPSecLocalIdentity", "local.endpoint": "IPSecLocalIdentity",
		"local.protocol": "IPSecLocalIdentity", "remote": "IPSecRemoteIdentity", "remote.endpoint": "IPSecRemoteIdentity",
		"remote.group": "IPSecRemoteIdentity", "remote.protocol": "IPSecRemoteIdentity",
	}},
	"data-protection": {"IPSecProtection", map[string]string{
		"name": "IPSec_ProtectionName", "role": "IPSec_Role", "proposals": "IPSec_ProposalRefs", "pfs": "IPSec_InitiatorDHGroup",
		"accept-pfs": "IPSec_ResponderDHGroup", "key-overlap": "IPSec_KeyOverlap", "tunnel-lifetime": "Keyman_TunnelLifetime",
		"tunnel-size":            "Keyman_TunnelLifeKB",
		"responder.min-lifetime": "IPSec_ResponderKeyRefreshMinMinutes", "responder.max-lifetime": "IPSec_ResponderKeyRefreshMaxMinutes",
		"responder.min-size": "IPSec_ResponderKeyRefreshMinKB", "responder.max-size": "IPSec_ResponderKeyRefreshMaxKB",
	}},
	"proposal": {"IPSecProposal", map[string]string{"name": "IPSec_ProposalName", "esp": "IPSecESPProtocol", "ah": "IPSecAHProtocol"}},
}

// xmlWords turns the words of TOML files in what ikedb says into those of XML.
var xmlWords = strings.NewReplacer(
	`write weak = "allow" into the protection`, `give the IKEProtection Keyman_Weak="Allow"`,
	`write weak = "allow" into the data protection`, `give the IPSecProtection Keyman_Weak="Allow"`,
	"add a [[preshared-key]] with it among the ids", "add an IKEPresharedKey with it",
	`such as esp = ["aes256-sha256"]`, "such as an IPSecESPProtocol",
	`such as "aes256-sha256-modp2048"`, "such as AES-CBC-256 with SHA2-256 and group 14",
	"remote.address", "the peer's address", "local.address", "the local address", "remote.id", "the remote identity", "local.id", "the local identity",
)

// Explain turns an *ikedb.Error about definitions of the document into an *Error
// that names the element and its line. One whose Index is negative is about what
// is not in the document. Others are returned as they are.
func (d *Document) Explain(err error) error {
	var wrong *ikedb.Error
	if !errors.As(err, &wrong) {
		return err
	}
	place := places[wrong.Table]
	e := &Error{Element: place.element, Text: xmlWords.Replace(wrong.Text), Fix: xmlWords.Replace(wrong.Fix)}
	if wrong.Name != "" && wrong.Name[0] != '#' {
		e.Element += fmt.Sprintf(" %q", wrong.Name)
	}
	attribute, ok := place.attributes[wrong.Key]
	if !ok {
		attribute = wrong.Key
	}
	e.Attribute = attribute
	if lines := d.lines[ikedb.Kind(wrong.Table)]; wrong.Index >= 0 && wrong.Index < len(lines) {
		e.Line = lines[wrong.Index]
	}
	return e
}
