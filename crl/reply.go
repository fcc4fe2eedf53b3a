package crl

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// MaxMaxAge is the longest time for which a server's word is taken that
	// nothing will change.
	MaxMaxAge = 7 * 24 * time.Hour
	// maxValidator bounds each of the Validators, in bytes.
	maxValidator = 256
)

// Validators name the version of a list as an HTTP server knows it (RFC 9110,
// 8.8). A caller who keeps them with a list may ask whether it still stands. The
// zero value asks for the list in any case.
type Validators struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
}

// conditions returns the header lines of a request (RFC 9110, 13.1.2 and 13.1.3).
func (v Validators) conditions() http.Header {
	h := http.Header{}
	if v.ETag != "" {
		h.Set("If-None-Match", v.ETag)
	}
	if v.LastModified != "" {
		h.Set("If-Modified-Since", v.LastModified)
	}
	return h
}

// A Reply is what one place answered.
type Reply struct {
	// Lists are parsed and not verified.
	Lists []*List
	// NotModified says that the list which the validators name still stands;
	// Lists is empty then.
	NotModified bool
	// Validators are to be kept with the list.
	Validators Validators
	// MaxAge is how long the server says that its answer will not change, at
	// most MaxMaxAge; zero where it does not say so. See NextFetch.
	MaxAge time.Duration
}

// validatorsOf reads the validators of an answer. Such as are no text that could
// be sent back are left out, and so are weak ones of a list that has just been made:
// its next version may come within the second that they stand for, and a server would
// say of it that nothing has changed.
func validatorsOf(h http.Header) Validators {
	fit := func(text string) string {
		if len(text) > maxValidator || !printable(text) {
			return ""
		}
		return text
	}
	v := Validators{fit(h.Get("ETag")), fit(h.Get("Last-Modified"))}
	if settled(h) {
		return v
	}
	v.LastModified = ""
	if isWeak(v.ETag) {
		v.ETag = ""
	}
	return v
}

// settledAfter is how old a list must be for its date to stand for it.
const settledAfter = time.Minute

// settled reports whether what an answer brings was changed so long before that it
// cannot have changed twice in that second (RFC 9110, 8.8.2.2).
func settled(h http.Header) bool {
	changed, err := http.ParseTime(h.Get("Last-Modified"))
	if err != nil {
		return false
	}
	answered, err := http.ParseTime(h.Get("Date"))
	return err == nil && answered.Sub(changed) >= settledAfter
}

// isWeak reports whether an ETag may stand for several versions (RFC 9110, 8.8.1).
func isWeak(etag string) bool { return strings.HasPrefix(etag, "W/") }

// maxAgeOf reads how long an answer stays fresh: max-age less the time that it
// lay in caches on the way (RFC 9111, 4.2 and 5.1).
func maxAgeOf(h http.Header) time.Duration {
	var age time.Duration
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-cache", "no-store":
			return 0
		case "max-age":
			age = wholeSeconds(strings.Trim(value, `"`))
		}
	}
	return max(age-wholeSeconds(h.Get("Age")), 0)
}

// wholeSeconds reads delta-seconds (RFC 9111, 1.2.2); what is none is zero, and
// what is more than MaxMaxAge is that.
func wholeSeconds(text string) time.Duration {
	n, err := strconv.ParseUint(text, 10, 31)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return MaxMaxAge
	case err != nil:
		return 0
	}
	return min(time.Duration(n)*time.Second, MaxMaxAge)
}
