package keystore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"keyman/keystore/format"
)

// A Loss is something of an entry that another key database does not get.
type Loss struct {
	Label string `json:"label,omitempty"` // "" for the database as a whole
	What  string `json:"what"`
}

// Convert writes everything in this store to a new key database at path, mode
// 0600, under a password of its own. Keys and certificates come over whole or
// nothing is written: what was encoded is read again and compared first. It
// returns what of the rest the format cannot hold: a label as it was written,
// the mark of the default, a request. Trust is neither lost nor gained, but that of
// a source with an empty password, which trusts nobody: anybody could have made its
// MAC.
//
// It returns fs.ErrExist where there is a file, ErrEmptyPassword, ErrKind for an
// entry that the format cannot hold, and ErrNoKey for a key that the password
// did not open.
func (s *Store) Convert(ctx context.Context, path string, pw Password, o Options) (*Store, []Loss, error) {
	target, err := New(path, pw, o)
	if err != nil {
		return nil, nil, err
	}
	target.system = s.system
	content, losses, err := s.contentFor(target.format)
	if err != nil {
		return nil, nil, fileError("convert", s.path, err)
	}
	target.content = hide(content)
	data, err := encode(target.format, content, pw)
	if err != nil {
		return nil, nil, fileError("convert", s.path, err)
	}
	again, err := decode(target.format, data, pw)
	if err != nil {
		return nil, nil, fileError("convert", s.path, fmt.Errorf("what was written cannot be read again: %w", err))
	}
	lost, err := compare(content.Items, again.Items)
	if err != nil {
		return nil, nil, fileError("convert", s.path, err)
	}
	if err := target.saveError(target.write(ctx, data, writing{})); err != nil {
		return nil, nil, err
	}
	target.content = hide(again)
	return target, append(losses, lost...), nil
}

// contentFor returns the content as another format gets it: without what only
// the old format understands.
func (s *Store) contentFor(f Format) (*format.Content, []Loss, error) {
	for _, item := range s.content().Items {
		if err := s.fits(item, f); errors.Is(err, ErrKind) {
			return nil, nil, err
		}
	}
	var losses []Loss
	if _, expires := s.PasswordExpires(); expires {
		// That was a matter of the old password.
		losses = append(losses, Loss{What: "the new password does not expire, as the old one does"})
	}
	items, doubted := s.believed(s.content().Items)
	losses = append(losses, doubted...)
	if f.Name() == s.format.Name() {
		same := *s.content()
		same.Items, same.PasswordExpires = items, time.Time{}
		return &same, losses, nil
	}
	content := &format.Content{}
	for _, item := range items {
		if err := s.fits(item, f); err != nil {
			return nil, nil, err
		}
		item.Kept = nil
		content.Items = append(content.Items, item)
	}
	if extra, ok := s.content().Kept.(format.Extra); ok {
		for _, what := range extra.Extras() {
			losses = append(losses, Loss{What: "not converted: " + what})
		}
	}
	return content, losses, nil
}

// compare tells what became of items that were written and read again. A key or
// certificate that is not there, and trust that has changed, are errors.
func compare(wrote, read []format.Item) ([]Loss, error) {
	var losses []Loss
	taken := make([]bool, len(read))
	for _, item := range wrote {
		at := -1
		for i, other := range read {
			if !taken[i] && other.Kind == item.Kind && bytes.Equal(other.Certificate, item.Certificate) && bytes.Equal(other.Key, item.Key) {
				at = i
				break
			}
		}
		if at < 0 {
			return nil, &EntryError{Label: item.Label, Err: ErrKind, Detail: "the other format does not keep this " + item.Kind.String() + " entry as it is"}
		}
		taken[at] = true
		other := read[at]
		lose := func(what string) { losses = append(losses, Loss{item.Label, what}) }
		switch {
		case other.Trusted != item.Trusted:
			return nil, &EntryError{Label: item.Label, Err: ErrKind, Detail: "the other format cannot tell whether it is trusted"}
		case !strings.EqualFold(other.Label, item.Label):
			lose(fmt.Sprintf("its label becomes %q", other.Label))
		case other.Label != item.Label:
			lose(fmt.Sprintf("its label is written as %q", other.Label))
		}
		if item.Default && !other.Default {
			lose("it is not marked as the default")
		}
		if item.Request != nil && !bytes.Equal(other.Request, item.Request) {
			lose("its request is not kept, only the key")
		}
	}
	return losses, nil
}
