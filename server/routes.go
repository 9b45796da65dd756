package server

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"warroom/server/auth"
	"warroom/server/campaign"
	"warroom/server/page"
	"warroom/server/problem"
	"warroom/server/ws"
	"warroom/static"
)

// routes is every URL of warroom. What stands outside a need(…) group is open to everybody.
func (s *Server) routes() http.Handler {
	pages := page.New(page.Options{
		Boards: s.boards, Feeds: s.reporter.panels, Live: s.live, MayOperate: mayOperate, Zone: s.Zone,
		Version: s.Version, Logger: s.Logger,
	})
	r := chi.NewRouter()
	r.Use(s.guard, s.figures.count)
	if s.self != nil {
		r.Use(s.self.wrap)
	}
	r.Use(middleware.GetHead) // what can be got can be asked for its head: by probes, by curl -I
	r.NotFound(pages.NotFound)
	r.MethodNotAllowed(methodNotAllowed(r))

	for _, kind := range campaign.Kinds() {
		r.Method(http.MethodPost, "/v1/"+kind.String(), s.doors.Door(kind))
	}
	r.Get("/-/healthy", s.healthy)
	r.Get("/healthz", s.healthy)
	r.Get("/-/ready", s.ready)
	r.Get("/readyz", s.ready)
	r.Get("/version", s.version)
	r.Post("/-/csp-report", s.cspReport)
	r.Handle("/static/*", static.Handler())
	r.Get("/favicon.ico", static.Favicon)
	r.Get("/worker.js", static.Worker)
	r.Get("/enter", s.enter)
	r.Get("/sign-in", pages.SignIn)
	r.Post("/sign-out", s.signOut)

	r.Group(func(r chi.Router) {
		r.Use(s.need(anybody, pages))
		r.Get("/openapi.json", page.OpenAPI)
		r.Get("/docs", pages.Docs)
	})
	r.Group(func(r chi.Router) {
		r.Use(s.need(auth.Grant.MayRead, pages))
		r.Get("/", pages.Leadership)
		r.Get("/boards/{name}", pages.Board)
		r.Get("/sends", pages.Sends)
		r.Get("/sends/{id}", pages.Send)
		r.Get("/feeds", pages.Feeds)
		r.Handle("/live", ws.Handler(ws.Options{
			Hub: s.hub, Topics: pages.Topics, Valid: s.stillValid, Origin: s.sameOrigin, Logger: s.Logger,
		}))
		r.Get("/api/v1/boards", pages.ListBoards)
		r.Get("/api/v1/boards/{name}", pages.BoardValues)
		r.Get("/api/v1/panels/{topic}", pages.PanelValue)
		r.Get("/api/v1/feeds", pages.FeedsValue)
		r.Method(http.MethodGet, "/metrics", s.figures)
	})
	r.Group(func(r chi.Router) {
		r.Use(s.need(auth.Grant.MayOperate, pages))
		r.Post("/feeds/dead-letters/send-again", s.reporter.sendAgain)
	})
	r.Group(func(r chi.Router) {
		r.Use(s.need(auth.Grant.MayQuery, pages))
		r.Post("/api/v1/sql", s.saved.ServeHTTP)
	})
	return r
}

// methodNotAllowed names the methods that would be right: chi's own answer leaves the reason out.
func methodNotAllowed(routes chi.Routes) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		allowed := ""
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if routes.Match(chi.NewRouteContext(), method, r.URL.Path) {
				allowed = method
				w.Header().Add("Allow", method)
			}
		}
		problem.Write(w, http.StatusMethodNotAllowed, r.Method+" is not possible here: use "+allowed)
	}
}
