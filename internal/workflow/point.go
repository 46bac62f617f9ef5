package workflow

// Point is a point between two steps of a walk.
type Point struct {
	Subject Subject
	Step    PointStep
	What    string // the effect's What, at the points around an effect
}

// PointStep names the step that a Point stands behind.
type PointStep string

// The points. A crash at each leaves: Observed, Decided: nothing; Committed: an
// intent without an effect; Reached: an effect without its record; Recorded:
// an effect with its record, not read back; Sealed: all done.
const (
	Observed  PointStep = "observed"
	Decided   PointStep = "decided"
	Committed PointStep = "committed"
	Reached   PointStep = "applied"
	Recorded  PointStep = "recorded"
	Sealed    PointStep = "sealed"
)
