//go:build !pkcs11 || !cgo

package pkcs11

import (
	"context"

	"keyman/keystore"
)

func openDriver(context.Context, URI, keystore.Password) (driver, Info, error) {
	return nil, Info{}, ErrNotBuilt
}

func listTokens(context.Context, string) ([]Info, error) { return nil, ErrNotBuilt }
