package server

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"warroom/server/campaign"
	"warroom/server/warehouse"
)

// examine looks for tables that have lost rows since, by the engine's starts and the broken parts that are not handled
// yet, and has the siblings of money and mail fill each other.
func (t *truth) examine(ctx context.Context) error {
	wh, err := t.store.warehouse()
	if err != nil {
		return err
	}
	starts := t.store.starts()
	if err := t.noteBroken(ctx, wh); err != nil {
		return err
	}
	for _, kind := range []campaign.Kind{campaign.Donations, campaign.Emails} { // traffic has no sibling
		if !t.isBroken(kind) {
			continue
		}
		if _, err := wh.Compare(ctx, kind); err != nil {
			return err
		}
	}
	t.store.examined(starts)
	return nil
}

func (t *truth) isBroken(kind campaign.Kind) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.kinds[kind].broken) > 0
}

// noteBroken notes the parts that wait to be refilled.
func (t *truth) noteBroken(ctx context.Context, wh *warehouse.Warehouse) error {
	parts, err := wh.BrokenParts(ctx)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.asked != wh {
		t.asked = wh
		for _, kind := range wh.Rebuilt() {
			parts = append(parts, warehouse.BrokenPart{Kind: kind, Name: "a whole table", At: time.Now()})
		}
	}
	for _, part := range parts {
		k := t.kinds[part.Kind]
		if slices.Contains(t.state.Handled, part.Key()) || slices.Contains(k.broken, part) {
			continue
		}
		k.broken = append(k.broken, part)
		t.logger.Error("a part of a table can't be read and was set aside; its rows are looked for elsewhere",
			"table", part.Table, "part", part.Name)
	}
	return nil
}

// mustMend says whether a kind has lost rows and nobody is after them yet; the caller then has to call mend.
func (t *truth) mustMend(kind campaign.Kind) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.kinds[kind]
	if k.mending || len(k.broken) == 0 {
		return false
	}
	k.mending = true
	return true
}

// mend brings the rows of broken parts back from the spool's kept segments, recomputes what was made of them, and
// judges what is missing then. It tries until the engine does it.
func (t *truth) mend(ctx context.Context, kind campaign.Kind) {
	t.mu.Lock()
	k := t.kinds[kind]
	broken := slices.Clone(k.broken)
	t.mu.Unlock()
	for {
		err := t.refill(ctx, kind, broken)
		if err == nil || ctx.Err() != nil {
			break
		}
		t.logger.Error("lost rows could not be refilled yet, trying again", "kind", kind.String(), "in", retryRepair, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryRepair):
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if k.mending = false; ctx.Err() != nil {
		return // after the next start
	}
	k.broken = slices.DeleteFunc(k.broken, func(p warehouse.BrokenPart) bool { return slices.Contains(broken, p) })
	for _, part := range broken {
		if part.Table != "" {
			t.state.Handled = append(t.state.Handled, part.Key())
		}
	}
	t.save()
}

// refill does one try of mend.
func (t *truth) refill(ctx context.Context, kind campaign.Kind, broken []warehouse.BrokenPart) error {
	began := time.Now()
	rows, err := t.replay(ctx, kind)
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	wh, err := t.store.warehouse()
	if err != nil {
		return err
	}
	if kind != campaign.Emails {
		if err := wh.RefillSketches(ctx, kind); err != nil {
			return err
		}
	}
	// As many as there may be slices of traffic and of old days; the last ones are the proof.
	const looks = 6
	var c warehouse.Comparison
	for range looks {
		if c, err = wh.Compare(ctx, kind); err != nil {
			return err
		}
		t.note(c)
	}
	if kind == campaign.Emails { // made of the sums, which are whole again
		if err := wh.RefillSketches(ctx, kind); err != nil {
			return err
		}
	}
	var held warehouse.TrafficHeld
	if kind == campaign.Traffic {
		if held, err = wh.TrafficHeld(ctx); err != nil {
			return err
		}
	}
	why := t.missing(c, held)
	t.settle(kind, why)
	log, says := t.logger.Info, "lost rows were refilled and the totals are right again"
	if why != "" {
		log, says = t.logger.Error, "lost rows could not all be refilled"
	}
	log(says, "kind", kind.String(), "parts", len(broken), "sent_again", rows, "took", time.Since(began).Round(time.Millisecond),
		"differences", c.Found, "missing", why)
	return nil
}

// missing says in words what has gone of a kind since it was last whole; empty when all is there.
func (t *truth) missing(c warehouse.Comparison, held warehouse.TrafficHeld) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.Kind == campaign.Traffic {
		return lostTraffic(t.state.Traffic, held)
	}
	known, counted := t.state.Rows[c.Kind.String()]
	switch {
	case c.Rows < known:
		return fmt.Sprintf("%d of %d are not in the engine any more, nor among the events kept for a replay", known-c.Rows, known)
	case c.Left > t.state.Accepted[c.Kind.String()]:
		return fmt.Sprintf("in %d minutes more are known than the engine has", c.Left)
	case !counted && len(t.kinds[c.Kind].broken) > 0:
		return "parts of tables were lost before the rows had been counted"
	}
	return ""
}

// lostTraffic says in words what there was of traffic and is not any more, and has not merely reached its age.
func lostTraffic(was, is warehouse.TrafficHeld) string {
	for _, day := range slices.Sorted(maps.Keys(was.Requests)) {
		if lost := int64(was.Requests[day]) - int64(is.Requests[day]); lost > 0 && day >= is.Whole { //nolint:gosec // rows
			return fmt.Sprintf("%d single requests of %s were lost, and are not kept for a replay", lost, day)
		}
	}
	// Sums are dropped after months, an hour at a time or so: a day more than that is a loss.
	if !was.Sums.IsZero() && (is.Sums.IsZero() || is.Sums.Sub(was.Sums) > 24*time.Hour) {
		return "sums by the minute were lost that are older than the single requests"
	}
	return ""
}

// settle notes that rows of a kind are missing, or no longer. The boards say so until it is accepted.
func (t *truth) settle(kind campaign.Kind, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	was, there := t.state.Incomplete[kind.String()]
	switch {
	case why == "" && !there, there && was.Why == why:
		return
	case why == "":
		delete(t.state.Incomplete, kind.String())
		t.logger.Info("all that was missing is there again", "kind", kind.String())
	default:
		if !there {
			was.Since = time.Now()
		}
		was.Why = why
		t.state.Incomplete[kind.String()] = was
		t.logger.Error("events are missing in the engine; accept it with `warroom doctor --accept` when they can't be sent again",
			"kind", kind.String(), "why", why)
	}
	t.save()
}

// accept looks for an operator's word that what is missing is missing.
func (t *truth) accept() {
	file := acceptPath(filepath.Dir(filepath.Dir(t.path)))
	if _, err := os.Stat(file); err != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for kind, i := range t.state.Incomplete {
		t.logger.Warn("an operator accepts that events are missing", "kind", kind, "why", i.Why)
		delete(t.state.Incomplete, kind)
		if k, ok := campaign.ParseKind(kind); ok { // the next comparison says anew what is whole
			delete(t.state.Rows, kind)
			t.state.Accepted[kind] = t.kinds[k].last.Left
		}
		if kind == campaign.Traffic.String() {
			t.state.Traffic = warehouse.TrafficHeld{}
		}
	}
	t.save()
	if err := os.Remove(file); err != nil {
		t.logger.Error("an operator's word could not be taken", "error", err)
	}
}
