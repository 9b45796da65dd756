package server

import (
	"slices"
	"time"

	"warroom/server/board"
	"warroom/server/campaign"
	"warroom/server/warehouse"
)

// doubt says why figures of these kinds can't be trusted; empty when they can.
func (t *truth) doubt(kinds ...campaign.Kind) string {
	if !t.store.examinedAll() {
		return "the engine was started again and its tables are being looked at"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, kind := range kinds {
		if k := t.kinds[kind]; k.mending || len(k.broken) > 0 {
			return "some " + kind.String() + " were lost in the engine and are being brought back"
		}
		if i, there := t.state.Incomplete[kind.String()]; there {
			return i.about(kind.String())
		}
	}
	return ""
}

// truthReport is what is known of totals and truth, one of each kind.
type truthReport struct {
	Kinds []truthOfKind
}

type truthOfKind struct {
	Kind                    campaign.Kind
	At                      time.Time // when the last comparison began; zero before the first
	Took                    time.Duration
	Checks, Found, Repaired uint64                 // since the start
	Newest                  []warehouse.Difference // newest last
	Trouble                 string                 // why it can't be compared, or what is missing; empty when all is well
	Incomplete              bool
}

func (t *truth) report() (r truthReport) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, kind := range campaign.Kinds() {
		k := t.kinds[kind]
		of := truthOfKind{Kind: kind, At: k.last.At, Took: k.last.Took, Checks: k.checks, Found: k.found, Repaired: k.repaired,
			Newest: slices.Clone(k.newest), Trouble: k.trouble}
		if i, there := t.state.Incomplete[kind.String()]; there {
			of.Trouble, of.Incomplete = i.about(kind.String()), true
		}
		r.Kinds = append(r.Kinds, of)
	}
	return r
}

// truthChecks is the report as the Feeds page shows it.
func (s *Server) truthChecks() (checks []board.TruthCheck) {
	for _, k := range s.truth.report().Kinds {
		check := board.TruthCheck{Kind: k.Kind, At: k.At, Took: k.Took, Found: int(k.Found), Trouble: k.Trouble} //nolint:gosec // a count
		for _, d := range slices.Backward(k.Newest) {
			check.Differences = append(check.Differences, board.TruthDifference(d))
		}
		checks = append(checks, check)
	}
	return checks
}

// truthPart is what /-/ready says of it.
func (s *Server) truthPart() string {
	if says := s.truth.doubt(campaign.Kinds()...); says != "" {
		return says
	}
	return "ok"
}
