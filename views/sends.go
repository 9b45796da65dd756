package views

// Sends is the list of all blasts.
type Sends struct {
	Panel
	Rows  []SendRow
	Small string // what final and projected mean
}

// SendRow is one blast. Curve is the path of a picture of 100 × 24.
type SendRow struct {
	ID, Path, When, Age string
	Raised              Figure
	Gifts               string
	Final, Band         string // "≈ $412,000" and "$350,000–$480,000"; "final"
	Each                string // a thousand delivered mails brought
	Curve               string
	Counts              []SendCount
}

// SendCount is a count and what part of the mails it is. Over says in words which limit it is over.
type SendCount struct {
	Label, Value, Sub, Over string
}

// SendSummary is one blast so far.
type SendSummary struct {
	Panel
	When   string
	Raised Figure
	Sub    string
	Cells  []Cell
}

// Projection is where a blast will end, told at several ages.
type Projection struct {
	Panel
	Rows  []ProjectionRow
	Small string // how it is told
}

// ProjectionRow is one age. From, Width, Mark and Raised are percentages of the scale for SVG attributes.
type ProjectionRow struct {
	Label, Sub, Value, Band   string
	From, Width, Mark, Raised string
	Final                     bool
}

// describe says what the picture draws.
func (r ProjectionRow) describe() string {
	text := r.Label + ", " + r.Sub + ": " + r.Value
	if r.Band != "" {
		text += ", band " + r.Band
	}
	return text
}

// Variants are the versions of a blast side by side.
type Variants struct {
	Panel
	First  string   // "a, 390,000 delivered"
	Others []string // the same of the others
	Rows   []VariantRow
	Small  string // how sure is told
}

// VariantRow is one measure of another version against the first. From, Width and Mark are percentages for SVG
// attributes of a scale from half to twice the first one's rate.
type VariantRow struct {
	Label, First, Other, Difference, Band string
	From, Width, Mark                     string
	Sure                                  string
	IsSure                                bool
}

// describe says what the picture draws.
func (r VariantRow) describe() string {
	return r.Label + ": " + r.Difference + ", between " + r.Band
}
