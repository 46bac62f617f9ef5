package identity

// Visible reports whether a character may stand in a record.
func Visible(r rune) bool { return !hidden(r) }
