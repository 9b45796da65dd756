package board

import (
	"strings"
	"testing"
	"time"
)

func withTopics() []Board {
	charts := Panel{Topic: "money.refcodes", Window: 24 * time.Hour, Windows: []time.Duration{time.Hour, 24 * time.Hour}}
	of := func(topic string) Panel {
		p := Panel{Topic: topic, Window: time.Hour, Windows: []time.Duration{24 * time.Hour}}
		p.Of = func(instance string) Panel {
			about := p
			about.Title = "About " + instance
			return about
		}
		return p
	}
	return []Board{
		{Name: "money", Title: "Money", Path: "/boards/money", Panels: []Panel{{Topic: "money.hour"}, charts}},
		{Name: "send", Title: "Send", Path: "/sends/", Panels: []Panel{of("send.curve"), of("send.variants")}},
	}
}

func TestFind(t *testing.T) {
	for topic, want := range map[string]struct {
		title  string
		window time.Duration
	}{
		"money.hour":                             {},
		"money.refcodes":                         {"", 24 * time.Hour},
		"money.refcodes@3600":                    {"", time.Hour},
		"send.curve:em0906":                      {"About em0906", time.Hour},
		"send.curve:em0906@86400":                {"About em0906", 24 * time.Hour},
		"send.curve:a%20b%2Fc":                   {"About a b/c", time.Hour},
		"send.curve:a%403600":                    {"About a@3600", time.Hour},
		"send.curve:%3A@86400":                   {"About :", 24 * time.Hour},
		"send.variants:" + Instance("Ünï 100 %"): {"About Ünï 100 %", time.Hour},
	} {
		p, ok := Find(withTopics(), topic)
		if !ok || p.Topic != topic || p.Title != want.title || p.Window != want.window || p.Of != nil {
			t.Errorf("%s: found %+v, %v", topic, p, ok)
		}
	}
	for _, topic := range []string{
		"", "money", "money.hour@3600", "money.hour:em0906", "money.refcodes@", "money.refcodes@86400", "money.refcodes@3601",
		"money.refcodes@03600", "money.refcodes@+3600", "money.refcodes@3600@3600", "money.refcodes@99999999999999999999",
		"send.curve", "send.curve:", "send.curve@86400", "send.curve:a b", "send.curve:a/b", "send.curve:a:b", "send.curve:%61",
		"send.curve:%zz", "send.curve:%ff", "send.curve:em0906@3600", "send.curve:" + strings.Repeat("x", longestInstance+1), "send",
	} {
		if p, ok := Find(withTopics(), topic); ok {
			t.Errorf("%q: found %+v", topic, p)
		}
	}
}

func TestNamed(t *testing.T) {
	b, ok := Named(withTopics(), "send:"+Instance("em 09:06"))
	if !ok || b.Name != "send:em%2009%3A06" || b.Path != "/sends/em%2009:06" || b.Title != "Send em 09:06" {
		t.Errorf("the board of a send is %+v, %v", b, ok)
	}
	if len(b.Panels) != 2 || b.Panels[1].Topic != "send.variants:em%2009%3A06" || b.Panels[1].Title != "About em 09:06" {
		t.Errorf("its panels are %+v", b.Panels)
	}
	if over := b.Over(24 * time.Hour); over.Panels[0].Topic != "send.curve:em%2009%3A06@86400" || b.Panels[0].Window != time.Hour {
		t.Errorf("over a day its panels are %+v", over.Panels)
	}
	for _, name := range []string{"send", "send:", "send:%zz", "money:em0906", "", "secret"} {
		if b, ok := Named(withTopics(), name); ok {
			t.Errorf("%q: found %+v", name, b)
		}
	}
	if windows := withTopics()[0].Windows(); len(windows) != 2 || windows[0] != time.Hour {
		t.Errorf("the money board offers %v", windows)
	}
}

func FuzzFind(f *testing.F) {
	for _, topic := range []string{"money.refcodes@3600", "send.curve:a%403600@86400", "send.curve::@"} {
		f.Add(topic)
	}
	boards := withTopics()
	f.Fuzz(func(t *testing.T, topic string) {
		if p, ok := Find(boards, topic); ok && p.Topic != topic {
			t.Errorf("%q was found as %q", topic, p.Topic)
		}
		id := topic
		if len(id) > longestInstance || id == "" {
			return
		}
		if p, ok := Find(boards, "send.curve:"+Instance(id)+"@86400"); ok != (strings.ToValidUTF8(id, "") == id) || ok && p.Title != "About "+id {
			t.Errorf("about %q was found %+v, %v", id, p, ok)
		}
	})
}
