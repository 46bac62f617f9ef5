package identity_test

import (
	"encoding/json"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
	"pgregory.net/rapid"

	"github.com/keyreeve/keyreeve/internal/identity"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30m": 30 * time.Minute, "8h": 8 * time.Hour, "90d": 90 * 24 * time.Hour, "1d12h": 36 * time.Hour, "1h30m": 90 * time.Minute,
		"45s": 45 * time.Second, "1d2h3m4s": 26*time.Hour + 3*time.Minute + 4*time.Second, "365d": 365 * 24 * time.Hour, "8760h": 365 * 24 * time.Hour,
		"0h5m": 5 * time.Minute, "007m": 7 * time.Minute, "90m": 90 * time.Minute,
	} {
		if got, err := identity.ParseDuration(text); err != nil || time.Duration(got) != want {
			t.Errorf("%q: got %s, %v; want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "not a duration", "8": "not a duration", "h": "not a duration", "8x": "not a duration", "8H": "not a duration", "1.5h": "not a duration",
		"-8h": "not a duration", "+8h": "not a duration", "8h ": "not a duration", " 8h": "not a duration", "30m1h": "not a duration", "1h1h": "not a duration",
		"3 weeks": "not a duration", "1w": "not a duration", "８h": "not a duration", "1000000000000h": "not a duration",
		"0h": "no time at all", "0d0s": "no time at all", "366d": "longer than 365d", "365d1s": "longer than 365d", "999999999d": "longer than 365d", "8761h": "longer than 365d",
	} {
		if got, err := identity.ParseDuration(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestDurationIsWrittenCanonically(t *testing.T) {
	for d, want := range map[time.Duration]string{
		8 * time.Hour: "8h", 24 * time.Hour: "1d", 90 * time.Minute: "1h30m", 60 * time.Second: "1m", 0: "0s", 1500 * time.Millisecond: "1s", -time.Hour: "-1h",
	} {
		if got := identity.Duration(d).String(); got != want {
			t.Errorf("%s is written %q, want %q", d, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := genDuration().Draw(t, "duration")
		if back, err := identity.ParseDuration(d.String()); err != nil || back != d {
			t.Fatalf("%s is read as %s, %v", d, back, err)
		}
	})
}

func TestDatesAndDurationsInJSONAndYAML(t *testing.T) {
	type both struct {
		Day    identity.Date     `json:"day" yaml:"day"`
		Length identity.Duration `json:"length" yaml:"length"`
	}
	v := both{identity.DateOf(time.Date(2027, 3, 31, 23, 59, 0, 0, time.UTC)), identity.Duration(36 * time.Hour)}
	data, err := json.Marshal(v)
	if err != nil || string(data) != `{"day":"2027-03-31","length":"1d12h"}` {
		t.Errorf("JSON is %s, %v", data, err)
	}
	var back both
	if err := json.Unmarshal(data, &back); err != nil || back != v {
		t.Errorf("JSON is read as %v, %v", back, err)
	}
	text, err := yaml.Dump(v)
	if err != nil || string(text) != "day: 2027-03-31\nlength: 1d12h\n" {
		t.Errorf("YAML is %q, %v", text, err)
	}
	for _, spelling := range []string{string(text), "day: '2027-03-31'\nlength: 36h\n"} {
		var back both
		if err := yaml.Load([]byte(spelling), &back); err != nil || back != v {
			t.Errorf("%q is read as %v, %v", spelling, back, err)
		}
	}
	for _, bad := range []string{`{"day":"2027-02-29"}`, `{"day":"2027-03-31T00:00:00Z"}`, `{"day":7}`, `{"length":"-1h"}`, `{"length":"soon"}`} {
		if err := json.Unmarshal([]byte(bad), &both{}); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

func TestTheDayItselfCounts(t *testing.T) {
	d, err := identity.ParseDate("2027-12-31")
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC); !d.End().Equal(want) {
		t.Errorf("ends %s, want %s", d.End(), want)
	}
	if got := identity.DateOf(time.Date(2027, 12, 31, 20, 0, 0, 0, time.FixedZone("", -5*3600))).String(); got != "2028-01-01" {
		t.Errorf("the day in UTC is %s", got)
	}
}
