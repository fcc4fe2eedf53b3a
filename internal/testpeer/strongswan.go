package testpeer

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// startLimit bounds how long charon may take until it serves.
	startLimit = 20 * time.Second
	// stopLimit bounds how long charon may take to say good-bye to its peers
	// before it is killed.
	stopLimit = 10 * time.Second
	// waitLimit bounds WaitLog.
	waitLimit = 30 * time.Second
)

// StrongSwan is a running strongSwan daemon (charon) with one connection. Its
// methods may be used by several goroutines.
type StrongSwan struct {
	dir  string // its configuration, its socket, its copies of the programs
	cmd  *exec.Cmd
	stop func()
	log  *logBook
}

// StartStrongSwan starts strongSwan inside a host and loads its configuration.
// It ends with the test, and where the test has failed its log is told. Several
// run at once without knowing of each other. It needs root and strongSwan's
// programs; without them the test ends by Missing.
func StartStrongSwan(t testing.TB, host *Host, config StrongSwanConfig) *StrongSwan {
	t.Helper()
	Need(t, "charon", "swanctl")
	if !config.Local.IsValid() {
		config.Local = host.IPv4
	}
	if config.Proposals == "" {
		config.Proposals = "aes128-sha256-modp2048"
	}
	dir := t.TempDir()
	if err := config.write(dir); err != nil {
		t.Fatalf("strongSwan's configuration: %v", err)
	}
	// Debian's AppArmor profiles hold the installed programs to the installed
	// configuration; they go by path, and copies run without them.
	if out, err := exec.CommandContext(t.Context(), "cp", Program("charon"), Program("swanctl"), dir).CombinedOutput(); err != nil {
		t.Fatalf("copy strongSwan's programs: %v\n%s", err, out)
	}
	s := &StrongSwan{dir: dir, log: newLogBook()}
	s.start(t, host)
	s.log.wait(t, startLimit, "worker threads")
	if text := s.Log(); strings.Contains(text, "failed to load") {
		Missing(t, "strongSwan lacks plugins: script/bootstrap installs them\n%s", text)
	}
	if out, err := s.swanctl(t.Context(), "--load-all", "--noprompt"); err != nil {
		t.Fatalf("strongSwan does not load its configuration: %v\n%s\n%s", err, out, config.swanctl())
	}
	return s
}

// start runs charon until Stop or the end of the test.
func (s *StrongSwan) start(t testing.TB, host *Host) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	// charon writes /run/charon.pid and refuses to start where one is.
	cmd := host.Command(ctx, "sh", "-c", `mount -t tmpfs tmpfs /run && exec "$0"`, filepath.Join(s.dir, "charon"))
	ownMounts(cmd)
	cmd.Env = append(os.Environ(), s.env()...)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopLimit
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatalf("start charon: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // how it ended is in its log
		s.log.close()
	}()
	s.cmd = cmd
	s.stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("charon at %v:\n%s", host.IPv4, s.Log())
		}
	})
}

// env points charon and swanctl to their configuration.
func (s *StrongSwan) env() []string {
	return []string{
		"STRONGSWAN_CONF=" + filepath.Join(s.dir, "strongswan.conf"),
		"SWANCTL_DIR=" + filepath.Join(s.dir, "conf"),
	}
}

// swanctl runs one swanctl command and returns what it printed.
func (s *StrongSwan) swanctl(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, waitLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(s.dir, "swanctl"), args...)
	cmd.Env = append(os.Environ(), s.env()...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("swanctl %s: %w", args[0], err)
	}
	return string(out), err
}

// Initiate negotiates phase 1 as the initiator and returns the log of it. The
// error says that no IKE SA came of it, at the latest after 30 s.
func (s *StrongSwan) Initiate(ctx context.Context) (string, error) {
	return s.swanctl(ctx, "--initiate", "--ike", Connection)
}

// Terminate deletes the connection's IKE SAs and tells the peer. Without one it
// fails.
func (s *StrongSwan) Terminate(ctx context.Context) (string, error) {
	return s.swanctl(ctx, "--terminate", "--ike", Connection)
}

// InitiateChild negotiates a phase 2 tunnel as the initiator, and phase 1 where
// there is none, and returns the log of it. The error says that no CHILD_SA came
// of it, at the latest after 30 s.
func (s *StrongSwan) InitiateChild(ctx context.Context, name string) (string, error) {
	return s.swanctl(ctx, "--initiate", "--child", name)
}

// RekeyChild replaces the CHILD_SA of a phase 2 tunnel.
func (s *StrongSwan) RekeyChild(ctx context.Context, name string) (string, error) {
	return s.swanctl(ctx, "--rekey", "--child", name)
}

// TerminateChild deletes the CHILD_SAs of a phase 2 tunnel and tells the peer.
func (s *StrongSwan) TerminateChild(ctx context.Context, name string) (string, error) {
	return s.swanctl(ctx, "--terminate", "--child", name)
}

// ListSAs returns the IKE SAs in swanctl's words: an established one shows
// ESTABLISHED and both identities.
func (s *StrongSwan) ListSAs(ctx context.Context) (string, error) {
	return s.swanctl(ctx, "--list-sas")
}

// Version returns the version of the installed strongSwan, such as "5.9.8".
func (s *StrongSwan) Version(ctx context.Context) (string, error) {
	out, err := s.swanctl(ctx, "--version")
	if err != nil {
		return "", err
	}
	fields := bytes.Fields([]byte(out))
	if len(fields) == 0 {
		return "", fmt.Errorf("swanctl --version printed nothing")
	}
	return string(fields[len(fields)-1]), nil
}

// Log returns what charon has logged since its start.
func (s *StrongSwan) Log() string { return s.log.String() }

// WaitLog waits until the log holds a text. The test fails where charon ends
// without it, or after 30 s.
func (s *StrongSwan) WaitLog(t testing.TB, text string) {
	t.Helper()
	s.log.wait(t, waitLimit, text)
}

// Stop ends charon, which deletes its IKE SAs at the peers; later calls do
// nothing.
func (s *StrongSwan) Stop() { s.stop() }
