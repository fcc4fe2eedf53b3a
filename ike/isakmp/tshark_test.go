package isakmp_test

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyman/ike/isakmp"
	"keyman/internal/testpeer"
)

// pcap writes datagrams on UDP port 500 as a capture of bare IPv4 packets.
func pcap(datagrams [][]byte) []byte {
	const linkRaw = 101
	le, be := binary.LittleEndian, binary.BigEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = le.AppendUint32(b, 65535)
	b = le.AppendUint32(b, linkRaw)
	for _, d := range datagrams {
		udp := be.AppendUint16(nil, 500)
		udp = be.AppendUint16(udp, 500)
		udp = be.AppendUint16(udp, uint16(8+len(d)))
		udp = append(be.AppendUint16(udp, 0), d...) // checksum 0: none
		ip := []byte{0x45, 0}
		ip = be.AppendUint16(ip, uint16(20+len(udp)))
		ip = append(ip, 0, 0, 0, 0, 64, 17, 0, 0, 10, 9, 0, 1, 10, 9, 0, 2)
		ip = append(ip, udp...)
		b = append(b, make([]byte, 8)...)
		b = le.AppendUint32(b, uint32(len(ip)))
		b = le.AppendUint32(b, uint32(len(ip)))
		b = append(b, ip...)
	}
	return b
}

// TestTshark lets somebody else's dissector read what we write.
func TestTshark(t *testing.T) {
	testpeer.Need(t, "tshark")
	var datagrams [][]byte
	for _, m := range mainMode() {
		b, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		datagrams = append(datagrams, b)
	}
	// The fragments of a real message stand in for the lone one.
	whole := datagrams[len(datagrams)-5] // ID CERT SIG N
	fragments, err := isakmp.Split(whole, 1, 400)
	if err != nil {
		t.Fatal(err)
	}
	datagrams = append(datagrams[:len(datagrams)-1], fragments...)
	file := filepath.Join(t.TempDir(), "flow.pcap")
	if err := os.WriteFile(file, pcap(datagrams), 0o600); err != nil {
		t.Fatal(err)
	}
	fields := []string{
		"exchangetype", "typepayload",
		"ike.attr.encryption_algorithm", "ike.attr.key_length", "ike.attr.hash_algorithm", "ike.attr.group_description",
		"ike.attr.authentication_method", "ike.attr.life_duration",
		"id.data.fqdn", "id.data.ipv4_addr", "notify.msgtype", "frag.packetid", "frag.seq",
	}
	args := []string{"-r", file, "-T", "fields", "-E", "separator=|", "-e", "_ws.expert.message"}
	for _, f := range fields {
		args = append(args, "-e", "isakmp."+f)
	}
	out, err := exec.CommandContext(t.Context(), testpeer.Program("tshark"), args...).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// The first column holds complaints. The last line is the last fragment and
	// the message that tshark put together.
	want := []string{
		"|2|1,2,3,3,13,13,13|7,7|256,128|4,2|14,19|3,3|86400,86400|||||",
		"|2|1,2,3,13|7|128|2|19|3|86400|||||",
		"|2|4,10,20,20|||||||||||",
		"|2|4,10,20,20,7|||||||||||",
		"|2|5,6,9,11|||||||a.test||24578||",
		"|2|5,8||||||||10.9.0.1|||",
		"|5|11|||||||||14||",
		"|5|8,12|||||||||||",
		"|2|132||||||||||0x0001|1",
		"|2,2|132,5,6,9,11|||||||a.test||24578|0x0001|2",
	}
	if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(string(out)), "\n")); diff != "" {
		t.Errorf("we mean (-), tshark reads (+):\n%s", diff)
	}
}
