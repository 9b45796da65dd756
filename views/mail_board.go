package views

// Quota is the rate of sending against the provider's quota.
type Quota struct {
	Panel
	Rate   Figure
	Unit   string // "a second"
	Sub    string
	Meters []Meter
}

// Lag is how long mail takes.
type Lag struct {
	Panel
	Lag   Figure
	Sub   string
	Cells []Cell
	Small string // how it is told
}

// Limits are rates against the limits that get an account reviewed and paused.
type Limits struct {
	Panel
	Lines []LimitLine
	Small string
}

// LimitLine is one rate, its count, and where it goes.
type LimitLine struct {
	Meter
	Count, Says string
}

// Providers is mail by mailbox provider.
type Providers struct {
	Panel
	Rows []ProviderRow
}

// ProviderRow is one mailbox provider.
type ProviderRow struct {
	Name, Sent                                          string
	Delivered, Hard, Soft, Complaint, Delayed, Rejected SendCount
	HardMeter, ComplaintMeter                           Meter
}
