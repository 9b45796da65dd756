package warehouse

import (
	"context"

	"warroom/server/campaign"
)

// SaveLetters keeps what is known of dead letters where boards and analysts can read it; a letter that was saved before
// is replaced. The events themselves stay in the sink's files.
func (w *Warehouse) SaveLetters(ctx context.Context, letters []campaign.DeadLetter) error {
	if len(letters) == 0 {
		return nil
	}
	err := w.insertLetters(ctx, letters)
	if err != nil {
		w.errs.Add(1)
	}
	return err
}

func (w *Warehouse) insertLetters(ctx context.Context, letters []campaign.DeadLetter) error {
	const what = "save the dead letters"
	ctx, release := patient(ctx)
	defer release()
	w.inserts.Add(1)
	batch, err := w.write.PrepareBatch(ctx,
		"INSERT INTO dead_letters (kind, feed, segment, n, at, reason, settled_at, version)")
	if err != nil {
		return outcome(what, err)
	}
	defer func() { _ = batch.Close() }()
	version := w.version()
	for _, l := range letters {
		err := batch.Append(l.Kind.String(), l.Feed, l.Segment, l.N, moment(l.At), l.Reason, moment(l.Settled), version)
		if err != nil {
			return outcome(what, err)
		}
	}
	return outcome(what, batch.Send())
}
