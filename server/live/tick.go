package live

import "time"

// Before a crowd all topics are answered at common ticks, and what is new leaves together: one write for a viewer and
// tick. Two updates a second are enough for people, and writing to everybody is what a crowd costs.

const (
	// crowd is from how many viewers on there are ticks of half a second, largeCrowd from how many on of a second.
	crowd, largeCrowd = 2_000, 8_000
	// longestHold is the most that a frame waits for the other answers of its tick.
	longestHold = 150 * time.Millisecond
)

// tickFor is the time between two ticks for so many viewers; 0: there are none, each topic goes by itself.
func tickFor(viewers int) time.Duration {
	switch {
	case viewers >= largeCrowd:
		return time.Second
	case viewers >= crowd:
		return time.Second / 2
	}
	return 0
}

// floor is the tick before a moment, or the moment when there are no ticks. The clock's steps do not matter to it.
func floor(at time.Time, tick time.Duration) time.Time {
	if tick == 0 || at.IsZero() {
		return at
	}
	wall := at.Round(0)
	return at.Add(wall.Truncate(tick).Sub(wall)) // Truncate alone would forget the monotonic clock
}

// ceil is the tick from a moment on.
func ceil(at time.Time, tick time.Duration) time.Time {
	if down := floor(at, tick); down.Before(at) {
		return down.Add(tick)
	}
	return at
}

// due is the moment from which a topic should be answered again: a tick, before a crowd. The caller holds mu.
func (p *Publisher) due(t *topic) time.Time { return ceil(t.due(), p.tick) }

// hold makes the hub silent from the first answer of a tick on. The caller holds mu.
func (p *Publisher) hold(now time.Time) {
	if p.tick > 0 && p.held.IsZero() {
		p.held = now
		p.Hub.Hold()
	}
}

// release lets go what is held when all answers have come, or after longestHold; what comes later waits for the rest of
// its tick again. It returns when to look again at the latest; zero: nothing is held. The caller holds mu.
func (p *Publisher) release(now time.Time) time.Time {
	if p.held.IsZero() {
		return time.Time{}
	}
	busy := p.pulse.running || p.room() < atOnce
	if busy && now.Sub(p.held) < longestHold {
		return p.held.Add(longestHold)
	}
	p.Hub.Release()
	p.held = time.Time{}
	if !busy {
		return time.Time{}
	}
	p.hold(now)
	return now.Add(longestHold)
}
