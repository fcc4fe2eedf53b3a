package suite

import "fmt"

// Differences tells in what an offered transform differs from one that would be
// accepted, a sentence each; none where they are Equal.
func (t Transform) Differences(accepted Transform) []string {
	var all []string
	for _, part := range []struct{ name, offered, accepted string }{
		{"encryption", t.encryptionWord(), accepted.encryptionWord()},
		{"hash", t.Hash.String(), accepted.Hash.String()},
		{"group", t.Group.String(), accepted.Group.String()},
		{"authentication", t.Auth.String(), accepted.Auth.String()},
	} {
		if part.offered != part.accepted {
			all = append(all, fmt.Sprintf("the %s is %s, not %s", part.name, part.offered, part.accepted))
		}
	}
	return all
}

// Nearest returns the pair of an offered and an accepted transform with the fewest
// Differences, the first of several; both zero where there is no pair.
func Nearest(offered, accepted []Transform) (o, a Transform) {
	fewest := -1
	for _, mine := range accepted {
		for _, theirs := range offered {
			if n := len(theirs.Differences(mine)); fewest < 0 || n < fewest {
				fewest, o, a = n, theirs, mine
			}
		}
	}
	return o, a
}
