package testpeer

import (
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Connection is the name of the one IKE connection of a StrongSwan: with
// several, strongSwan 5.9 as a responder looks at the proposals of the first
// alone.
const Connection = "peer"

// StrongSwanConfig says how a strongSwan negotiates: IKEv1, main mode unless
// Aggressive is set, with a pre-shared key where PSK is set and with signatures otherwise. The words of
// the string fields are those of swanctl.conf(5); an empty field leaves
// strongSwan's default.
type StrongSwanConfig struct {
	Local  netip.Addr // default: the host's IPv4 address
	Remote netip.Addr // default: any

	LocalID  string // default: the certificate's subject, or the address
	RemoteID string // default: any

	PSK   []byte // the pre-shared key
	Chain []byte // PEM: own certificate, then intermediates, which strongSwan trusts too
	Key   []byte // PEM: own private key
	CAs   []byte // PEM: trust anchors

	Revocation    string        // strict, ifuri or relaxed
	Proposals     string        // default: aes128-sha256-modp2048
	Aggressive    bool          // negotiate in aggressive mode, and in no other
	Encap         bool          // claim a NAT, so that all moves to port 4500
	Fragmentation string        // yes, accept, force or no
	SendCert      string        // always, ifasked or never
	NoCertReq     bool          // ask the peer for no certificate
	DPDDelay      time.Duration // default: no dead peer detection; whole seconds

	// Children are phase 2 tunnels. Their packets go through a TUN device, in
	// UDP: a test with any sets Encap, and gives the host an address in each
	// local subnet.
	Children []StrongSwanChild
}

// StrongSwanChild is a phase 2 tunnel of a StrongSwan. The words are those of
// swanctl.conf(5).
type StrongSwanChild struct {
	Name          string
	Local, Remote string        // traffic selectors; default: the hosts
	ESP           string        // esp_proposals; default: aes128-sha256
	Mode          string        // default: tunnel
	RekeyTime     time.Duration // default: strongSwan's hour; whole seconds
	LifeTime      time.Duration // default: a tenth more
	RekeyBytes    int           // default: none
}

// set writes the child's section.
func (c StrongSwanChild) set(w *strings.Builder, set func(name, value string)) {
	fmt.Fprintf(w, "%s {\n", c.Name)
	set("local_ts", c.Local)
	set("remote_ts", c.Remote)
	set("mode", c.Mode)
	if c.ESP == "" {
		c.ESP = "aes128-sha256"
	}
	set("esp_proposals", c.ESP)
	for name, d := range map[string]time.Duration{"rekey_time": c.RekeyTime, "life_time": c.LifeTime} {
		if d != 0 {
			set(name, fmt.Sprintf("%ds", int(d.Seconds())))
		}
	}
	if c.RekeyBytes != 0 {
		set("rekey_bytes", fmt.Sprint(c.RekeyBytes))
	}
	w.WriteString("}\n")
}

// write puts the configuration into a folder as charon and swanctl read it.
func (c StrongSwanConfig) write(dir string) error {
	files := map[string][]byte{
		"strongswan.conf":   []byte(fmt.Sprintf(daemonConf, quoted("unix://"+filepath.Join(dir, "vici")), c.kernel(), c.routes())),
		"conf/swanctl.conf": []byte(c.swanctl()),
	}
	for folder, bundle := range map[string][]byte{"x509": c.Chain, "x509ca": c.CAs, "private": c.Key} {
		// swanctl reads one object of a file.
		blocks, err := pemBlocks(bundle)
		if err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
		for i, block := range blocks {
			files[fmt.Sprintf("conf/%s/%d.pem", folder, i)] = block
		}
	}
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// kernel names the plugins that keep SAs: with phase 2 tunnels the one that
// protects packets by itself, through a TUN device, for a kernel without ESP.
func (c StrongSwanConfig) kernel() string {
	if len(c.Children) == 0 {
		return "kernel-netlink"
	}
	return "kernel-libipsec kernel-netlink"
}

// routes says whether traffic is routed into phase 2 tunnels, which the plugin for
// a kernel without ESP does not do without.
func (c StrongSwanConfig) routes() string {
	if len(c.Children) == 0 {
		return "no"
	}
	return "yes"
}

// daemonConf is strongswan.conf; %[1]s is the control socket, %[2]s the plugins
// that keep SAs, %[3]s whether they set routes. A peer that stays silent is given
// up after about 20 s, not after strongSwan's 165.
const daemonConf = `charon {
  load = random nonce x509 revocation constraints pubkey pkcs1 pkcs8 pem openssl aes sha1 sha2 md5 hmac kdf gmp curl ldap %[2]s socket-default vici
  install_routes = %[3]s
  i_dont_care_about_security_and_use_aggressive_mode_psk = yes
  retransmit_tries = 4
  retransmit_timeout = 1.5
  retransmit_base = 1.5
  plugins {
    vici {
      socket = %[1]s
    }
    kernel-libipsec {
      allow_peer_ts = yes
    }
  }
  filelog {
    stderr {
      default = 1
      ike = 2
      cfg = 2
      chd = 4
      flush_line = yes
    }
  }
}
swanctl {
  load = pem pkcs1 pkcs8 x509 revocation constraints pubkey openssl random
  socket = %[1]s
}
`

// swanctl returns the text of swanctl.conf.
func (c StrongSwanConfig) swanctl() string {
	var w strings.Builder
	set := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&w, "%s = %s\n", name, value)
		}
	}
	address := func(name string, addr netip.Addr) {
		if addr.IsValid() {
			set(name, addr.String())
		}
	}
	auth := "pubkey"
	if c.PSK != nil {
		auth = "psk"
	}
	fmt.Fprintf(&w, "connections {\n%s {\n", Connection)
	set("version", "1")
	if c.Aggressive {
		set("aggressive", "yes")
	}
	address("local_addrs", c.Local)
	address("remote_addrs", c.Remote)
	set("proposals", c.Proposals)
	set("fragmentation", c.Fragmentation)
	set("send_cert", c.SendCert)
	if c.Encap {
		set("encap", "yes")
	}
	if c.NoCertReq {
		set("send_certreq", "no")
	}
	if c.DPDDelay != 0 {
		set("dpd_delay", fmt.Sprintf("%ds", int(c.DPDDelay.Seconds())))
	}
	w.WriteString("local {\n")
	set("auth", auth)
	set("id", quoted(c.LocalID))
	if c.Chain != nil {
		set("certs", "0.pem")
	}
	w.WriteString("}\nremote {\n")
	set("auth", auth)
	set("id", quoted(c.RemoteID))
	set("revocation", c.Revocation)
	w.WriteString("}\n")
	if len(c.Children) > 0 {
		w.WriteString("children {\n")
		for _, child := range c.Children {
			child.set(&w, set)
		}
		w.WriteString("}\n")
	}
	w.WriteString("}\n}\n")
	if c.PSK != nil {
		// Without identities it serves every peer.
		fmt.Fprintf(&w, "secrets {\nike {\nsecret = 0x%s\n}\n}\n", hex.EncodeToString(c.PSK))
	}
	return w.String()
}

// quoted returns a string as strongswan.conf(5) wants one with any characters.
func quoted(s string) string {
	if s == "" {
		return ""
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// pemBlocks splits a PEM bundle into its objects.
func pemBlocks(bundle []byte) ([][]byte, error) {
	var blocks [][]byte
	for len(strings.TrimSpace(string(bundle))) != 0 {
		block, rest := pem.Decode(bundle)
		if block == nil {
			return nil, errors.New("not PEM")
		}
		blocks = append(blocks, pem.EncodeToMemory(block))
		bundle = rest
	}
	return blocks, nil
}
