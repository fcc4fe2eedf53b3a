package ike

import (
	"container/heap"
	"time"
)

// timers are the alarms of all sessions, earliest first, so that the engine
// needs one timer and ending a session leaves none behind.
type timers struct {
	heap alarmHeap
}

// set sets, moves or, with the zero time, removes a session's alarm.
func (t *timers) set(s *session, at time.Time) {
	s.alarm = at
	switch queued := s.alarmIndex >= 0; {
	case at.IsZero() && queued:
		heap.Remove(&t.heap, s.alarmIndex)
	case at.IsZero():
	case queued:
		heap.Fix(&t.heap, s.alarmIndex)
	default:
		heap.Push(&t.heap, s)
	}
}

// next returns the earliest alarm; the zero time if there is none.
func (t *timers) next() time.Time {
	if len(t.heap) == 0 {
		return time.Time{}
	}
	return t.heap[0].alarm
}

// pop removes and returns a session whose alarm is due.
func (t *timers) pop(now time.Time) (*session, bool) {
	if len(t.heap) == 0 || now.Before(t.heap[0].alarm) {
		return nil, false
	}
	s := heap.Pop(&t.heap).(*session)
	return s, true
}

// alarmHeap implements heap.Interface; each session knows its place.
type alarmHeap []*session

func (h alarmHeap) Len() int           { return len(h) }
func (h alarmHeap) Less(i, j int) bool { return h[i].alarm.Before(h[j].alarm) }
func (h alarmHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].alarmIndex, h[j].alarmIndex = i, j
}

func (h *alarmHeap) Push(x any) {
	s := x.(*session)
	s.alarmIndex = len(*h)
	*h = append(*h, s)
}

func (h *alarmHeap) Pop() any {
	old := *h
	s := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	s.alarmIndex = -1
	return s
}
