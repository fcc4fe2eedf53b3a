//go:build unix

package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"keyman/ike/ikedb"
	"keyman/ike/ikedb/store"
)

// writerEnv makes the test binary a writer that never ends by itself.
const writerEnv = "KEYMAN_TEST_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerEnv); path != "" {
		fmt.Fprintln(os.Stderr, writeForever(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// generation is all tunnels with keys of one generation.
func generation(n int) string {
	text := protection
	for i := range 40 {
		text += fmt.Sprintf("[[tunnel]]\nname = \"t%d\"\nprotection = \"p\"\nlocal.address = \"192.0.2.1\"\nremote.address = \"10.0.0.%d\"\n"+
			"[[preshared-key]]\nids = [\"10.0.0.%d\"]\nsecret = \"generation %d\"\n", i, i+1, i+1, n)
	}
	return text
}

// writeForever puts one generation over the other, and says so on standard
// output.
func writeForever(path string) error {
	ctx := context.Background()
	s, err := store.Create(ctx, path)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		d, err := ikedb.ParseTOML([]byte(generation(n)))
		if err != nil {
			return err
		}
		if _, err := s.Put(ctx, d, true); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// Killed at any moment of a put, the database holds one generation, whole, and no
// earlier one than was told.
func TestKilledWhilePutting(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), store.FileName)
	for round := range 8 {
		cmd := exec.CommandContext(ctx, os.Args[0])
		cmd.Env = append(os.Environ(), writerEnv+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// The next is under way when this many were told; where in it, chance
		// decides.
		told := -1
		lines := bufio.NewScanner(out)
		for range round + 1 {
			if !lines.Scan() {
				t.Fatal("the writer ended")
			}
			told++
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			told++
		}
		_ = cmd.Wait()

		s, err := store.Open(ctx, path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Check(ctx); err != nil {
			t.Fatal(err)
		}
		d, err := s.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		var got int
		if _, err := fmt.Sscanf(string(d.PresharedKeys[0].Secret.Bytes()), "generation %d", &got); err != nil {
			t.Fatal(err)
		}
		if got < told || got > told+1 || len(d.Tunnels) != 40 || len(d.PresharedKeys) != 40 {
			t.Errorf("generation %d of %d tunnels and %d keys; %d was told", got, len(d.Tunnels), len(d.PresharedKeys), told)
		}
		for _, k := range d.PresharedKeys {
			if want := fmt.Sprintf("generation %d", got); string(k.Secret.Bytes()) != want {
				t.Fatalf("%q beside %q", k.Secret.Bytes(), want)
			}
		}
	}
}
