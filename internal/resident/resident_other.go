//go:build !linux

package resident

import "errors"

// DropCode does nothing here.
func DropCode() error { return errors.ErrUnsupported }
