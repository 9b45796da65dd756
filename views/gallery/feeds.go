package main

import (
	"fmt"
	"strings"

	"github.com/a-h/templ"

	"warroom/views"
)

// windows are the links of the two paths.
func windows() []views.Link {
	return []views.Link{
		{Path: "/feeds", Text: "1 hour", Current: true}, {Path: "/feeds?window=6h", Text: "6 hours"},
		{Path: "/feeds?window=24h", Text: "24 hours"},
	}
}

func still(topic, title, note, empty string) views.Panel {
	return views.Panel{Topic: topic, Title: title, Note: note, Empty: empty}
}

func feedsBusy() views.FeedsBoard {
	return views.FeedsBoard{
		Table: views.FeedsPanel(feedTable()), Paths: views.PathsPanel(paths()), Rejects: views.RejectsPanel(rejects()),
		Conflicts: views.ConflictsPanel(conflicts()), Letters: views.LettersPanel(letters()),
		Truth: views.TruthPanel(truth()), Spools: views.SpoolsPanel(spools("")), Windows: windows(), Operate: true,
	}
}

func feedTable() views.FeedTable {
	t := views.FeedTable{Panel: panel("feeds.feeds", "Feeds", "as this server receives them")}
	line := func(feed, kind, rate, accepted string, c views.Coverage) views.FeedLine {
		return views.FeedLine{
			Key: feed + "-" + kind, Feed: feed, Kind: kind, Rate: rate, Accepted: accepted, Coverage: c, Spark: sparkOf(len(feed)),
			LastEvent: ago("1 s"), LastReceipt: ago("now"), Lag: "none", Rejected: "0", Duplicates: "3", Repeats: "0", Conflicts: "0", Letters: "0",
		}
	}
	vendor := line("vendor", "donations", "618", "37,114", views.Coverage{Text: "38× usual", Sub: "median of 8 weeks", Width: "100.0"})
	vendor.Rejected, vendor.SomeRejected, vendor.Letters, vendor.SomeLetters = "12", true, "3", true
	mirror := line("mirror", "donations", "0", "36,801", views.Coverage{Text: "only 31 % of usual", Sub: "median of 8 weeks", Width: "31.0", Low: true})
	mirror.LastEvent, mirror.LastReceipt, mirror.Conflicts, mirror.SomeConflicts = ago("14 min"), ago("14 min"), "2", true
	mirror.Repeats, mirror.Alarm = "35,900", "silent for 14 min: about 8,600 events would be usual"
	mail := line("mail", "emails", "68,400", "4,104,220", views.Coverage{Text: "93 % of usual", Sub: "median of 8 weeks", Width: "93.0"})
	mail.Repeats, mail.Lag, mail.Late = "–", "14 s", true
	web := line("web", "traffic", "564,720", "98,120,440", views.Coverage{Text: "no usual yet", None: true})
	web.Repeats = "–"
	t.Rows = []views.FeedLine{mirror, vendor, mail, web}
	return t
}

func ago(text string) views.Ago { return views.Ago{Text: text, ISO: "2012-09-07T02:46:11Z"} }

func sparkOf(seed int) views.Spark {
	var path strings.Builder
	path.WriteString("M0 16")
	for i := range 60 {
		fmt.Fprintf(&path, "V%.1fH%d", 8-6*wobble(i+seed), i+1)
	}
	return views.Spark{Path: path.String() + "V16Z", Label: "at most 812 a minute in the last hour"}
}

func rejects() views.Rejects {
	return views.Rejects{
		Panel: still("feeds.rejects", "Refused, and why", "since the start, newest first", ""), More: "3 more reasons in the JSON",
		Rows: []views.Reject{
			{Feed: "vendor", Kind: "donations", Field: "amount", Reason: `want a positive decimal such as "25.00", without sign, symbol, separators or exponent`, Count: "11", Last: "10:46:02 PM", LastISO: "2012-09-07T02:46:02Z"},
			{Feed: "mail", Kind: "emails", Reason: "is not valid JSON", Count: "1", Last: "9:12:40 PM", LastISO: "2012-09-07T01:12:40Z"},
		},
	}
}

func paths() views.PathTable {
	s := views.PathSource{
		Name: "actblue", Header: []string{"Time", "Matched", "Only vendor", "Only mirror", "Differ", "Unconfirmed"},
		Totals: []views.PathTotal{
			{Kind: "matched", Label: "Matched", Value: "36,212"}, {Kind: "only", Label: "Only vendor", Value: "589"},
			{Kind: "only", Label: "Only mirror", Value: "4"}, {Kind: "differ", Label: "Amounts differ", Value: "2", Some: true},
		},
		Unconfirmed: []string{"$31,410.25 given, −$50.00 taken back", "€20.00"},
	}
	for i := range 60 {
		line := views.PathLine{
			Time: fmt.Sprintf("%d:%02d PM", 10-(13+i)/60, (60+46-i)%60), ISO: "2012-09-07T02:46:00Z",
			Cells: []string{fmt.Sprint(600 - 2*i), "·", "·", "·", ""},
			Strip: []views.Slice{{Kind: "matched", X: "0.00", Width: fmt.Sprintf("%.2f", 88-float64(i)/2)}},
		}
		if i < 14 {
			line.Cells[0], line.Cells[1], line.Cells[4] = "·", "42", "$2,243.60"
			line.Strip = []views.Slice{{Kind: "only0", X: "0.00", Width: "64.00"}}
		}
		if i == 20 {
			line.Cells[3], line.Differs = "2", true
			line.Strip = append(line.Strip, views.Slice{Kind: "differ", X: "78.00", Width: "1.00"})
		}
		s.Rows = append(s.Rows, line)
	}
	return views.PathTable{Panel: panel("feeds.paths", "Two paths side by side", "by when it happened, last 60 min"), Sources: []views.PathSource{s}}
}

func conflicts() views.Conflicts {
	return views.Conflicts{
		Panel: panel("feeds.conflicts", "Conflicts", "the first copy counts; newest first"), More: "75 more in the JSON",
		Rows: []views.Conflict{
			{When: "10:26:31 PM", WhenISO: "2012-09-07T02:26:31Z", Feed: "mirror", Path: "mirror", Name: "actblue 700000001", Differs: []views.Difference{
				{What: "amount", First: "$25.00", Other: "$52.00"}, {What: "time", First: "10:14:05 PM", Other: "6:14:05 PM"},
			}},
			{When: "9:02:10 PM", WhenISO: "2012-09-07T01:02:10Z", Feed: "mail", Name: "ses 0100-4c", Differs: []views.Difference{{What: "kind", First: "bounce hard", Other: "bounce soft"}}},
		},
	}
}

func letters() views.Letters {
	return views.Letters{
		Panel:  still("feeds.letters", "Dead letters", "kept, not counted", ""),
		Result: "Sent again at 10:40:00 PM: donations (ClickHouse refused with code 27): 40 counted, 3 still refused.", Failed: true,
		Groups: []views.LetterGroup{
			{Kind: "donations", Reason: "ClickHouse refused with code 27", Feeds: "vendor", Count: "3", Oldest: "9:58:12 PM", Newest: "10:31:44 PM"},
		},
	}
}

func truth() views.Truth {
	return views.Truth{
		Panel: still("feeds.truth", "Totals against truth", "compared in the background; differences since the start", ""),
		Lines: []views.TruthLine{
			{Kind: "donations", When: "10:44:10 PM", WhenISO: "2012-09-07T02:44:10Z", Took: "412 ms", Says: "1 difference found and repaired"},
			{Kind: "emails", When: "10:44:11 PM", WhenISO: "2012-09-07T02:44:11Z", Took: "1.2 s", Says: "equal"},
			{Kind: "traffic", When: "not yet"},
		},
		Differences: []views.TruthDifference{
			{Table: "donation_minutes", Where: "2012-09-07 02:14 USD gift none", Rollup: "61,204.50", Truth: "61,229.50", State: "repaired"},
		},
	}
}

func spools(trouble string) views.Spools {
	s := views.Spools{Panel: still("feeds.spool", "On disk", "what waits for the engine, and what a replay can use", "")}
	for _, kind := range []string{"donations", "emails", "traffic"} {
		s.Rows = append(s.Rows, views.SpoolLine{Kind: kind, Waiting: "0", Bytes: "0 B", Oldest: "–", Kept: "812 segments, 1.2 GiB, back 23 h", Trouble: trouble})
	}
	return s
}

func feedsDoubt() views.FeedsBoard {
	b := feedsBusy()
	const why = "the engine does not answer; events are kept on disk meanwhile"
	table, two, differ := feedTable(), paths(), conflicts()
	table.Doubt = why + ": what is usual, came again or differs is as of 5 min ago"
	two.Doubt, differ.Doubt = why+" (since 10:41:07 PM EDT)", why+" (since 10:41:07 PM EDT)"
	b.Table, b.Paths, b.Conflicts, b.Spools = views.FeedsPanel(table), views.PathsPanel(two), views.ConflictsPanel(differ), views.SpoolsPanel(spools(why))
	b.Operate = false
	return b
}

func feedsEmpty() views.FeedsBoard {
	table := views.FeedTable{Panel: panel("feeds.feeds", "Feeds", "as this server receives them")}
	table.Empty = "No feed yet."
	return views.FeedsBoard{
		Table:     views.FeedsPanel(table),
		Paths:     views.PathsPanel(views.PathTable{Panel: still("feeds.paths", "Two paths side by side", "", "No source sends over two paths.")}),
		Rejects:   views.RejectsPanel(views.Rejects{Panel: still("feeds.rejects", "Refused, and why", "", "Nothing was refused since the start.")}),
		Conflicts: views.ConflictsPanel(views.Conflicts{Panel: still("feeds.conflicts", "Conflicts", "", "No copy contradicts another.")}),
		Letters:   views.LettersPanel(views.Letters{Panel: still("feeds.letters", "Dead letters", "kept, not counted", "None: everything that was acknowledged could be counted.")}),
		Truth:     views.TruthPanel(views.Truth{Panel: still("feeds.truth", "Totals against truth", "", "Not compared yet since the start.")}),
		Spools:    views.SpoolsPanel(spools("")), Windows: windows(),
	}
}

func feedsLoading() views.FeedsBoard {
	wait := func(topic, title string) templ.Component {
		return views.WaitingPanel(views.Panel{Topic: topic, Title: title})
	}
	return views.FeedsBoard{
		Table: wait("feeds.feeds", "Feeds"), Paths: wait("feeds.paths", "Two paths side by side"), Rejects: wait("feeds.rejects", "Refused, and why"),
		Conflicts: wait("feeds.conflicts", "Conflicts"), Letters: wait("feeds.letters", "Dead letters"),
		Truth: wait("feeds.truth", "Totals against truth"), Spools: wait("feeds.spool", "On disk"), Windows: windows(),
	}
}

func feedsOfThePast() views.FeedsBoard {
	none := func(topic, title string) templ.Component {
		return views.NoPastPanel(still(topic, title, "", "Only the present is known of this: the page without “at” shows it."))
	}
	return views.FeedsBoard{
		Table: none("feeds.feeds", "Feeds"), Paths: views.PathsPanel(paths()), Rejects: none("feeds.rejects", "Refused, and why"),
		Conflicts: views.ConflictsPanel(conflicts()), Letters: none("feeds.letters", "Dead letters"),
		Truth: none("feeds.truth", "Totals against truth"), Spools: none("feeds.spool", "On disk"), Windows: windows(),
	}
}
