//go:build race

package testpeer

// RaceDetector says that the tests run under the race detector, which allocates for
// itself: what a test counts of memory then says nothing.
const RaceDetector = true
