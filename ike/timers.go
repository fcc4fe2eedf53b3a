package ike

import (
	"container/heap"
	"time"
)

// An alarm is one time at which something wants to be woken. The zero value is not
// set; ring must be there before it is.
type alarm struct {
	at    time.Time
	place int // in timers, from 1; 0 where it is not
	ring  func()
}

// timers are the alarms of all sessions and phase 2 tunnels, earliest first, so
// that the engine needs one timer and ending one leaves none behind.
type timers struct {
	heap alarmHeap
}

// set sets, moves or, with the zero time, removes an alarm.
func (t *timers) set(a *alarm, at time.Time) {
	a.at = at
	switch queued := a.place > 0; {
	case at.IsZero() && queued:
		heap.Remove(&t.heap, a.place-1)
	case at.IsZero():
	case queued:
		heap.Fix(&t.heap, a.place-1)
	default:
		heap.Push(&t.heap, a)
	}
}

// next returns the earliest alarm; the zero time if there is none.
func (t *timers) next() time.Time {
	if len(t.heap) == 0 {
		return time.Time{}
	}
	return t.heap[0].at
}

// pop removes and returns an alarm that is due.
func (t *timers) pop(now time.Time) (*alarm, bool) {
	if len(t.heap) == 0 || now.Before(t.heap[0].at) {
		return nil, false
	}
	return heap.Pop(&t.heap).(*alarm), true
}

// alarmHeap implements heap.Interface; each alarm knows its place.
type alarmHeap []*alarm

func (h alarmHeap) Len() int           { return len(h) }
func (h alarmHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h alarmHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i+1, j+1
}

func (h *alarmHeap) Push(x any) {
	a := x.(*alarm)
	*h = append(*h, a)
	a.place = len(*h)
}

func (h *alarmHeap) Pop() any {
	old := *h
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	a.place = 0
	return a
}
