package board

import (
	"testing"
	"time"
)

// What leadership watches is as quick as anything; what nobody reads five times a second waits, but never longer than it
// does without data.
func TestPaces(t *testing.T) {
	panels := leadership(t, newYork(t))
	for topic, want := range map[string]time.Duration{
		"money.hour": 0, "money.today": 0, "money.minutes": 0, "money.steps": 0, "money.latest": 0, "traffic.now": 0,
		"money.channels": listPace, "money.codes": listPace, "money.map": listPace, "money.states": listPace,
		"sends.list": sendPace, "send.gifts": sendPace, "traffic.pages": sendPace,
		"money.week": fleetPace, "fleet.risk": fleetPace, "fleet.hosts": fleetPace,
	} {
		if got := panels[topic].Pace; got != want {
			t.Errorf("%s waits %s, want %s", topic, got, want)
		}
	}
	for topic, p := range panels {
		if p.Pace > p.Query.Every {
			t.Errorf("%s waits %s for a batch, and %s without one", topic, p.Pace, p.Query.Every)
		}
	}
}

// Panels with one query are asked together: over the same span they must give it the same parameters.
func TestPanelsOfOneQueryAskTheSame(t *testing.T) {
	asked := map[string]map[string]string{}
	panels := leadership(t, newYork(t))
	shared := 0
	for topic, p := range panels {
		if p.Of != nil {
			p = p.About("em0906a")
		}
		params := p.Params(Moment{At: evening(t).At, Window: p.Window})
		known := asked[p.Query.SQL]
		if known == nil {
			asked[p.Query.SQL] = params
			continue
		}
		shared++
		for name, value := range params {
			if known[name] != value || len(known) != len(params) {
				t.Errorf("%s asks its query with another %s: %q, not %q", topic, name, value, known[name])
			}
		}
	}
	if shared < 8 {
		t.Errorf("%d panels share a query", shared)
	}
}
