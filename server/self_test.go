package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"warroom/server/campaign"
)

func ownTraffic(appendTo func(records ...[]byte) error) *selfTraffic {
	return &selfTraffic{
		append:  func(_ context.Context, records ...[]byte) error { return appendTo(records...) },
		visitor: func(address, _ string, _ time.Time) string { return "of " + address },
		logger:  slog.New(slog.DiscardHandler),
	}
}

func TestOwnRequestsAreCounted(t *testing.T) {
	var kept []campaign.Request
	s := ownTraffic(func(records ...[]byte) error {
		for _, record := range records {
			q, err := campaign.DecodeRequest(string(record))
			if err != nil {
				t.Error(err)
			}
			kept = append(kept, q)
		}
		return nil
	})
	site := s.wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no tea", http.StatusTeapot) }))
	site.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/boards/x?secret=1", nil))
	program := httptest.NewRequest(http.MethodPost, "/v1/traffic", nil)
	program.Header.Set("Authorization", "Bearer x")
	site.ServeHTTP(httptest.NewRecorder(), program)
	if s.flush(t.Context()); len(kept) != 2 {
		t.Fatalf("%d requests were kept", len(kept))
	}
	if q := kept[0]; q.App != "warroom" || q.Status != http.StatusTeapot || q.Path != "/boards/x" || q.Bytes != 7 || q.Weight != 1 || q.VisitorKey != "of 192.0.2.1" {
		t.Errorf("kept %+v", q)
	}
	if kept[1].VisitorKey != "" || kept[1].Method != http.MethodPost {
		t.Errorf("a sender counts as a visitor: %+v", kept[1])
	}
}

// Under a flood a record stands for several requests; with its weight none is missing from the sums.
func TestOwnRequestsOfAFloodAreSampledWithWeights(t *testing.T) {
	var kept []campaign.Request
	s := ownTraffic(func(records ...[]byte) error {
		for _, record := range records {
			q, err := campaign.DecodeRequest(string(record))
			if err != nil {
				t.Error(err)
			}
			kept = append(kept, q)
		}
		return nil
	})
	site := s.wrap(http.NotFoundHandler())
	send := func(requests int) (records int, weight float64) {
		for range requests {
			site.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
		}
		kept = nil
		s.flush(t.Context())
		for _, q := range kept {
			weight += q.Weight
		}
		return len(kept), weight
	}
	if records, weight := send(selfWhole); records != selfWhole || weight != selfWhole {
		t.Errorf("%d records with the weight %v of %d requests", records, weight, selfWhole)
	}
	const flood = selfWhole + 5*selfShare + 3
	if records, weight := send(flood); records != selfWhole+5 || weight != flood-3 {
		t.Errorf("%d records with the weight %v of %d requests", records, weight, flood)
	}
	if records, weight := send(1); records != 1 || weight != 4 {
		t.Errorf("%d records with the weight %v: want the 3 of the flood's end with the next", records, weight)
	}
}

func TestOwnRequestsNeverPileUp(t *testing.T) {
	s := ownTraffic(func(...[]byte) error { return errors.New("the disk is full") })
	site := s.wrap(http.NotFoundHandler())
	const flood = selfWhole + (selfMost-selfWhole)*selfShare
	for range flood + 5*selfShare {
		site.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	}
	if s.Dropped() != 5*selfShare {
		t.Errorf("%d dropped before the flush, want %d", s.Dropped(), 5*selfShare)
	}
	if s.flush(t.Context()); s.Dropped() != flood+5*selfShare {
		t.Errorf("%d dropped after a failed flush", s.Dropped())
	}
}
