package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// signatureHeader carries "sha256=" and the HMAC-SHA256 of the raw body in hex. The older X-Hub-Signature (SHA-1) is
// never looked at. https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
const signatureHeader = "X-Hub-Signature-256"

// parseSignature reads the header's value; ok is false for anything but "sha256=" and 64 hex digits.
func parseSignature(header string) (mac []byte, ok bool) {
	digits, ok := strings.CutPrefix(header, "sha256=")
	if !ok || len(digits) != 2*sha256.Size {
		return nil, false
	}
	mac, err := hex.DecodeString(digits)
	return mac, err == nil
}

// verified reports whether mac is body's HMAC under one of the secrets. It takes the same time whichever secret
// matches and wherever mac differs. An empty secret verifies nothing.
func verified(secrets [][]byte, body, mac []byte) bool {
	found := false
	for _, secret := range secrets {
		if len(secret) == 0 {
			continue
		}
		h := hmac.New(sha256.New, secret)
		h.Write(body)
		if hmac.Equal(h.Sum(nil), mac) {
			found = true
		}
	}
	return found
}
