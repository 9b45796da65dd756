// Package board is what the boards consist of: one file per panel, each tying a query, a mapping of its rows and a
// view. It runs no query itself, knows no clock and no HTTP: whoever asks says as of which moment, and gets a finished
// answer. It promises that the same rows and the same moment give the same bytes.
package board

import (
	"time"

	"github.com/a-h/templ"

	"warroom/queries"
	"warroom/server/campaign"
)

// Options are what the campaign decides about all its boards.
type Options struct {
	Zone     *time.Location // day edges and labels
	Currency string         // ISO 4217, the one of the headlines; other currencies are shown beside it, never added
}

// Board is a named list of panels.
type Board struct {
	Name, Title string // "leadership", "Leadership"
	Panels      []Panel
}

// Panel ties a query to what becomes of its rows.
type Panel struct {
	Topic  string          // "money.hour": names it in websocket frames, URLs and /metrics
	Title  string          // "Dollars in the last hour"
	Note   string          // small print beside the title, "last hour"; fragments have it already
	Unit   string          // the query header's: "count", "rate", "percent", or "usd" (the code of another currency)
	Chart  string          // how the page draws the Series: "bars" or "lines"; empty for panels with a Fragment
	Kinds  []campaign.Kind // the streams behind it: a confirmed batch of one of them makes it due
	Query  queries.Query
	Inside bool          // answered from what the process knows: its query has no SQL, and it has no past
	Window time.Duration // how far it looks back; 0 when the query fixes it
	// Params are the values of the query's {name:Type} placeholders.
	Params func(m Moment) map[string]string
	// Answer reads all rows. An error means that the query and this program disagree.
	Answer func(rows Rows, m Moment) (Answer, error)
}

// Moment is the question beside the query.
type Moment struct {
	At     time.Time     // as of when, UTC
	Window time.Duration // the panel's, or what the URL asked for
	Doubt  string        // why the figures can't be trusted right now, in words; empty when they can
}

// Answer is a panel's state at a moment. Exactly one of Value, Series and Rows is set; it is what the API gives as
// JSON. Fragment is the panel as HTML; charts have none, their Series goes to the browser as data.
type Answer struct {
	Value    any
	Series   *Series
	Rows     any
	Fragment templ.Component
}

// Series is columns of equal length, oldest first. A missing point is null.
type Series struct {
	Times   []int64    `json:"times"` // Unix seconds: the start of each step
	Step    int        `json:"step"`  // seconds
	Columns []Lane     `json:"columns"`
	Doubt   string     `json:"doubt,omitempty"`
	Table   [][]string `json:"-"` // the same as finished text, header first, for readers without the picture
}

// Lane is one line or one layer of bars.
type Lane struct {
	Name   string     `json:"name"`  // "one-time"
	Label  string     `json:"label"` // what the legend says
	Unit   string     `json:"unit"`
	Values []*float64 `json:"values"` // for money: major units, for drawing only; exact sums are in the panels
}

// Rows is a query's result, read from top to bottom.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
}
