package keystore

// A hidden keeps a secret where no printing reaches it. An unexported field is
// not enough, and neither is a pointer: for a verb that does not fit, fmt
// follows it. It follows no function.
type hidden[T any] func() T

// hide makes a hidden.
func hide[T any](secret T) hidden[T] { return func() T { return secret } }
