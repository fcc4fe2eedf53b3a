package ikev1

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyman/internal/testpeer"
)

// captured is a message on its way from path.Local to path.Remote.
type captured struct {
	at   time.Time
	path Path
	data []byte
}

func (p Path) reverse() Path {
	p.Local, p.Remote = p.Remote, p.Local
	return p
}

// pcap is a capture of IPv4 packets in the classic format of libpcap.
func pcap(messages []captured) []byte {
	const (
		magic      = 0xa1b2c3d4
		rawPackets = 101 // LINKTYPE_RAW
		snapLength = 1 << 16
		ipHeader   = 20
		udpHeader  = 8
		ipVersion4 = 0x45
		udp        = 17
		timeToLive = 64
	)
	be := binary.BigEndian
	file := be.AppendUint32(nil, magic)
	file = be.AppendUint16(file, 2)
	file = be.AppendUint16(file, 4)
	for _, v := range []uint32{0, 0, snapLength, rawPackets} {
		file = be.AppendUint32(file, v)
	}
	for _, m := range messages {
		payload := m.data
		if m.path.NATT {
			payload = append(make([]byte, 4), payload...) // the non-ESP marker of RFC 3948, 2.2
		}
		size := ipHeader + udpHeader + len(payload)
		for _, v := range []uint32{uint32(m.at.Unix()), uint32(m.at.Nanosecond() / 1000), uint32(size), uint32(size)} {
			file = be.AppendUint32(file, v)
		}
		file = append(file, ipVersion4, 0)
		file = be.AppendUint16(file, uint16(size))
		file = append(file, 0, 0, 0, 0, timeToLive, udp, 0, 0)
		from, to := m.path.Local, m.path.Remote
		file = append(append(file, from.Addr().AsSlice()...), to.Addr().AsSlice()...)
		for _, v := range []uint16{from.Port(), to.Port(), uint16(udpHeader + len(payload)), 0} {
			file = be.AppendUint16(file, v)
		}
		file = append(file, payload...)
	}
	return file
}

// TestWireshark: with the keys that an SA lets out on request, another program
// decrypts every recorded flow, and finds nothing wrong with its messages.
func TestWireshark(t *testing.T) {
	testpeer.Need(t, "tshark")
	files, err := filepath.Glob("testdata/flows/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no flows: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var f flow
			if err := json.Unmarshal(data, &f); err != nil {
				t.Fatal(err)
			}
			f.replay(t)
			said := f.tshark(t)
			for _, id := range []string{f.LocalID, f.PeerID} {
				if !strings.Contains(said, "Identification Data:"+id) {
					t.Errorf("it did not see who %s is", id)
				}
			}
			if f.Quick != nil && (!strings.Contains(said, "Quick Mode (32)") || !strings.Contains(said, "Identification Data:10.9.2.0/255.255.255.0")) {
				t.Error("it did not see what quick mode is about")
			}
			for _, wrong := range []string{"Malformed", "Expert Info (Error"} {
				if strings.Contains(said, wrong) {
					t.Errorf("it finds something %s", wrong)
				}
			}
			if t.Failed() {
				t.Log(said)
			}
		})
	}
}

// tshark describes the flow in full.
func (f *flow) tshark(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	var table strings.Builder
	for _, k := range f.keys {
		fmt.Fprintf(&table, "%x,%x\n", k.Initiator[:], k.Key)
	}
	write := func(name string, data []byte) string {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write(".config/wireshark/ikev1_decryption_table", []byte(table.String()))
	cmd := exec.CommandContext(t.Context(), testpeer.Program("tshark"), "-n", "-V", "-O", "isakmp", "-r", write("flow.pcap", pcap(f.capture)))
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+filepath.Join(home, ".config"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	return string(out)
}
