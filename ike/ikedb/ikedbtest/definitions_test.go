package ikedbtest_test

import (
	"testing"

	"pgregory.net/rapid"

	"keyman/ike/ikedb"
	"keyman/ike/ikedb/ikedbtest"
)

// What is generated is valid, and written as TOML it is the same again.
func TestDefinitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := ikedbtest.Definitions().Draw(t, "definitions")
		db, err := ikedb.New(d)
		if err != nil {
			t.Fatal(err)
		}
		text, err := ikedb.MarshalTOML(db.Definitions(), true)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ikedb.ParseTOML(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if db, err = ikedb.New(again); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		second, err := ikedb.MarshalTOML(db.Definitions(), true)
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != string(second) {
			t.Fatalf("written anew it differs:\n%s\n%s", text, second)
		}
	})
}
