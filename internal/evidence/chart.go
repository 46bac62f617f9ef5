package evidence

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/keyreeve/keyreeve/approvals"
	"github.com/keyreeve/keyreeve/internal/audit"
)

// Chart is a picture, drawn as SVG, with the same numbers as text.
type Chart struct {
	Title string
	Bars  []Bar
	Unit  string
}

// Bar is one bar of a chart.
type Bar struct {
	Label string
	Value float64
	Shown string // the value, as it is written
}

// slot is a part of the period: a day, or as many as make at most 31 of them.
func (in Input) slots() (starts []time.Time, length time.Duration) {
	const day = 24 * time.Hour
	from := in.From.UTC().Truncate(day)
	days := int(in.To.Sub(from)+day-1) / int(day)
	length = day * time.Duration(max(1, (days+30)/31))
	for at := from; at.Before(in.To); at = at.Add(length) {
		starts = append(starts, at)
	}
	return starts, length
}

func charts(in Input) []Chart {
	starts, length := in.slots()
	count := func(title string, times []time.Time) Chart {
		c := Chart{Title: title, Unit: per(length)}
		for _, at := range starts {
			n := 0
			for _, t := range times {
				if in.within(t) && !t.Before(at) && t.Before(at.Add(length)) {
					n++
				}
			}
			c.Bars = append(c.Bars, Bar{at.Format(time.DateOnly), float64(n), fmt.Sprint(n)})
		}
		return c
	}
	var asked, approved []time.Time
	for _, q := range in.Requests {
		asked = append(asked, q.CreatedAt)
	}
	for _, d := range in.Decisions {
		if d.Decision.Verdict == approvals.Approved {
			approved = append(approved, d.At)
		}
	}
	return []Chart{
		count("Requests opened", asked), count("Approvals", approved),
		readBacks(in, starts, length), revokeTimes(in),
	}
}

func per(length time.Duration) string {
	if days := int(length / (24 * time.Hour)); days > 1 {
		return fmt.Sprintf("per %d days", days)
	}
	return "per day"
}

// readBacks shows how evenly what exists was looked at.
func readBacks(in Input, starts []time.Time, length time.Duration) Chart {
	c := Chart{Title: "Effects that were read back", Unit: per(length)}
	for _, at := range starts {
		n := 0
		for _, s := range in.Steps {
			if s.Step == audit.Verified && !s.Day.Before(at) && s.Day.Before(at.Add(length)) {
				n += s.N
			}
		}
		c.Bars = append(c.Bars, Bar{at.Format(time.DateOnly), float64(n), fmt.Sprint(n)})
	}
	return c
}

// revokeTimes shows in how much time accesses were gone after their end.
func revokeTimes(in Input) Chart {
	bounds := []struct {
		most time.Duration
		name string
	}{{10 * time.Second, "10 s"}, {time.Minute, "1 min"}, {10 * time.Minute, "10 min"}, {time.Hour, "1 h"}, {24 * time.Hour, "1 day"}, {1<<63 - 1, "more"}}
	c := Chart{Title: "Time to revoke, at most", Unit: "accesses that ended"}
	counts := make([]int, len(bounds))
	for _, l := range in.Leases {
		if !in.within(l.RevokedAt) {
			continue
		}
		for i, b := range bounds {
			if lateness(l, in.Now) <= b.most {
				counts[i]++
				break
			}
		}
	}
	for i, b := range bounds {
		c.Bars = append(c.Bars, Bar{b.name, float64(counts[i]), fmt.Sprint(counts[i])})
	}
	return c
}

// SVG draws the chart. Its colours are the page's; its text is escaped.
func (c Chart) SVG() template.HTML {
	const width, height, base, top = 640, 190, 155, 26
	most := 1.0
	for _, b := range c.Bars {
		most = max(most, b.Value)
	}
	var s strings.Builder
	fmt.Fprintf(&s, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, width, height, template.HTMLEscapeString(c.Title))
	step := float64(width) / float64(max(1, len(c.Bars)))
	for i, b := range c.Bars {
		h := b.Value / most * (base - top)
		x := float64(i) * step
		fmt.Fprintf(&s, `<rect class="bar" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s: %s</title></rect>`,
			x+step*0.1, base-h, step*0.8, h, template.HTMLEscapeString(b.Label), template.HTMLEscapeString(b.Shown))
		if b.Value > 0 {
			fmt.Fprintf(&s, `<text class="value" x="%.1f" y="%.1f">%s</text>`, x+step/2, base-h-4, template.HTMLEscapeString(b.Shown))
		}
		at, anchor := x+step/2, "middle"
		if len(c.Bars) > 6 {
			at, anchor = x, "start"
		}
		if every := max(1, (len(c.Bars)+4)/5); i%every == 0 || len(c.Bars) < 7 {
			fmt.Fprintf(&s, `<text class="label" text-anchor="%s" x="%.1f" y="%d">%s</text>`, anchor, at, base+24, template.HTMLEscapeString(b.Label))
		}
	}
	fmt.Fprintf(&s, `<line class="axis" x1="0" y1="%d" x2="%d" y2="%d"/></svg>`, base, width, base)
	return template.HTML(s.String()) //nolint:gosec // every text in it is escaped above, and the rest are numbers
}
