package identity

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Encode returns a record's canonical YAML: keys in the order of the record's type, unset ones left out, and a first line
// that names its schema for editors. A record that ParseX has read or that passes its checks parses back to an equal one.
// It may be called concurrently.
func Encode[T record](r T) []byte {
	name, kind := schemaOf[T]()
	up := map[RecordKind]string{PolicyRecord: "", NoRecord: "", UseCaseRecord: "../", IdentityRecord: "../../", GrantRecord: "../../../"}[kind]
	body, err := yaml.Dump(r, yaml.WithIndent(2), yaml.WithLineWidth(-1), yaml.WithUnicode(true))
	if err != nil {
		// Records are plain data, and their own marshallers never fail.
		panic(fmt.Sprintf("identity: encode a record: %v", err))
	}
	return append([]byte("# yaml-language-server: $schema="+up+SchemaDir+"/"+name+"\n"), body...)
}

// Digest returns what an approval of the grant is bound to: "sha256:" and the hex SHA-256 of the grant's canonical JSON,
// which has all of its fields, sorted keys and no spaces. Layout and comments of the YAML don't change it, nor do other
// spellings of the same duration.
func (g Grant) Digest() string {
	sum := sha256.Sum256(canonical(g))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// canonical returns v as JSON with sorted keys, no spaces, and no escapes beyond those that JSON demands.
func canonical(v any) []byte {
	var sortedKeys any
	data, err := json.Marshal(v)
	if err == nil {
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		err = dec.Decode(&sortedKeys)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err == nil {
		err = enc.Encode(sortedKeys)
	}
	if err != nil {
		// As in Encode: records are plain data.
		panic(fmt.Sprintf("identity: canonical JSON: %v", err))
	}
	return []byte(strings.TrimSuffix(out.String(), "\n"))
}
