package ingest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"warroom/server/campaign"
)

func TestARepeatGetsTheStoredAnswer(t *testing.T) {
	r := newRig(t)
	for name, body := range map[string]string{
		"all good": gift("a") + gift("b"),
		"some bad": "[" + gift("a") + "," + gift("a") + ",{}]",
		"all bad":  `{"id":"x"}`,
		"empty":    `[]`,
	} {
		first := r.post(campaign.Donations, body, "Idempotency-Key", name)
		kept := len(r.donations())
		if kept != first.Accepted || first.Header().Get("Idempotency-Replayed") != "" {
			t.Errorf("%s: %d are kept of %s", name, kept, first.body)
		}
		before := r.Feeds()
		for _, restart := range []bool{false, true} {
			if restart {
				_ = r.Close()
				r.open()
			}
			for _, key := range []string{name, `"` + name + `"`} {
				again := r.post(campaign.Donations, body, "Idempotency-Key", key)
				if again.Code != first.Code || again.body != first.body ||
					again.Header().Get("Content-Type") != first.Header().Get("Content-Type") {
					t.Errorf("%s, restart %t: got %d %s, want %d %s", name, restart, again.Code, again.body, first.Code, first.body)
				}
				if again.Header().Get("Idempotency-Replayed") != "true" {
					t.Errorf("%s: the repeat doesn't say that it is one", name)
				}
			}
			if !restart && fmt.Sprint(r.Feeds()) != fmt.Sprint(before) {
				t.Errorf("%s: a repeat was counted", name)
			}
		}
		if got := r.donations(); len(got) != 0 {
			t.Errorf("%s: the repeats kept %d events", name, len(got))
		}
		other := r.post(campaign.Donations, body+" ", "Idempotency-Key", name).is(422, 0, 0, 0)
		if other.Field != "Idempotency-Key" || !strings.Contains(other.Detail, "another body") {
			t.Errorf("%s: got %s", name, other.body)
		}
	}
}

func TestAKeyBelongsToOneFeedAndKind(t *testing.T) {
	r := newRig(t)
	r.post(campaign.Donations, gift("a"), "Idempotency-Key", "k").is(202, 1, 0, 0)
	r.post(campaign.Emails, mail("a"), "Idempotency-Key", "k").is(202, 1, 0, 0)
	r.post(campaign.Emails, mail("b"), "Idempotency-Key", "k", "Authorization", "Bearer "+mailOnly).is(202, 1, 0, 0)
	if len(r.emails()) != 2 {
		t.Error("keys of different feeds met")
	}
}

func TestTheSameBodyPackedDifferentlyIsTheSame(t *testing.T) {
	r := newRig(t)
	r.post(campaign.Donations, gift("a"), "Idempotency-Key", "k").is(202, 1, 0, 0)
	r.post(campaign.Donations, gzipped(t, gift("a")), "Idempotency-Key", "k", "Content-Encoding", "gzip").is(202, 1, 0, 0)
	if got := len(r.donations()); got != 1 {
		t.Errorf("%d are kept, want 1", got)
	}
}

func TestOnlyFinalAnswersAreKept(t *testing.T) {
	r := newRig(t)
	spool := r.spools[campaign.Donations]
	spool.fail(errors.New("full"))
	r.post(campaign.Donations, gift("a"), "Idempotency-Key", "k").is(503, 0, 0, 0)
	spool.fail(nil)
	r.post(campaign.Donations, "nonsense", "Idempotency-Key", "k").is(422, 0, 0, 1)
	r.post(campaign.Donations, gift("a"), "Idempotency-Key", "k", "Authorization", "Bearer x").is(401, 0, 0, 0)
	r.post(campaign.Donations, gift("a"), "Idempotency-Key", "k").is(202, 1, 0, 0)
}

func TestAnAnswerThatCantBeKeptIsNotGiven(t *testing.T) {
	r := newRig(t)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r.post(campaign.Donations, gift("a"), "Idempotency-Key", "k").is(503, 0, 0, 0)
	r.post(campaign.Donations, gift("a")).is(202, 1, 0, 0) // without a key nothing has to be kept
}

func TestKeys(t *testing.T) {
	r := newRig(t)
	for _, key := range []string{"k", `"k"`, strings.Repeat("x", 255), `"` + strings.Repeat("x", 255) + `"`, `"a\"b\\c"`,
		"a b"} {
		r.post(campaign.Donations, gift("a"), "Idempotency-Key", key).is(202, 1, 0, 0)
	}
	for _, key := range []string{`""`, `" `, `"`, `"a`, `"a"b`, `"a\b"`, `"a\`, strings.Repeat("x", 256), "é", "a\tb",
		" "} {
		if res := r.post(campaign.Donations, gift("a"), "Idempotency-Key", key).is(400, 0, 0,
			0); res.Field != "Idempotency-Key" {
			t.Errorf("%q: got %s", key, res.body)
		}
	}
}

func TestARequestInFlightBlocksItsRepeat(t *testing.T) {
	r := newRig(t)
	spool := r.spools[campaign.Donations]
	spool.entered, spool.gate = make(chan struct{}), make(chan struct{})
	first := make(chan *result)
	go func() { first <- r.post(campaign.Donations, gift("a"), "Idempotency-Key", "k") }()
	<-spool.entered
	res := r.post(campaign.Donations, gift("a"), "Idempotency-Key", "k").is(409, 0, 0, 0)
	if res.Header().Get("Retry-After") != "1" {
		t.Errorf("Retry-After is %q", res.Header().Get("Retry-After"))
	}
	close(spool.gate)
	(<-first).is(202, 1, 0, 0)
	r.post(campaign.Donations, gift("a"), "Idempotency-Key", "k").is(202, 1, 0, 0)
	if got := len(r.donations()); got != 1 {
		t.Errorf("%d are kept, want 1", got)
	}
}

// Many senders with many keys at once: each key's events are kept once, and all answers outlive the process.
func TestManyKeysAtOnce(t *testing.T) {
	r := newRig(t)
	const senders, keys = 8, 25
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for n := range keys {
				for {
					key := fmt.Sprint("k", n)
					res := r.post(campaign.Donations, gift(key), "Idempotency-Key", key)
					if res.Code == 202 {
						break
					}
					if res.Code != 409 {
						t.Errorf("%s: got %d", key, res.Code)
						break
					}
				}
			}
		})
	}
	all.Wait()
	if got := len(r.donations()); got != keys {
		t.Errorf("%d are kept, want %d", got, keys)
	}
	_ = r.Close()
	r.open()
	for n := range keys {
		key := fmt.Sprint("k", n)
		r.post(campaign.Donations, gift(key), "Idempotency-Key", key).is(202, 1, 0, 0)
	}
	if got := len(r.donations()); got != 0 {
		t.Errorf("%d are kept again after the restart", got)
	}
}

func TestAnswersAreForgottenAfterADay(t *testing.T) {
	r := newRig(t)
	r.post(campaign.Donations, gift("a"), "Idempotency-Key", "k").is(202, 1, 0, 0)
	r.clock = noon.Add(24*time.Hour - time.Minute)
	r.post(campaign.Donations, gift("a"), "Idempotency-Key", "k").is(202, 1, 0, 0)
	if got := len(r.donations()); got != 1 {
		t.Fatalf("%d are kept, want 1", got)
	}
	r.clock = noon.Add(24*time.Hour + time.Minute)
	r.post(campaign.Donations, gift("b"), "Idempotency-Key", "k").is(202, 1, 0, 0)
	if got := r.donations(); len(got) != 1 || got[0].ID != "b" {
		t.Errorf("a key of yesterday can't be used: %+v", got)
	}
	r.clock = noon.Add(48 * time.Hour)
	r.post(campaign.Donations, gift("c"), "Idempotency-Key", "other").is(202, 1, 0, 0)
	files, err := filepath.Glob(filepath.Join(r.state, "answers", "*"))
	if err != nil || len(files) > 2 {
		t.Errorf("old files stay: %v, %v", files, err)
	}
}

// A file that was cut or damaged anywhere loses answers at most.
func TestDamagedAnswers(t *testing.T) {
	r := newRig(t)
	for _, key := range []string{"a", "b", "c"} {
		r.post(campaign.Donations, gift(key), "Idempotency-Key", key).is(202, 1, 0, 0)
	}
	_ = r.Close()
	files, err := filepath.Glob(filepath.Join(r.state, "answers", "*.answers"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	size := len(whole) / 3
	if err := os.WriteFile(filepath.Join(r.state, "answers", "README"), []byte("not ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) {
		for _, damage := range []func() []byte{
			func() []byte { return whole[:n] },
			func() []byte { b := append([]byte(nil), whole...); b[n] ^= 0x10; return b },
		} {
			if err := os.WriteFile(files[0], damage(), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := openAnswers(filepath.Join(r.state, "answers"), func() time.Time { return noon })
			if err != nil {
				t.Fatalf("byte %d: %v", n, err)
			}
			for i, key := range []string{"a", "b", "c"} {
				p, found, _ := s.claim(s.id("desk", campaign.Donations, key))
				if want := i < n/size; found != want {
					t.Fatalf("byte %d: %s is known: %t, want %t", n, key, found, want)
				}
				if !found {
					continue
				}
				if a, err := s.load(p); err != nil || a.status != 202 || !strings.Contains(string(a.body), `"accepted":1`) {
					t.Fatalf("byte %d: %s is %d %s, %v", n, key, a.status, a.body, err)
				}
			}
			if err := s.close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAnswersFillSeveralFiles(t *testing.T) {
	dir := t.TempDir()
	now := noon
	s, err := openAnswers(dir, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	s.fileSize = 1000
	big := answer{status: 202, body: make([]byte, 600)}
	id := func(n int) answerID { return s.id("f", campaign.Traffic, fmt.Sprint(n)) }
	for n := range 5 {
		now = now.Add(time.Second)
		if err := s.store(id(n), [32]byte{byte(n)}, big); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(s.files); got < 2 {
		t.Errorf("%d files, want several", got)
	}
	_ = s.close()
	if s, err = openAnswers(dir, func() time.Time { return now }); err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		if p, found, free := s.claim(id(n)); !found || !free || p.body[0] != byte(n) {
			t.Errorf("%d is lost", n)
		}
	}
	now = now.Add(answersFor + answersFileAge)
	if err := s.store(id(9), [32]byte{}, answer{status: 422}); err != nil {
		t.Fatal(err)
	}
	if len(s.known) != 1 || len(s.files) != 1 {
		t.Errorf("%d answers in %d files, want the new one only", len(s.known), len(s.files))
	}
	_ = s.close()
}
