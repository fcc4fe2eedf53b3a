package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"keyman/keystore"
	"keyman/keystore/pkcs11"
)

// moduleEnv names the environment variable with the PKCS#11 module that is used where
// none is named.
const moduleEnv = "KEYMAN_PKCS11_MODULE"

// pinFlags are the places a token's PIN may come from, beside a URI's pin-source.
type pinFlags struct{ file, env string }

// addPINFlags adds --pin-file and --pin-env.
func addPINFlags(cmd *cobra.Command) *pinFlags {
	f := &pinFlags{}
	cmd.Flags().StringVar(&f.file, "pin-file", "", "read the PIN of the token from the first line of `file` (- is standard input)")
	cmd.Flags().StringVar(&f.env, "pin-env", "", "read the PIN of the token from this environment `variable`")
	cmd.MarkFlagsMutuallyExclusive("pin-file", "pin-env")
	return f
}

// oneStdinPIN refuses a PIN and a password that are both from standard input.
func oneStdinPIN(pin *pinFlags, password *passwordFlags) error {
	if pin.file == "-" && password.file == "-" {
		return usagef("--pin-file and --%spassword-file cannot both be standard input", password.prefix)
	}
	return nil
}

// pin gets the PIN for a token: by a flag, by the URI, or by a prompt.
func (a *app) pin(f *pinFlags, u pkcs11.URI) (keystore.Password, error) {
	file := f.file
	switch {
	case f.env != "":
		value, ok := os.LookupEnv(f.env)
		if !ok {
			return nil, usagef("--pin-env: the environment variable %s is not set", f.env)
		}
		return keystore.Password(value), nil
	case file == "-":
		return a.terminal().Wait(func() (keystore.Password, error) { return firstLine(a.stdin, "standard input") })
	case file == "":
		file = u.PINSource
	}
	if file != "" {
		return a.terminal().Wait(func() (keystore.Password, error) { return passwordFile(file) })
	}
	return a.prompt("use --pin-file or --pin-env", "the token (PIN)", false)
}

// tokenFlags say which token a command works on.
type tokenFlags struct {
	token, module string
	pin           *pinFlags
}

// addTokenFlags adds --token, --module and the flags of the PIN.
func addTokenFlags(cmd *cobra.Command) *tokenFlags {
	f := &tokenFlags{}
	cmd.Flags().StringVar(&f.token, "token", "", "the token, a `label` or a pkcs11: URI (default: the only one of the module)")
	addModuleFlag(cmd, &f.module)
	f.pin = addPINFlags(cmd)
	return f
}

func addModuleFlag(cmd *cobra.Command, module *string) {
	cmd.Flags().StringVar(module, "module", "", "the `library` of the token's maker (default: module-path of the URI, or "+moduleEnv+")")
}

// uri makes the URI that the flags name, with the object that an argument names: a
// label, or a URI of its own; "" is none.
func (f *tokenFlags) uri(object string) (pkcs11.URI, error) {
	u, err := tokenURI(f.token)
	if err != nil {
		return u, err
	}
	if pkcs11.IsURI(object) {
		o, err := pkcs11.ParseURI(object)
		if err != nil {
			return u, usageError{err}
		}
		if f.token == "" {
			u = o
		}
		u.Object, u.ID = o.Object, o.ID
	} else if object != "" {
		u.Object = object
	}
	u.Module = moduleOf(f.module, u)
	return u, nil
}

// tokenURI reads a label or a URI.
func tokenURI(s string) (pkcs11.URI, error) {
	if !pkcs11.IsURI(s) {
		return pkcs11.URI{Token: s}, nil
	}
	u, err := pkcs11.ParseURI(s)
	if err != nil {
		return u, usageError{err}
	}
	return u, nil
}

// moduleOf returns the module that is named: by a flag, by a URI, or by the
// environment.
func moduleOf(flag string, u pkcs11.URI) string {
	switch {
	case flag != "":
		return flag
	case u.Module != "":
		return u.Module
	default:
		return os.Getenv(moduleEnv)
	}
}

// openToken opens the token of a URI.
func (a *app) openToken(ctx context.Context, u pkcs11.URI, f *pinFlags) (*pkcs11.Token, error) {
	// What cannot work shows before a PIN is asked for.
	info, err := pkcs11.Find(ctx, u)
	if err != nil {
		return nil, err
	}
	if !info.NeedsPIN || info.PINLocked || info.Keypad {
		return pkcs11.Open(ctx, u, nil)
	}
	if err := lastTry(info, f.file == "" && f.env == "" && u.PINSource == ""); err != nil {
		return nil, err
	}
	pin, err := a.pin(f, u)
	if err != nil {
		return nil, err
	}
	defer pin.Wipe()
	return pkcs11.Open(ctx, u, pin)
}

// lastTry keeps the last try before a token locks for a person at a terminal: what
// starts by itself again and again would use it up.
func lastTry(info pkcs11.Info, typed bool) error {
	if !info.PINFinal || typed {
		return nil
	}
	return withHint(fmt.Errorf("token %q: the next wrong PIN locks it, and this one is not typed", info.Label),
		"type the right one once: keyman token show, without --pin-file, --pin-env and pin-source")
}

// onToken opens the token that the flags name, and the object of an argument, for one
// thing to be done there.
func (a *app) onToken(ctx context.Context, f *tokenFlags, object string, do func(*pkcs11.Token, pkcs11.URI) error) (err error) {
	u, err := f.uri(object)
	if err != nil {
		return err
	}
	token, err := a.openToken(ctx, u, f.pin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	return do(token, u)
}

// needObject refuses a URI that names no object.
func needObject(u pkcs11.URI) error {
	if u.Object == "" && len(u.ID) == 0 {
		return usageError{fmt.Errorf("%s names no object: add object=LABEL", u)}
	}
	return nil
}
