//go:build pkcs11 && cgo

package pkcs11

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/miekg/pkcs11"

	"keyman/keystore"
)

// maxSlots bounds the slots of a module that are looked at.
const maxSlots = 1024

// A module is a library that is loaded and initialized.
type module struct {
	ctx   *pkcs11.Ctx
	ended bool
	// own is a library that nobody else in this process had initialized.
	own bool
}

// loadModule loads a library. PKCS#11 knows one initialization for each process: where
// somebody else made it, it is theirs to end.
func loadModule(path string) (*module, error) {
	if path == "" {
		return nil, fmt.Errorf("%w: none is named", ErrModule)
	}
	// A relative name would be looked for in the folders of the dynamic linker.
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("%w: %s is no absolute path", ErrModule, path)
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModule, err)
	}
	ctx := pkcs11.New(path)
	if ctx == nil {
		return nil, fmt.Errorf("%w: %s cannot be loaded", ErrModule, path)
	}
	m := &module{ctx: ctx, own: true}
	switch err := ctx.Initialize(); {
	case errors.Is(err, pkcs11.Error(pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED)):
		m.own = false
	case err != nil:
		ctx.Destroy()
		return nil, fmt.Errorf("%w: %s: %w", ErrModule, path, err)
	}
	return m, nil
}

func (m *module) close() error {
	if m.ended {
		return nil
	}
	m.ended = true
	var err error
	if m.own {
		err = m.ctx.Finalize()
	}
	m.ctx.Destroy()
	return err
}

// A slot is one with a token in it.
type slot struct {
	number uint
	info   Info
}

func (m *module) slots() ([]slot, error) {
	numbers, err := m.ctx.GetSlotList(true)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModule, err)
	}
	if len(numbers) > maxSlots {
		return nil, fmt.Errorf("%w: it has more than %d slots", ErrModule, maxSlots)
	}
	var list []slot
	for _, number := range numbers {
		info, err := m.info(number)
		if err != nil {
			continue // it went away, or cannot be read: it is no choice
		}
		list = append(list, slot{number: number, info: info})
	}
	return list, nil
}

// info describes the token in a slot as it is now.
func (m *module) info(number uint) (Info, error) {
	info, err := m.ctx.GetTokenInfo(number)
	if err != nil {
		return Info{}, err
	}
	has := func(flag uint) bool { return info.Flags&flag != 0 }
	return Info{
		Label: info.Label, Manufacturer: info.ManufacturerID, Model: info.Model, Serial: info.SerialNumber,
		Initialized: has(pkcs11.CKF_TOKEN_INITIALIZED), NeedsPIN: has(pkcs11.CKF_LOGIN_REQUIRED),
		Keypad:   has(pkcs11.CKF_PROTECTED_AUTHENTICATION_PATH),
		ReadOnly: has(pkcs11.CKF_WRITE_PROTECTED), PINLow: has(pkcs11.CKF_USER_PIN_COUNT_LOW),
		PINFinal: has(pkcs11.CKF_USER_PIN_FINAL_TRY), PINLocked: has(pkcs11.CKF_USER_PIN_LOCKED),
	}, nil
}

func listTokens(ctx context.Context, path string) ([]Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m, err := loadModule(path)
	if err != nil {
		return nil, err
	}
	slots, err := m.slots()
	return infos(slots), errors.Join(err, m.close())
}

// openDriver finds the token and logs in.
func openDriver(ctx context.Context, u URI, pin keystore.Password) (driver, Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, Info{}, err
	}
	m, err := loadModule(u.Module)
	if err != nil {
		return nil, Info{}, err
	}
	s, err := m.choose(u)
	if err != nil {
		return nil, Info{}, errors.Join(err, m.close())
	}
	sessions, err := m.login(s, pin)
	if err != nil {
		return nil, s.info, errors.Join(err, m.close())
	}
	return &token{module: m, sessions: sessions}, s.info, nil
}

// choose returns the slot of the one token that the URI names.
func (m *module) choose(u URI) (slot, error) {
	slots, err := m.slots()
	if err != nil {
		return slot{}, err
	}
	i, err := choose(u, infos(slots))
	if err != nil {
		return slot{}, err
	}
	return slots[i], nil
}

func infos(slots []slot) []Info {
	list := make([]Info, len(slots))
	for i, s := range slots {
		list[i] = s.info
	}
	return list
}

// login opens a session and gives it the PIN. It counts for all sessions with the
// token that this process opens, as long as one is open (PKCS#11, 5.6).
func (m *module) login(s slot, pin keystore.Password) (*sessions, error) {
	flags := uint(pkcs11.CKF_SERIAL_SESSION)
	if !s.info.ReadOnly {
		flags |= pkcs11.CKF_RW_SESSION
	}
	first, err := m.ctx.OpenSession(s.number, flags)
	if err != nil {
		return nil, failure(err)
	}
	if s.info.NeedsPIN {
		if err := m.giveTo(first, s, pin); err != nil {
			_ = m.ctx.CloseSession(first) // the first error is the one to tell
			return nil, err
		}
	}
	return newSessions(m.ctx, s.number, flags, first), nil
}

// giveTo gives a session the PIN. Where this process has logged in to the token
// before, the module has no way to compare the PIN again.
func (m *module) giveTo(session pkcs11.SessionHandle, s slot, pin keystore.Password) error {
	if err := s.info.takesPIN(pin); err != nil {
		return err
	}
	err := m.ctx.Login(session, pkcs11.CKU_USER, string(pin))
	if err == nil || errors.Is(err, pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN)) {
		return nil
	}
	if err = failure(err); !errors.Is(err, ErrPIN) {
		return err
	}
	if now, infoErr := m.info(s.number); infoErr == nil {
		return now.refused()
	}
	return err
}

// failure says what the code of a module means for us.
func failure(err error) error {
	var code pkcs11.Error
	if !errors.As(err, &code) {
		return err
	}
	switch code {
	case pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE:
		return ErrPIN
	case pkcs11.CKR_PIN_LOCKED, pkcs11.CKR_PIN_EXPIRED:
		return ErrLocked
	case pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_TOKEN_NOT_RECOGNIZED, pkcs11.CKR_DEVICE_ERROR,
		pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED:
		return fmt.Errorf("%w (%w)", ErrGone, code)
	case pkcs11.CKR_OBJECT_HANDLE_INVALID, pkcs11.CKR_KEY_HANDLE_INVALID:
		return fmt.Errorf("%w: it was removed meanwhile (%w)", keystore.ErrNotFound, code)
	case pkcs11.CKR_USER_NOT_LOGGED_IN:
		// So do keys with CKA_ALWAYS_AUTHENTICATE answer.
		return fmt.Errorf("%w: it wants the PIN for each use of the key (%w)", ErrMechanism, code)
	case pkcs11.CKR_DEVICE_MEMORY:
		return fmt.Errorf("%w: it is full (%w)", ErrMechanism, code)
	case pkcs11.CKR_TOKEN_WRITE_PROTECTED, pkcs11.CKR_SESSION_READ_ONLY:
		return fmt.Errorf("%w: it is protected against writing (%w)", ErrMechanism, code)
	case pkcs11.CKR_MECHANISM_INVALID, pkcs11.CKR_MECHANISM_PARAM_INVALID, pkcs11.CKR_KEY_TYPE_INCONSISTENT, pkcs11.CKR_KEY_SIZE_RANGE,
		pkcs11.CKR_KEY_FUNCTION_NOT_PERMITTED, pkcs11.CKR_FUNCTION_NOT_SUPPORTED, pkcs11.CKR_ATTRIBUTE_TYPE_INVALID,
		pkcs11.CKR_ATTRIBUTE_VALUE_INVALID, pkcs11.CKR_TEMPLATE_INCONSISTENT, pkcs11.CKR_CURVE_NOT_SUPPORTED, pkcs11.CKR_ACTION_PROHIBITED:
		return fmt.Errorf("%w (%w)", ErrMechanism, code)
	default:
		return fmt.Errorf("%w: %w", ErrModule, code)
	}
}
