// Package views is what people see: templ components and the models they show. A model is finished strings; a view
// places them and decides nothing. It knows no clock, no query and no request, and promises that the same model gives
// the same HTML.
package views

import "strings"

// Panel is what every panel says of itself. All strings are finished: a view only places them.
type Panel struct {
	Topic string // "money.hour", or "send.curve:em0906@86400"; the element's id is ID()
	Kinds string // the streams behind it, "donations emails": the page knows from them which feeds to name
	Title string // "Dollars in the last hour"
	Note  string // small print beside the title, or empty
	At    string // data time in the campaign's zone, "10:46:12 PM EDT"
	AtISO string // the same, RFC 3339
	Doubt string // why the figures can't be trusted, in words; empty when they can
	Empty string // what to say instead of figures when there is nothing yet; empty when there is
}

// ID is the id of the panel's element: a frame's HTML takes the place of the element with its id.
// What a topic is about (after a colon) and its span (after an @) are left out: a page has one of each.
func (p Panel) ID() string {
	name, _, _ := strings.Cut(p.Topic, "@")
	name, _, _ = strings.Cut(name, ":")
	return "p-" + strings.ReplaceAll(name, ".", "-")
}

// titleID is the id of the panel's heading, which names the panel for those who listen.
func (p Panel) titleID() string { return p.ID() + "-title" }

// Figure is a number ready to show. Raw lets the page roll from one value to the next.
type Figure struct {
	Text string // "$2,041,330"
	Raw  string // "204133000" in minor units, or the plain number; empty when it can't be rolled
	Unit string // "usd", "count", "percent", "rate"
}

// Change compares a figure with another one.
type Change struct {
	Sign    int    // -1, 0, 1: the arrow; 0 shows none
	Text    string // "38×" or "12 %"
	Against string // "the hour before ($53,120)", or "from the hour before (…)" after a percentage
}

// Headline is the board's first number.
type Headline struct {
	Panel
	Dollars Figure
	Change  Change
	Before  Change   // a second comparison, smaller
	Sub     string   // "$2,043,000 given, $1,670 refunded"
	Others  []string // other currencies, "€1,200": never added
}

// Cell is one small figure with its label.
type Cell struct {
	Label  string
	Figure Figure
	Sub    string
	Doubt  string
}

// Today is the day so far.
type Today struct {
	Panel
	Raised Figure
	Sub    string
	Others []string
	Near   []Neighbour
	Cells  []Cell // gifts, average (with median), donors, recurring share, refunds …
}

// Bars is a ranked list with bars.
type Bars struct {
	Panel
	Rows []Bar
}

// Bar is one row of Bars. Width is a percentage for the SVG attribute, "39.8".
type Bar struct {
	Label, Kind, Value, Share, Width string
}

// Tiles is the map of the states.
type Tiles struct {
	Panel
	Tiles []Tile
	Other string // what has no state: "$12,300 from elsewhere", or empty
	Table [][]string
}

// Tile is one state. Level 0 (nothing) to 9 (most) picks its lightness.
type Tile struct {
	State, Name, Value string
	Short              string // what fits into the tile beside the state, "$12k"; empty on a small map
	Col, Row           int    // 1-based place in the grid of 11 columns and 8 rows
	Level              int
}

// Ticker lists the latest gifts.
type Ticker struct {
	Panel
	Gifts []Gift
}

// Gift is one line of the ticker. Key is stable for one gift, so that new lines can be told from old ones.
type Gift struct {
	Key, Time, Amount, State, Refcode, Kind string
}

// Chart is a place for a chart: its points arrive as data. Table is the same for a reader without the picture.
type Chart struct {
	Panel
	Now  Figure // the figure above the chart, or empty
	Sub  string
	Kind string // "bars" (amounts per time, stacked) or "lines" (rates)
	Unit string // "usd" or "rate"

	Series any        // the points of the first picture, as frames carry them; nil while there are none
	Table  [][]string // the same as finished text, header first
}

// Count is one figure with a line under it.
type Count struct {
	Panel
	Figure Figure
	Sub    string
}

// Mail is the mail of the last hour.
type Mail struct {
	Panel
	Cells  []Cell  // sends, hard bounces, complaints
	Meters []Meter // rates against the limits that get an account reviewed
}

// Meter is a rate against its limit. Width and Mark are percentages for SVG attributes.
type Meter struct {
	Label, Value, Width, Mark, MarkText string
	Over                                bool
	Bare                                bool // there is no limit to mark
}
