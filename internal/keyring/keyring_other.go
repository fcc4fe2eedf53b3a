//go:build !linux

package keyring

func put(string, []byte, int) error { return ErrUnsupported }

func get(string) ([]byte, error) { return nil, ErrUnsupported }

func remove(string) error { return ErrUnsupported }
