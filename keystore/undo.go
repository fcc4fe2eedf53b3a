package keystore

import (
	"context"
	"fmt"
	"io/fs"

	"keyman/internal/atomicfile"
)

// KeptGenerations is how many generations of a key database are kept beside it,
// as FILE.~N~ with mode 0600, under the password of their time.
const KeptGenerations = 3

// A Generation is what a key database was before a save.
type Generation = atomicfile.Generation

// Generations lists the kept generations of a key database, the youngest first.
func Generations(path string) ([]Generation, error) {
	list, err := atomicfile.Generations(path)
	if err != nil {
		return nil, fileError("look for generations of", path, err)
	}
	return list, nil
}

// Forget removes all kept generations of a key database, and with them the keys
// that were deleted since. It returns how many there were.
func Forget(ctx context.Context, path string) (int, error) {
	n, err := forget(ctx, path)
	if err != nil {
		return 0, fileError("forget generations of", path, err)
	}
	return n, nil
}

func forget(ctx context.Context, path string) (int, error) {
	f, err := DetectFile(path)
	if err != nil {
		return 0, err
	}
	if f == nil {
		return 0, ErrUnknownFormat
	}
	files, beside, err := filesOf(f, path)
	if err != nil {
		return 0, err
	}
	list, err := atomicfile.Generations(path)
	if err != nil {
		return 0, err
	}
	return len(list), atomicfile.Forget(ctx, append(files, beside), atomicfile.Options{Private: []string{beside}})
}

// Undo makes a kept generation the key database again, byte for byte, and saves
// it; number 0 is the youngest that is other than what is there. What was there
// takes the place of that generation, so that a second Undo takes the first one
// back; changes that were not saved are lost. It returns the generation,
// ErrNoGeneration where there is none, and
// ErrPassword where it had another password.
func (s *Store) Undo(ctx context.Context, number int) (Generation, error) {
	generation, err := s.undo(ctx, number)
	if err != nil {
		return Generation{}, fileError("undo", s.path, err)
	}
	return generation, nil
}

func (s *Store) undo(ctx context.Context, number int) (Generation, error) {
	list, err := atomicfile.Generations(s.path)
	if err != nil {
		return Generation{}, err
	}
	now, _, err := atomicfile.ReadSet(s.set(), maxFile)
	if err != nil {
		return Generation{}, err
	}
	there := atomicfile.FingerprintOfSet(now[:len(s.files)])
	for _, generation := range list {
		if number != 0 && generation.Number != number {
			continue
		}
		data, err := atomicfile.ReadGeneration(s.files, generation.Number, maxFile)
		if err != nil {
			return Generation{}, err
		}
		if number == 0 && atomicfile.FingerprintOfSet(data) == there {
			continue // left of a save that was stopped
		}
		content, err := decode(s.format, data, s.password())
		if err != nil {
			return Generation{}, fmt.Errorf("generation %d: %w", generation.Number, err)
		}
		// A generation has no stash file of its own: it opens with the password of
		// now, which is what there is in the stash file if there is one.
		s.stash.on = s.stash.held != nil
		// One more is kept until the one that is used again is removed.
		w := writing{keep: KeptGenerations + 1}
		for i, one := range data {
			// What was not there then is not of that generation.
			if one == nil && now[i] != nil {
				w.remove = append(w.remove, s.files[i])
			}
		}
		if err := s.write(ctx, data, w); err != nil {
			return Generation{}, err
		}
		s.content = hide(content)
		return generation, atomicfile.RemoveGeneration(ctx, s.set(), generation.Number, atomicfile.Options{System: s.system, Private: []string{s.stash.path}})
	}
	if number != 0 {
		return Generation{}, fmt.Errorf("generation %d: %w", number, fs.ErrNotExist)
	}
	return Generation{}, ErrNoGeneration
}
