package server

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"warroom/server/campaign"
)

// figures is /metrics. What the parts count themselves is read from them at each scrape; only what nobody else knows
// (answers by route) is counted here.
type figures struct {
	http.Handler
	server     *Server
	requests   *prometheus.CounterVec
	seconds    *prometheus.HistogramVec
	known      sync.Map // answered → counters
	cspReports prometheus.Counter
}

func newFigures(s *Server) *figures {
	f := &figures{
		server: s,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "warroom_http_requests_total", Help: "Answers by route, method and status.",
		}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "warroom_http_request_seconds", Help: "Time to answer, websockets excepted.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route"}),
		cspReports: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "warroom_csp_reports_total", Help: "Violations of the content security policy that browsers reported.",
		}),
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(f.requests, f.seconds, f.cspReports, f, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	f.Handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return f
}

// count is the middleware that counts answers. Routes are patterns, so their number is bounded whatever is asked for.
func (f *figures) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		if r.Header.Get("Upgrade") != "" { // a wrapped writer could not be hijacked for nothing gained
			next.ServeHTTP(w, r)
			return
		}
		seen := watched(w, r)
		next.ServeHTTP(seen, r)
		route := chi.RouteContext(r.Context()).RoutePattern()
		if route == "" {
			route = "none"
		}
		to := f.counters(answered{route, knownMethod(r.Method), max(seen.Status(), http.StatusOK)})
		to.requests.Inc()
		to.seconds.Observe(time.Since(started).Seconds())
	})
}

// answered is what answers are counted by.
type answered struct {
	route, method string
	status        int
}

type counters struct {
	requests prometheus.Counter
	seconds  prometheus.Observer
}

// counters are the figures of one sort of answer, looked up by their labels once.
func (f *figures) counters(a answered) counters {
	if known, ok := f.known.Load(a); ok {
		return known.(counters) //nolint:errcheck,forcetypeassert // nothing else is stored
	}
	c := counters{f.requests.WithLabelValues(a.route, a.method, strconv.Itoa(a.status)), f.seconds.WithLabelValues(a.route)}
	f.known.Store(a, c)
	return c
}

func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch:
		return method
	}
	return "other"
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("warroom_"+name, help, labels, nil)
}

// Describe sends nothing: the collector is unchecked, its figures depend on which parts run.
func (f *figures) Describe(chan<- *prometheus.Desc) {}

// Collect reads the parts' own figures.
func (f *figures) Collect(out chan<- prometheus.Metric) {
	s := f.server
	gauge := func(value float64, name, help string, labels ...string) {
		out <- prometheus.MustNewConstMetric(describe(name, help, labelNames(labels)...), prometheus.GaugeValue, value, labelValues(labels)...)
	}
	counter := func(value float64, name, help string, labels ...string) {
		out <- prometheus.MustNewConstMetric(describe(name, help, labelNames(labels)...), prometheus.CounterValue, value, labelValues(labels)...)
	}
	for _, kind := range campaign.Kinds() {
		spool, sink := s.streams.spools[kind].Stats(), s.streams.sinks[kind].Stats()
		gauge(float64(spool.Bytes), "spool_bytes", "Disk space of events that wait for the engine.", "kind", kind.String())
		gauge(float64(spool.Records), "spool_records", "Events that wait for the engine.", "kind", kind.String())
		counter(float64(spool.Damaged), "spool_damaged_records_total", "Records that the disk gave back damaged.", "kind", kind.String())
		counter(float64(sink.Batches), "sink_batches_total", "Batches that the engine confirmed.", "kind", kind.String())
		counter(float64(sink.Rows), "sink_rows_total", "Events that the engine confirmed.", "kind", kind.String())
		counter(float64(sink.Failures), "sink_failures_total", "Attempts to store that failed and were repeated.", "kind", kind.String())
		counter(float64(sink.DeadLetters), "sink_dead_letters_total", "Events that could not be read or that the engine refused, put aside.", "kind", kind.String())
		counter(float64(sink.SentAgain), "sink_sent_again_total", "Events that a replay or a dead letter sent again stored.", "kind", kind.String())
		gauge(float64(s.streams.dead[kind].Open()), "dead_letters", "Events put aside that are not counted yet.", "kind", kind.String())
		gauge(s.streams.lag(kind).Seconds(), "sink_lag_seconds", "Age of the oldest acknowledged event that the boards don't count yet.", "kind", kind.String())
	}
	for _, feed := range s.doors.Feeds() {
		labels := []string{"feed", feed.Feed, "kind", feed.Kind.String()}
		counter(float64(feed.Accepted), "feed_accepted_total", "Events acknowledged.", labels...)
		counter(float64(feed.Rejected), "feed_rejected_total", "Events refused.", labels...)
		counter(float64(feed.Duplicates), "feed_duplicates_total", "Ids repeated inside one request.", labels...)
	}
	board, hub := s.live.Stats(), s.hub.Stats()
	for topic, t := range board.Topics {
		counter(float64(t.Queries), "live_queries_total", "Queries run for a topic, however many watch.", "topic", topic)
		counter(float64(t.Failures), "live_query_failures_total", "Queries of a topic that failed.", "topic", topic)
		counter(float64(t.Published), "live_frames_total", "Frames published on a topic.", "topic", topic)
	}
	gauge(float64(hub.Viewers), "viewers", "Open websockets.")
	if s.self != nil {
		counter(float64(s.self.Dropped()), "own_requests_uncounted_total", "Own requests that were not counted as traffic.")
	}
	f.collectTruth(gauge, counter)
	f.collectEngine(gauge, counter)
}

func (f *figures) collectTruth(gauge, counter collect) {
	for _, k := range f.server.truth.report().Kinds {
		kind := []string{"kind", k.Kind.String()}
		counter(float64(k.Checks), "truth_checks_total", "Comparisons of totals with the truth.", kind...)
		counter(float64(k.Found), "truth_differences_total", "Totals that were not what the truth says.", kind...)
		counter(float64(k.Repaired), "truth_repaired_total", "Those of them that were repaired.", kind...)
		if !k.At.IsZero() {
			gauge(time.Since(k.At).Seconds(), "truth_checked_seconds", "Age of the last comparison.", kind...)
		}
		missing := 0.0
		if k.Incomplete {
			missing = 1
		}
		gauge(missing, "truth_incomplete", "1 while events may be missing in the engine that nobody has accepted.", kind...)
	}
}

type collect func(value float64, name, help string, labels ...string)

func (f *figures) collectEngine(gauge, counter collect) {
	s := f.server
	up := 0.0
	if wh, err := s.store.warehouse(); err == nil {
		if s.store.ready(context.Background()) == nil {
			up = 1
		}
		st := wh.Stats()
		counter(float64(st.Queries), "engine_queries_total", "Reading queries sent to the engine.")
		counter(float64(st.Inserts), "engine_inserts_total", "Inserts sent to the engine.")
		counter(float64(st.Rows), "engine_inserted_rows_total", "Rows sent to the engine, repeats included.")
		counter(float64(st.Errors), "engine_errors_total", "Queries and inserts that failed.")
	}
	gauge(up, "engine_up", "1 when the engine answers.")
	if e := s.store.embedded(); e != nil {
		counter(float64(e.Restarts()), "engine_restarts_total", "Times that the embedded engine died and was started again.")
	}
}

// labelNames and labelValues split name, value, name, value …
func labelNames(pairs []string) []string  { return every2nd(pairs, 0) }
func labelValues(pairs []string) []string { return every2nd(pairs, 1) }

func every2nd(pairs []string, from int) []string {
	var out []string
	for i := from; i < len(pairs); i += 2 {
		out = append(out, pairs[i])
	}
	return out
}
