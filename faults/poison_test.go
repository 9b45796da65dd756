package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The engine refuses some rows for what they are. Their neighbours are counted all the same, the bad ones become dead
// letters; when the reason is gone they are sent again, and the totals are complete.
func TestPoisonRows(t *testing.T) {
	f := newFault(t, "poison rows")
	f.note = "a run is a bad row; from “send again” until all are counted"
	p, j := newWarroom(t, t.TempDir()), newJournal("poison")
	p.serve()
	p.asApp("ALTER TABLE campaign.donations ADD CONSTRAINT poison CHECK amount_minor % 97 != 13")
	l := newLoad(t, p, j, 3, 20)
	l.acked(t, pick(60, 250)) // a bad row costs about eight tries
	l.stop()
	l.check(t)
	bad := j.count(func(e *entry) bool { return isPoison(e) && e.acked })
	good := j.count(func(e *entry) bool { return !isPoison(e) && e.acked })
	p.drained()
	if n := p.query("SELECT count() FROM donations")[0][0]; n != fmt.Sprint(good) {
		t.Errorf("%s rows are counted, want %d", n, good)
	}
	f.runs = bad
	p.asApp("ALTER TABLE campaign.donations DROP CONSTRAINT poison")
	since := time.Now()
	if out, errs, code := p.run("replay", "--dead-letters"); code != 0 {
		t.Fatalf("replay --dead-letters: %d %s%s", code, out, errs)
	}
	until(t, "the dead letters are counted", func() bool {
		return p.query("SELECT count() FROM donations")[0][0] == fmt.Sprint(good+bad)
	})
	f.recovered(time.Since(since))
	f.audit(t, p, j)
}

func isPoison(e *entry) bool { return e.minor%97 == 13 }

// asApp runs a statement as the engine's app account, over HTTP.
func (p *warroom) asApp(sql string) {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.data, "engine", "passwords.json"))
	if err != nil {
		p.t.Fatal(err)
	}
	var keys struct{ App string }
	if err := json.Unmarshal(text, &keys); err != nil || keys.App == "" {
		p.t.Fatalf("the app account's password: %v", err)
	}
	ports := regexp.MustCompile(`http=(127\.0\.0\.1:\d+)`).FindAllStringSubmatch(p.log(), -1)
	req, err := http.NewRequest(http.MethodPost, "http://"+ports[len(ports)-1][1], strings.NewReader(sql))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("X-ClickHouse-User", "app")
	req.Header.Set("X-ClickHouse-Key", keys.App)
	resp, err := client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %d", sql, resp.StatusCode)
	}
}
