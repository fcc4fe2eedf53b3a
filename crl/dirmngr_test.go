package crl_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1" // dirmngr knows issuers by that of their names, as text
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyman/internal/testpeer"
)

// peerTime bounds one question to another program.
const peerTime = 30 * time.Second

// A dirmngr is GnuPG's keeper of revocation lists, asked over its own protocol: it
// asks back for certificates, and whether it may trust them.
type dirmngr struct {
	ca  *x509.Certificate
	in  io.Writer
	out *bufio.Scanner
}

// askDirmngr loads lists into a dirmngr without a network, and asks whether a
// certificate is revoked. Its words are those of the error.
func askDirmngr(t *testing.T, ca, target *x509.Certificate, lists ...[]byte) (status, words string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), peerTime)
	defer cancel()
	home := t.TempDir()
	config := "disable-http\ndisable-ldap\ndisable-ocsp\nno-use-tor\n"
	if err := os.WriteFile(filepath.Join(home, "dirmngr.conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, testpeer.Program("dirmngr"), "--homedir", home, "--server")
	cmd.Stderr = &complaints
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = in.Close()
		_ = cmd.Wait()
	}()
	d := dirmngr{ca: ca, in: in, out: bufio.NewScanner(out)}
	d.answer() // the greeting
	for i, list := range lists {
		path := filepath.Join(home, fmt.Sprintf("list%d.crl", i))
		if err := os.WriteFile(path, list, 0o600); err != nil {
			t.Fatal(err)
		}
		if answer := d.ask("LOADCRL " + path); !strings.HasPrefix(answer, "OK") {
			words = answer
		}
	}
	answer := d.ask(fmt.Sprintf("ISVALID %X.%X", sha1.Sum([]byte(target.Issuer.String())), target.SerialNumber.Bytes()))
	if ctx.Err() != nil {
		t.Fatalf("dirmngr: %v\n%s", ctx.Err(), complaints.String())
	}
	switch {
	case strings.HasPrefix(answer, "OK"):
		return "good", words
	case strings.Contains(answer, "revoked"):
		return "revoked", words
	}
	return "refused", words + " " + answer
}

// ask sends a command and returns the last line of the answer.
func (d dirmngr) ask(command string) string {
	fmt.Fprintln(d.in, command)
	return d.answer()
}

// answer reads up to the last line of an answer, and tells what is asked back.
func (d dirmngr) answer() string {
	for d.out.Scan() {
		word, rest, _ := strings.Cut(d.out.Text(), " ")
		switch word {
		case "OK", "ERR":
			return d.out.Text()
		case "INQUIRE":
			switch {
			case strings.HasPrefix(rest, "ISTRUSTED"):
				fmt.Fprint(d.in, "D 1\n")
			case strings.HasPrefix(rest, "SENDCERT"), strings.HasPrefix(rest, "SENDISSUERCERT"):
				fmt.Fprintf(d.in, "D %s\n", strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(string(d.ca.Raw)))
			}
			fmt.Fprint(d.in, "END\n")
		}
	}
	return "ERR it said no more"
}
