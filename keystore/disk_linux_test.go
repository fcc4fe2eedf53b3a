package keystore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"keyman/internal/atomicfile/faultfs"
	"keyman/internal/testpeer"
)

const (
	// diskEnv gives a process that a test starts the folder in which it may
	// mount what it likes.
	diskEnv = "KEYMAN_TEST_DISK"
	// diskSize is the size of the small disk in bytes, pageSize what it is
	// given out in.
	diskSize, pageSize = 4 << 20, 4096
	// nobody is a user without rights.
	nobody = 65534
)

// ownMounts runs the calling test again in a process with mounts of its own, and
// reports whether this is that process, which has an empty folder.
func ownMounts(t *testing.T) (dir string, inside bool) {
	t.Helper()
	if dir := os.Getenv(diskEnv); dir != "" {
		if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		return dir, true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), diskEnv+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOSPC) {
		testpeer.Missing(t, "this user cannot have mounts of its own: %v", err)
	}
	if err == nil && strings.Contains(string(out), "--- SKIP: "+t.Name()) {
		testpeer.Missing(t, "%s", out)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
	return "", false
}

// mountDisk mounts a small disk.
func mountDisk(t *testing.T, dir string) {
	t.Helper()
	if err := syscall.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=755", diskSize)); err != nil {
		t.Fatal(err)
	}
}

// TestFullDisk saves on a disk with no room, with room for one page, for two, and
// so on until it goes well: it is told what is wrong with which file, the old
// database is whole, and nothing is left beside it.
func TestFullDisk(t *testing.T) {
	testpeer.Long(t)
	dir, inside := ownMounts(t)
	if !inside {
		return
	}
	for _, f := range Formats() {
		home := filepath.Join(dir, f.Name())
		if err := os.Mkdir(home, 0o755); err != nil {
			t.Fatal(err)
		}
		mountDisk(t, home)
		k := newKillTest(t, f, home)
		filler := filepath.Join(home, "filler")
		refused := 0
		for pages := 0; ; pages++ {
			k.restore(t, k.before)
			s, err := k.open(k.path)
			if err != nil {
				t.Fatal(err)
			}
			was := inventory(s)
			if err := s.Rename("two", "the second"); err != nil {
				t.Fatal(err)
			}
			fill(t, filler, home, pages)
			err = s.Save(t.Context())
			if err == nil {
				break
			}
			refused++
			var told *Error
			if !errors.Is(err, syscall.ENOSPC) || !errors.As(err, &told) || told.Path != k.path || told.Hint() == "" {
				t.Fatalf("%s: room for %d pages: %v; want ENOSPC of %s with a hint", f.Name(), pages, err, k.path)
			}
			left := k.files(t)
			for name := range left {
				if strings.HasPrefix(name, ".") {
					t.Errorf("%s: room for %d pages: %s is left", f.Name(), pages, name)
				}
			}
			again, err := k.open(k.path)
			if err != nil || inventory(again) != was {
				t.Fatalf("%s: room for %d pages: %v", f.Name(), pages, err)
			}
		}
		if refused == 0 {
			t.Errorf("%s: it was saved without room", f.Name())
		}
	}
}

// fill fills a disk but for some pages.
func fill(t *testing.T, path, dir string, pages int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, max(0, int64(stat.Bfree)*stat.Bsize-int64(pages)*pageSize))); err != nil {
		t.Fatal(err)
	}
}

// TestReadOnlyDisk opens and lists a key database on a disk that can only be read;
// a save is told so.
func TestReadOnlyDisk(t *testing.T) {
	testpeer.Long(t)
	dir, inside := ownMounts(t)
	if !inside {
		return
	}
	for _, f := range Formats() {
		home := filepath.Join(dir, f.Name())
		if err := os.Mkdir(home, 0o755); err != nil {
			t.Fatal(err)
		}
		mountDisk(t, home)
		k := newKillTest(t, f, home)
		for name := range k.files(t) {
			_ = os.Remove(filepath.Join(home, name+".lock"))
		}
		if err := syscall.Mount("none", home, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		k.refuses(t, syscall.EROFS)
	}
}

// TestFolderOfOthers opens and lists a key database as a user who may read it and
// not write into its folder, nor make the lock file there.
func TestFolderOfOthers(t *testing.T) {
	testpeer.Long(t)
	dir, inside := ownMounts(t)
	if !inside {
		return
	}
	mountDisk(t, dir)
	var tests []*killTest
	for _, f := range Formats() {
		home := filepath.Join(dir, f.Name())
		if err := os.Mkdir(home, 0o755); err != nil {
			t.Fatal(err)
		}
		k := newKillTest(t, f, home)
		for name := range k.files(t) {
			_ = os.Remove(filepath.Join(home, name+".lock"))
			if err := os.Chmod(filepath.Join(home, name), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(home, 0o555); err != nil {
			t.Fatal(err)
		}
		tests = append(tests, k)
	}
	// The disk is at the root of what this process sees: a user without rights
	// cannot go through the folders above it.
	if err := syscall.Chroot(dir); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setresuid(nobody, nobody, nobody); err != nil {
		t.Skipf("there is no other user here: %v", err)
	}
	for _, k := range tests {
		k.dir, k.path = "/"+k.format.Name(), "/"+k.format.Name()+"/keys."+k.format.Name()
		k.refuses(t, syscall.EACCES)
	}
}

// refuses opens a key database, and is refused its save.
func (k *killTest) refuses(t *testing.T, want error) {
	t.Helper()
	s, err := Open(t.Context(), k.path, Password(killPassword))
	if err != nil {
		t.Fatalf("%s: %v", k.format.Name(), err)
	}
	n := 0
	for range s.Entries() {
		n++
	}
	if n != 3 {
		t.Errorf("%s: %d entries; want 3", k.format.Name(), n)
	}
	if _, err := Generations(k.path); err != nil {
		t.Errorf("%s: generations: %v", k.format.Name(), err)
	}
	if err := s.Rename("two", "the second"); err != nil {
		t.Fatal(err)
	}
	err = s.Save(t.Context())
	var told *Error
	if !errors.Is(err, want) || !errors.As(err, &told) || told.Path != k.path || told.Hint() == "" {
		t.Errorf("%s: %v; want %v of %s with a hint", k.format.Name(), err, want, k.path)
	}
}

// TestDiskErrors fails at each step of a save with an error of the disk: it is
// told with a hint, and what is there is the old database or the new one.
func TestDiskErrors(t *testing.T) {
	f, _ := FormatNamed("jks")
	k := newKillTest(t, f, t.TempDir())
	for _, want := range []error{syscall.EIO, syscall.EDQUOT} {
		for at := 1; ; at++ {
			k.restore(t, k.before)
			s, err := k.open(k.path)
			if err != nil {
				t.Fatal(err)
			}
			was := inventory(s)
			if err := s.SetPassword(Password(killNewPassword)); err != nil {
				t.Fatal(err)
			}
			becomes := inventory(s)
			disk := &faultfs.Disk{At: at, Err: want}
			s.system = disk
			err = s.Save(t.Context())
			if err == nil && at > len(disk.Steps()) {
				break
			}
			var told *Error
			if err != nil && (!errors.Is(err, want) || !errors.As(err, &told) || told.Path != k.path || told.Hint() == "") {
				t.Errorf("%v at step %d: %v", want, at, err)
			}
			again, err := k.open(k.path)
			if err != nil {
				t.Fatal(err)
			}
			if got := inventory(again); got != was && got != becomes {
				t.Errorf("%v at step %d: it holds\n%s", want, at, got)
			}
		}
	}
}
