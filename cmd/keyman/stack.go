package main

import "os"

// stackRoom is what most commands need of their goroutine's stack, in bytes.
const stackRoom = 24 << 10

// growStack gives the goroutine that calls it a stack with room for a command. It
// would grow by doubling otherwise, wherever it happens to be full, and each time
// the runtime looks up every function on it in the program's tables: pages all over
// the program's file, a megabyte of them, that nothing else needs.
//
//go:noinline
func growStack() byte {
	var room [stackRoom]byte
	return room[len(os.Args)%stackRoom] // not a constant: that would need no room
}
