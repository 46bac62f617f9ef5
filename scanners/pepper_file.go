package scanners

import (
	"fmt"
	"os"
)

// OpenPeppers reads the pepper file at path, as ReadPeppers does. The warning, "" if all is well, says that others on
// this machine could read the file. No error shows what is in it.
func OpenPeppers(path string) (p Peppers, warning string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, "", fmt.Errorf("open the pepper file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, "", fmt.Errorf("look at the pepper file: %w", err)
	}
	if p, err = ReadPeppers(f); err != nil {
		return nil, "", fmt.Errorf("pepper file %s: %w", path, err)
	}
	if mode := info.Mode().Perm(); mode&0o004 != 0 {
		warning = fmt.Sprintf("every user of this machine can read the pepper file %s (mode %04o): chmod 600 %s", path, mode, path)
	}
	return p, warning, nil
}
