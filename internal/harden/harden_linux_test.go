package harden

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// childEnv marks the process that TestNoCore starts.
const childEnv = "KEYMAN_TEST_HARDEN"

// TestNoCore hardens a process of its own, for the test's own would stay so.
func TestNoCore(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		child(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNoCore$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := "dumpable 0, core limit 0 and 0"; !strings.Contains(string(out), want) {
		t.Errorf("the process says\n%s\nwant %q", out, want)
	}
}

func child(t *testing.T) {
	if err := NoCore(); err != nil {
		t.Fatal(err)
	}
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("dumpable %d, core limit %d and %d\n", dumpable, limit.Cur, limit.Max)
	// What a shell hands over by /dev/fd is still there.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	f, err := os.Open(fmt.Sprintf("/dev/fd/%d", r.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}
