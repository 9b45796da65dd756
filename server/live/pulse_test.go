package live_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"warroom/server/board"
	"warroom/server/campaign"
	"warroom/server/hub"
	"warroom/server/live"
)

func TestPulseTellsOfEachKind(t *testing.T) {
	share, less := 0.93, 0.5
	panels := []board.Panel{
		number("money.hour", every, campaign.Donations), number("mail.hour", every, campaign.Emails),
		number("sends", every, campaign.Donations, campaign.Emails), number("feeds", every),
	}
	run(t, panels, func(d *desk) {
		at := time.Now()
		d.kinds = map[string]live.KindPulse{
			"donations": {Coverage: live.Coverage{Feeds: 1, Of: 2}, DataAt: at, CountedTo: at.Add(-time.Second), Usual: &share, Quiet: []string{"stripe"}},
			"emails":    {Coverage: live.Coverage{Feeds: 3, Of: 3}, Usual: &less},
		}
		frames := d.taken(d.hub.Join([]string{"pulse"}))
		var got struct{ Kinds json.RawMessage }
		if err := json.Unmarshal(frames[0].Data, &got); err != nil {
			t.Fatal(err)
		}
		want := `{"donations":{"feeds":1,"of":2,"data_at":"2000-01-01T00:00:00.000Z","counted_to":"1999-12-31T23:59:59.000Z",` +
			`"usual":0.93,"quiet":["stripe"]},"emails":{"feeds":3,"of":3,"usual":0.5,"quiet":[]}}`
		if string(got.Kinds) != want {
			t.Errorf("got %s, want %s", got.Kinds, want)
		}
		for topic, want := range map[string]struct {
			coverage live.Coverage
			usual    *float64
			quiet    []string
		}{
			"money.hour": {live.Coverage{Feeds: 1, Of: 2}, &share, []string{"stripe"}},
			"mail.hour":  {live.Coverage{Feeds: 3, Of: 3}, &less, nil},
			"sends":      {live.Coverage{Feeds: 4, Of: 5}, &less, []string{"stripe"}},
			"feeds":      {live.Coverage{Feeds: 2, Of: 3}, nil, nil},
		} {
			s, err := d.Newest(d.t.Context(), topic)
			if err != nil || *s.Coverage != want.coverage || s.Usual != want.usual || !slices.Equal(s.Quiet, want.quiet) {
				t.Errorf("%s: %+v, usual %v, quiet %v, %v", topic, s.Coverage, s.Usual, s.Quiet, err)
			}
		}
	})
}

func TestWhatATopicCosts(t *testing.T) {
	run(t, money(), func(d *desk) {
		var boxes []*hub.Mailbox
		for range 3 {
			boxes = append(boxes, d.hub.Join([]string{"money.hour"}))
		}
		group := d.hub.Group()
		boxes = append(boxes, group.Join([]string{"money.hour", "pulse"}), group.Join([]string{"money.hour"}))
		want := func(viewers, queries int) {
			t.Helper()
			s, err := d.Newest(d.t.Context(), "money.hour")
			if err != nil || *s.Work != (live.Work{Viewers: viewers, Queries: queries}) {
				t.Errorf("work %+v, %v; want %d viewers, %d queries", s.Work, err, viewers, queries)
			}
		}
		time.Sleep(1100 * time.Millisecond)
		want(5, 0)
		for range 3 {
			d.Confirmed(campaign.Donations)
			time.Sleep(250 * time.Millisecond)
		}
		want(5, 3)
		boxes[0].Leave()
		boxes[3].Leave()
		time.Sleep(time.Second)
		want(3, 0)
		if past, err := d.At(d.t.Context(), "money.hour", time.Now(), 0); err != nil || past.Work != nil || past.Coverage != nil {
			t.Errorf("the past cost %+v, %v", past.Work, err)
		}
	})
}
