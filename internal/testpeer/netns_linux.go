package testpeer

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// threadSpace is the network namespace of the thread that opens it.
const threadSpace = "/proc/thread-self/ns/net"

// namespace is a network namespace held by an open file alone: the kernel takes
// it away with the file and its last process.
type namespace struct {
	file *os.File
}

// newNamespace makes an empty network namespace.
func newNamespace() (*namespace, error) {
	var space namespace
	err := awayFromHome(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare: %w", err)
		}
		space.file, err = os.Open(threadSpace)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &space, nil
}

// path names the namespace for other processes, as long as this one lives.
func (n *namespace) path() string {
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.file.Fd())
}

// do runs fn on a thread inside the namespace.
func (n *namespace) do(fn func() error) error {
	return awayFromHome(func() error {
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter network namespace: %w", err)
		}
		return fn()
	})
}

// close lets go of the namespace.
func (n *namespace) close() { n.file.Close() }

// awayFromHome runs fn, which may change the network namespace, on a thread of
// its own and takes the thread back home. The thread is not simply thrown away
// after use: a child that was started from it and dies with its parent would
// die then, for the kernel counts the thread as the parent (prctl(2),
// PR_SET_PDEATHSIG).
func awayFromHome(fn func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home, err := os.Open(threadSpace)
	if err != nil {
		return err
	}
	defer home.Close()
	defer func() {
		if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
			panic(fmt.Sprintf("a thread cannot return from a test's network namespace: %v", err))
		}
	}()
	return fn()
}

// dieWithParent has a program killed with this process, however it ends.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// ownMounts gives a program a view of the file system whose mounts the rest of
// the machine does not see and that end with it.
func ownMounts(cmd *exec.Cmd) {
	cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
}
