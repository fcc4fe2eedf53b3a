package aixxml

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// attributes reads the attributes of an element one by one and keeps the first
// thing that is wrong with them.
type attributes struct {
	element *element
	values  map[string]string
	known   []string
	err     *Error
}

func newAttributes(e *element) *attributes {
	a := &attributes{element: e, values: make(map[string]string, len(e.attrs))}
	for _, attr := range e.attrs {
		name := nameText(attr.Name)
		if _, twice := a.values[name]; twice {
			a.fail(name, "leave one of the two", "it stands there twice")
		}
		if len(attr.Value) > MaxValue {
			a.fail(name, "shorten it", "%d bytes, more than %d", len(attr.Value), MaxValue)
		}
		a.values[name] = attr.Value
	}
	return a
}

// named reads the attribute with the definition's name, and lets errors say it.
func (a *attributes) named(attribute string) string {
	name := a.need(attribute)
	if name != "" && len(name) <= 128 {
		a.element.label = fmt.Sprintf("%s %q", a.element.name, name)
		for _, child := range a.element.children {
			child.label = a.element.label + ": " + child.name
		}
	}
	return name
}

func (a *attributes) fail(attribute, fix, format string, args ...any) {
	if a.err == nil {
		a.err = a.element.errorf(attribute, fix, format, args...)
	}
}

// get returns a value and whether it is there.
func (a *attributes) get(name string) (string, bool) {
	a.known = append(a.known, name)
	v, ok := a.values[name]
	return v, ok
}

// text returns a value, "" where there is none.
func (a *attributes) text(name string) string {
	v, _ := a.get(name)
	return v
}

// need returns a value that must be there.
func (a *attributes) need(name string) string {
	v, ok := a.get(name)
	if !ok {
		a.fail(name, "give it", "it is missing")
	}
	return v
}

// A choice is a word of an attribute and what it means.
type choice[T any] struct {
	word  string
	value T
}

// choose returns what a word means, without regard to case; that of the first
// choice where the attribute is missing.
func choose[T any](a *attributes, name string, choices []choice[T]) T {
	word, ok := a.get(name)
	if !ok {
		return choices[0].value
	}
	v, ok := find(choices, word)
	if !ok {
		a.fail(name, "use "+wordsOf(choices), "%q is not known", word)
	}
	return v
}

// must is choose for an attribute that must be there.
func must[T any](a *attributes, name string, choices []choice[T]) T {
	if _, ok := a.values[name]; !ok {
		a.fail(name, "use "+wordsOf(choices), "it is missing")
	}
	return choose(a, name, choices)
}

func find[T any](choices []choice[T], word string) (T, bool) {
	for _, c := range choices {
		if strings.EqualFold(c.word, word) {
			return c.value, true
		}
	}
	var zero T
	return zero, false
}

func wordsOf[T any](choices []choice[T]) string {
	words := make([]string, 0, len(choices))
	for _, c := range choices {
		words = append(words, c.word)
	}
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// wordFor returns the word of a value.
func wordFor[T comparable](choices []choice[T], value T) string {
	for _, c := range choices {
		if c.value == value {
			return c.word
		}
	}
	return ""
}

// flags are the words of yes and no.
var flags = []choice[bool]{{"No", false}, {"Yes", true}}

func (a *attributes) flag(name string) bool { return choose(a, name, flags) }

// number returns a number up to most, 0 where there is none.
func (a *attributes) number(name string, most uint64) uint64 {
	word, ok := a.get(name)
	if !ok {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSpace(word), 10, 64)
	if err != nil || n > most {
		a.fail(name, "write such a number", "%q is no number from 0 to %d", word, most)
		return 0
	}
	return n
}

// positive is number for what must not be 0 if it is there.
func (a *attributes) positive(name string, most uint64) uint64 {
	n := a.number(name, most)
	if _, there := a.values[name]; there && n == 0 {
		a.fail(name, "leave it out, or write such a number", "it is 0, and not from 1 to %d", most)
	}
	return n
}

// maxMinutes is the longest time in minutes: more is not a duration.
const maxMinutes = uint64(1<<63-1) / uint64(time.Minute)

// duration returns a length of time: minutes in one attribute, or written as
// "90s" in another; 0 where neither is there.
func (a *attributes) duration(minutes, words string) time.Duration {
	m, d := time.Duration(a.number(minutes, maxMinutes))*time.Minute, a.words(words)
	_, both := a.values[minutes]
	if both && d != 0 {
		a.fail(words, "leave one of them out", "%s says it, too", minutes)
	}
	return max(m, d)
}

// words returns a length of time that is written as "90s"; 0 where there is none.
func (a *attributes) words(name string) time.Duration {
	word, ok := a.get(name)
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(word)
	if err != nil || d <= 0 {
		a.fail(name, `write "90s" or "8h"`, "%q is no length of time", word)
		return 0
	}
	return d
}

// done returns what is wrong with the attributes: also one that was not asked
// for.
func (a *attributes) done() error {
	for _, attr := range a.element.attrs {
		name := nameText(attr.Name)
		known := false
		right := ""
		for _, k := range a.known {
			if k == name {
				known = true
			}
			if strings.EqualFold(k, name) {
				right = "write " + k
			}
		}
		if !known {
			if right == "" {
				right = "use " + strings.Join(a.known, ", ")
			}
			if len(a.known) == 0 {
				right = "leave it out"
			}
			// What is wrong with other attributes may follow from it.
			return a.element.errorf(name, right, "the attribute is not known")
		}
	}
	if a.err != nil {
		return a.err
	}
	return nil
}
