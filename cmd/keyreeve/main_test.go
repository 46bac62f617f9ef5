package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestExitCodes holds the codes to what --help says of them.
func TestExitCodes(t *testing.T) {
	empty := t.TempDir()
	for _, tt := range []struct {
		name string
		args []string
		want int
		says string
	}{
		{"help", []string{"--help"}, exitOK, ""},
		{"wrong flag", []string{"demo", "--bogus"}, exitUsage, "see `keyreeve demo --help`"},
		{"wrong argument", []string{"leases", "x"}, exitUsage, "see `keyreeve leases --help`"},
		{"unknown command", []string{"dmeo"}, exitUsage, "did you mean `keyreeve demo`?"},
		{"unknown subcommand", []string{"audit", "x"}, exitUsage, "see `keyreeve audit --help`"},
		{"no configuration", []string{"serve"}, exitUsage, "KEYREEVE_APP_ID is not set"},
		{"no database", []string{"leases", "--data", empty}, exitUsage, "--data"},
		{"invalid registry", []string{"check", empty}, exitFailed, "problem(s) in"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if got := exitCode(run(t.Context(), tt.args, nil, &out, &errs), &errs); got != tt.want || !strings.Contains(errs.String(), tt.says) {
				t.Errorf("exit %d, want %d; it says:\n%s", got, tt.want, &errs)
			}
		})
	}
}
