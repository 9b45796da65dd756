package views

import "github.com/a-h/templ"

// FeedsBoard is the Feeds page's panels, each in its place.
type FeedsBoard struct {
	Table, Rejects, Paths, Conflicts, Letters, Truth, Spools templ.Component

	Windows []Link // the same page with other windows for the paths
	Operate bool   // the person may send dead letters again
}

// FeedTable is every feed and kind.
type FeedTable struct {
	Panel
	Rows []FeedLine
}

// FeedLine is one feed and kind.
type FeedLine struct {
	Key, Feed, Kind        string
	LastEvent, LastReceipt Ago
	Rate                   string // "12.4", events a minute
	Spark                  Spark
	Coverage               Coverage
	Alarm                  string // why somebody must look at it now; empty when nobody has to
	Lag                    string
	Late                   bool

	Accepted, Rejected, Duplicates, Repeats, Conflicts, Letters string

	SomeRejected, SomeConflicts, SomeLetters bool // what is not zero stands out
}

// Ago is the age of a moment.
type Ago struct{ Text, ISO string }

// Spark is the last hour as an area of 60 × 16.
type Spark struct{ Path, Label string }

// Coverage is what came against what usually comes. Width is a percentage for the SVG attribute.
type Coverage struct {
	Text, Sub, Width string
	Low, None        bool
}

// Rejects lists why events were refused.
type Rejects struct {
	Panel
	Rows []Reject
	More string
}

// Reject is one reason.
type Reject struct{ Feed, Kind, Field, Reason, Count, Last, LastISO string }

// PathTable lays the paths of each source side by side.
type PathTable struct {
	Panel
	Sources []PathSource
}

// PathSource is one source.
type PathSource struct {
	Name        string
	Totals      []PathTotal
	Unconfirmed []string // exact, by currency; none: everything is confirmed
	Header      []string
	Rows        []PathLine // newest first
}

// PathTotal is one sum above the table. Kind picks its sign.
type PathTotal struct {
	Kind, Label, Value string
	Some               bool
}

// PathLine is one step. Cells belong to the header's, after the time.
type PathLine struct {
	Time, ISO string
	Cells     []string
	Strip     []Slice
	Differs   bool
}

// Slice is a part of a strip, in percent for SVG attributes.
type Slice struct{ Kind, X, Width string }

// Conflicts lists copies that say something else than the first one.
type Conflicts struct {
	Panel
	Rows []Conflict
	More string
}

// Conflict is one such copy.
type Conflict struct {
	When, WhenISO, Feed, Path, Name string
	Differs                         []Difference
}

// Difference is what two copies say.
type Difference struct{ What, First, Other string }

// Letters are the dead letters by what is wrong with them.
type Letters struct {
	Panel
	Groups []LetterGroup
	Result string // what became of the last try to send some again; empty: there was none
	Failed bool
}

// LetterGroup is letters of one kind with one reason.
type LetterGroup struct{ Kind, Reason, Feeds, Count, Oldest, Newest string }

// Truth is the last comparison of totals with truth.
type Truth struct {
	Panel
	Lines       []TruthLine
	Differences []TruthDifference
	More        string
}

// TruthLine is one kind's.
type TruthLine struct {
	Kind, When, WhenISO, Took, Says string
	Wrong                           bool
}

// TruthDifference is one total that was wrong.
type TruthDifference struct {
	Table, Where, Rollup, Truth, State string
	Open                               bool
}

// Spools is the way from the disk into the engine.
type Spools struct {
	Panel
	Rows []SpoolLine
}

// SpoolLine is one kind's.
type SpoolLine struct{ Kind, Waiting, Bytes, Oldest, Kept, Trouble string }

// firstFeedCommands make a feed and send its first event.
const firstFeedCommands = `TOKEN=$(warroom token create --name actblue --role feed)
curl -X POST -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -d '{"id":"first","occurred_at":"2026-11-03T20:14:05-05:00","amount":"25.00"}' \
  http://127.0.0.1:8080/v1/donations`
