//go:build !linux

package testpeer

import (
	"errors"
	"os/exec"
)

// namespace does not exist on this system.
type namespace struct{}

func newNamespace() (*namespace, error)  { return nil, errors.ErrUnsupported }
func (*namespace) path() string          { return "" }
func (*namespace) do(func() error) error { return errors.ErrUnsupported }
func (*namespace) close()                {}

func dieWithParent(*exec.Cmd) {}
func ownMounts(*exec.Cmd)     {}
