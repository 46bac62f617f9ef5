package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// LongestDuration bounds every Duration in a record.
const LongestDuration = Duration(365 * 24 * time.Hour)

var errNotDuration = errors.New("not a duration")

// durationUnits in the order in which they are written.
var durationUnits = [...]struct {
	letter byte
	length time.Duration
}{{'d', 24 * time.Hour}, {'h', time.Hour}, {'m', time.Minute}, {'s', time.Second}}

// ParseDuration reads a sum of whole days, hours, minutes and seconds, each at most once and in this order: "90d",
// "1d12h", "1h30m". A day is 24 hours. The error says what is wrong without quoting s: it is not a duration, it is 0, or
// it is longer than LongestDuration.
func ParseDuration(s string) (Duration, error) {
	var sum time.Duration
	rest, unit := s, 0
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if digits == 0 || digits > 9 || digits == len(rest) {
			return 0, errNotDuration
		}
		n, err := strconv.Atoi(rest[:digits])
		if err != nil {
			return 0, errNotDuration
		}
		for unit < len(durationUnits) && durationUnits[unit].letter != rest[digits] {
			unit++
		}
		if unit == len(durationUnits) {
			return 0, errNotDuration
		}
		length := durationUnits[unit].length
		if time.Duration(n) > time.Duration(LongestDuration)/length {
			return 0, fmt.Errorf("longer than %s", LongestDuration)
		}
		sum += time.Duration(n) * length
		rest, unit = rest[digits+1:], unit+1
	}
	switch {
	case s == "":
		return 0, errNotDuration
	case sum == 0:
		return 0, errors.New("no time at all")
	case sum > time.Duration(LongestDuration):
		return 0, fmt.Errorf("longer than %s", LongestDuration)
	}
	return Duration(sum), nil
}

// String returns the canonical spelling: "8h", "90d", "1h30m", and "0s" for none. Parts of a second, which no record can
// hold, are cut off.
func (d Duration) String() string {
	rest := time.Duration(d).Truncate(time.Second)
	if rest == 0 {
		return "0s"
	}
	var b strings.Builder
	if rest < 0 {
		b.WriteByte('-')
		rest = -rest
	}
	for _, u := range durationUnits {
		if n := rest / u.length; n > 0 {
			fmt.Fprintf(&b, "%d%c", n, u.letter)
			rest %= u.length
		}
	}
	return b.String()
}

// MarshalText writes String's spelling. It never fails.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote: ParseDuration, and "0s" besides, since a stored value may be unset.
func (d *Duration) UnmarshalText(b []byte) error {
	if string(b) == "0s" {
		*d = 0
		return nil
	}
	parsed, err := ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("read a duration: %w", err)
	}
	*d = parsed
	return nil
}

// ParseDate reads a day as "2027-03-31". It is at midnight UTC, when the day begins.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, errors.New("not a date")
	}
	return Date{t}, nil
}

// DateOf returns the day of t in UTC.
func DateOf(t time.Time) Date { return Date{t.UTC().Truncate(24 * time.Hour)} }

// End returns the first moment that no longer belongs to the day.
func (d Date) End() time.Time { return d.AddDate(0, 0, 1) }

// String returns "2027-03-31".
func (d Date) String() string { return d.UTC().Format(time.DateOnly) }

// MarshalText writes String's spelling. It never fails.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Date) UnmarshalText(b []byte) (err error) {
	if *d, err = ParseDate(string(b)); err != nil {
		return fmt.Errorf("read a day: %w", err)
	}
	return nil
}

// MarshalJSON writes String's spelling; time.Time's own would write a moment.
func (d Date) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Date) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("read a day: %w", err)
	}
	return d.UnmarshalText([]byte(s))
}

// MarshalYAML writes the day without quotes, as people do.
func (d Date) MarshalYAML() (any, error) {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!timestamp", Value: d.String()}, nil
}

// UnmarshalYAML reads a day, quoted or not.
func (d *Date) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return errors.New("read a day: not a date")
	}
	return d.UnmarshalText([]byte(n.Value))
}
