package demo

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
)

// clone clones over the simulated GitHub's smart HTTP, as a person would with
// a token. The token is given by the environment, so that it is in no argument, URL or file.
func clone(ctx context.Context, url, dir, token string) error {
	cmd := exec.CommandContext(ctx, "git", "clone", "--quiet", "--", url, dir) //nolint:gosec // both stand behind --
	cmd.Env = append(os.Environ(),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_TERMINAL_PROMPT=0",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.extraHeader",
		"GIT_CONFIG_VALUE_0=Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("x-access-token:"+token)),
	)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("clone %s: %w: %s", url, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return nil
}
