package ca

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// helperEnv names the CA folder for a helper process.
const helperEnv = "KEYMAN_TEST_CA"

// perProcess is how many certificates and lists each process makes.
const perProcess = 10

// TestHelperProcess is no test: it issues certificates and makes lists for
// TestTwoProcesses in a process of its own, and prints the CRL numbers.
func TestHelperProcess(t *testing.T) {
	dir := os.Getenv(helperEnv)
	if dir == "" {
		t.Skip("it is run by TestTwoProcesses")
	}
	data, err := os.ReadFile(filepath.Join(dir, "test.key"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(t.Context(), dir, key)
	if err != nil {
		t.Fatal(err)
	}
	request := newRequest(t, "CN=gw1", newKey(t))
	var numbers strings.Builder
	for range perProcess {
		issue(t, c, request, IssueOptions{})
		crl, err := c.MakeCRL(t.Context(), CRLOptions{})
		if err != nil {
			t.Fatal(err)
		}
		numbers.WriteString(strconv.FormatUint(crl.Number, 10) + "\n")
	}
	if err := os.WriteFile(filepath.Join(dir, "numbers."+strconv.Itoa(os.Getpid())), []byte(numbers.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Processes that issue at once wait for each other: no certificate is lost, no
// CRL number comes twice.
func TestTwoProcesses(t *testing.T) {
	c := newTestCA(t, nil)
	der, err := x509.MarshalECPrivateKey(c.signer.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.dir, "test.key"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	const processes = 2
	var (
		running []*exec.Cmd
		output  [processes]bytes.Buffer
	)
	for i := range processes {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelperProcess$")
		cmd.Env = append(os.Environ(), helperEnv+"="+c.dir)
		cmd.Stdout, cmd.Stderr = &output[i], &output[i]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, cmd)
	}
	for i, cmd := range running {
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, output[i].String())
		}
	}
	files, err := filepath.Glob(filepath.Join(c.dir, "numbers.*"))
	if err != nil || len(files) != processes {
		t.Fatal(files, err)
	}
	seen := make(map[string]bool)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, number := range strings.Fields(string(data)) {
			if seen[number] {
				t.Errorf("CRL number %s twice", number)
			}
			seen[number] = true
		}
	}
	records, err := c.Certificates()
	if err != nil || len(records) != processes*perProcess || len(seen) != processes*perProcess {
		t.Errorf("%d certificates, %d CRL numbers: %v", len(records), len(seen), err)
	}
	if crl, err := c.MakeCRL(t.Context(), CRLOptions{}); err != nil || crl.Number != processes*perProcess+1 {
		t.Errorf("the next list: %+v, %v", crl, err)
	}
}
