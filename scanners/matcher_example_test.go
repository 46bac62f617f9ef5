package scanners_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/keyreeve/keyreeve/scanners"
)

// Keys are compiled once, and then found in any text, in whatever they are encoded.
func ExampleCompile() {
	peppers, err := scanners.ReadPeppers(strings.NewReader("an example's pepper: 0123456789abcdef\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fingerprint, err := peppers.Fingerprint([]byte("s3cr3t-Zq8vN2wLx7Rb4Tk9Yd"))
	if err != nil {
		fmt.Println(err)
		return
	}
	keys := []scanners.Key{{Label: "payments/deploy-bot", Name: "PAYMENTS_API_KEY", Fingerprint: fingerprint}}
	m, err := scanners.Compile(keys, peppers)
	if err != nil {
		fmt.Println(err)
		return
	}
	text := "PAYMENTS_API_KEY: " + base64.StdEncoding.EncodeToString([]byte("s3cr3t-Zq8vN2wLx7Rb4Tk9Yd"))
	matches, gaps := m.ScanBytes(context.Background(), []byte(text))
	for _, f := range matches {
		fmt.Printf("%s by %s at %d to %d, encoding %q\n", keys[f.Key].Label, f.Class, f.Start, f.End, f.Encoding)
	}
	fmt.Println(len(gaps), "gaps")
	// Output:
	// payments/deploy-bot by name at 0 to 16, encoding ""
	// payments/deploy-bot by value at 18 to 52, encoding "base64"
	// 0 gaps
}
