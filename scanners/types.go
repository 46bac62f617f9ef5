package scanners

// Class says by what a key is known.
type Class string

// The classes.
const (
	ByName  Class = "name"  // the name under which it is stored: PAYMENTS_API_KEY
	ByID    Class = "id"    // its public id: AKIA…
	ByValue Class = "value" // its value, known by a keyed fingerprint alone
)

// Key is one retired credential: what to look for, and what to call it. At
// least one of Name, ID and Fingerprint is set. It never holds a value.
type Key struct {
	Label       string `json:"label" yaml:"label"`
	Name        string `json:"name,omitempty" yaml:"name,omitempty"`
	ID          string `json:"id,omitempty" yaml:"id,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty" yaml:"fingerprint,omitempty"` // as keyreeve fingerprint prints it
}

// Encoding says how an occurrence was written; "" is plain text. Nested encodings are joined by "+",
// outermost first: "gzip+base64".
type Encoding string

// Match is one occurrence of a key in a text.
type Match struct {
	Key   int // index into the keys that were compiled
	Class Class
	// Start and End are bytes of the text that was scanned: of the occurrence itself, or of the encoded
	// region that holds it, where Encoding is set.
	Start, End int
	Encoding   Encoding
}

// Where says in which part of a repository an occurrence is.
type Where string

// The places in a repository.
const (
	InBlob          Where = "blob"
	InCommitMessage Where = "commit-message" // trailers, author and committer included
	InTagMessage    Where = "tag-message"
	InNote          Where = "note"
	InPath          Where = "path" // a file's or directory's name
	InRef           Where = "ref"  // a branch's, tag's or other ref's name
)

// Finding is one occurrence in a repository, and where it came from.
type Finding struct {
	Credential string   `json:"credential"` // the key's Label
	Class      Class    `json:"class"`
	Repository string   `json:"repository"` // as it was given: a path, or "acme/payments"
	Where      Where    `json:"where"`
	Path       string   `json:"path"`           // of the file, "" outside of blobs and paths
	Paths      []string `json:"also,omitempty"` // other paths that the same object had
	Line       int      `json:"line"`           // from 1; 0 where there is none
	Column     int      `json:"column"`         // from 1, in bytes; 0 where there is none
	Commit     string   `json:"commit"`         // the first that brought it; "" where no commit holds it
	Last       string   `json:"last,omitempty"` // the last commit that had it, where the history has got rid of it
	Author     string   `json:"author,omitempty"`
	Date       string   `json:"date,omitempty"` // of Commit, RFC 3339
	Object     string   `json:"object"`         // the git object, "" for a ref
	Encoding   Encoding `json:"encoding"`
	AtHead     bool     `json:"at_head"` // still in the tree of a branch's tip
	// Branches at whose tip it still is, at most 20.
	Branches []string `json:"branches,omitempty"`
	// Unreachable says that no ref leads to it.
	Unreachable bool   `json:"unreachable,omitempty"`
	Permalink   string `json:"permalink,omitempty"`
}

// Gap is what a scan did not look at, and why: it is never silent.
type Gap struct {
	Subject string `json:"subject"` // an object, a pack, a repository
	What    string `json:"what"`    // "the object is missing", "nested deeper than 3"
	Count   int    `json:"count"`   // how often, at least 1
}
