package hub

import "slices"

// Hold makes the hub silent: what is published from now on is kept, and whoever joins or takes has it, but nobody is
// told before Release. So all that changes in a tick leaves as one. It is for one publisher, who releases soon.
func (h *Hub) Hold() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = true
}

// Release tells the watchers of everything that was published since Hold. Without a Hold it does nothing.
func (h *Hub) Release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = false
	var groups []*Group // each is told once, or it would look twice
	for _, t := range h.untold {
		t.untold = false
		for _, s := range t.watchers {
			s.box.signal()
		}
		for _, p := range t.parties {
			if !slices.Contains(groups, p.group) {
				groups = append(groups, p.group)
			}
		}
	}
	clear(h.untold)
	h.untold = h.untold[:0]
	for _, g := range groups {
		g.whole.Store(true)
		g.signal()
	}
}

// changed tells the watchers of a topic that it has a new state, or keeps that for later. The caller holds mu.
func (h *Hub) changed(t *topic) {
	switch {
	case !h.held:
		t.tell()
	case !t.untold:
		t.untold = true
		h.untold = append(h.untold, t)
	}
}

// tell tells the watchers. The caller holds Hub.mu.
func (t *topic) tell() {
	for _, s := range t.watchers {
		s.box.signal()
	}
	for _, p := range t.parties {
		p.group.signal()
	}
}
