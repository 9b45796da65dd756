package server

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"warroom/server/auth"
	"warroom/server/page"
	"warroom/server/problem"
)

// contentSecurityPolicy lets the pages load what warroom itself serves and nothing else: no inline script or style, no
// foreign host, no frame around it. connect-src 'self' covers the websocket of the same host.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; report-uri /-/csp-report"

// guard sets the headers that every answer carries and refuses browsers' requests from other sites.
func (s *Server) guard(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	if s.PublicURL != "" {
		if err := crossOrigin.AddTrustedOrigin(s.PublicURL); err != nil {
			panic(err) // the configuration has been checked
		}
	}
	crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem.Write(w, http.StatusForbidden, "this request comes from another site's page")
	}))
	protected := crossOrigin.Handler(next)
	always := http.Header{
		"Content-Security-Policy":    {contentSecurityPolicy},
		"X-Content-Type-Options":     {"nosniff"},
		"Referrer-Policy":            {"same-origin"},
		"Cross-Origin-Opener-Policy": {"same-origin"},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		maps.Copy(h, always) // the values are shared: they are replaced by others, never changed
		if s.secure(r) {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		select {
		case <-s.stopping:
			h.Set("Connection", "close")
			h.Set("Retry-After", "5")
			problem.Write(w, http.StatusServiceUnavailable, "warroom is stopping: send it again in a few seconds")
			return
		default:
		}
		if r.Header.Get("Authorization") != "" || r.URL.Path == "/-/csp-report" {
			next.ServeHTTP(w, r) // a token is never sent by a browser on its own
			return
		}
		protected.ServeHTTP(w, r)
	})
}

type grantKey struct{}

// grant is what the request's session or token allows.
func (s *Server) grant(r *http.Request) (auth.Grant, bool) {
	if token, ok := auth.Bearer(r); ok {
		return s.auth.Authenticate(token)
	}
	return s.auth.FromCookie(r)
}

// need lets through whom may allows. A person without a session gets the sign-in page, a program a problem.
func (s *Server) need(may func(auth.Grant) bool, pages *page.Pages) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			g, ok := s.grant(r)
			switch {
			case ok && may(g):
				w.Header().Set("Cache-Control", "no-store")
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), grantKey{}, g)))
			case ok && page.WantsHTML(r):
				pages.Forbidden(w, r)
			case ok:
				problem.Write(w, http.StatusForbidden, "this token's role does not allow it: `warroom token create --role reader` reads boards, `--role analyst` runs SQL, `--role operator` sends dead letters again")
			case page.WantsHTML(r):
				pages.SignInRequired(w, r)
			default:
				w.Header().Set("WWW-Authenticate", `Bearer realm="warroom"`)
				problem.Write(w, http.StatusUnauthorized, "want a session, or the header Authorization: Bearer <reader token>; `warroom token create --name … --role reader` makes one")
			}
		})
	}
}

// anybody who shows a session or a token, a feed's included: senders read the documentation, too.
func anybody(auth.Grant) bool { return true }

// mayOperate is for pages that need has let through.
func mayOperate(r *http.Request) bool {
	g, _ := r.Context().Value(grantKey{}).(auth.Grant)
	return g.MayOperate()
}

// stillValid gives a websocket the question that it asks again and again: may this person still watch?
func (s *Server) stillValid(r *http.Request) func() bool {
	g, _ := r.Context().Value(grantKey{}).(auth.Grant)
	return func() bool { return s.auth.Valid(g) }
}

// sameOrigin says whether a websocket was opened by warroom's own page, or by a program that shows a token.
func (s *Server) sameOrigin(r *http.Request) bool {
	if _, ok := auth.Bearer(r); ok {
		return true
	}
	origin := r.Header.Get("Origin")
	if s.PublicURL != "" && origin == s.PublicURL {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && origin != "" && strings.EqualFold(u.Host, r.Host)
}

// enter turns a one-time link into a session.
func (s *Server) enter(w http.ResponseWriter, r *http.Request) {
	session, err := s.auth.RedeemLink(r.URL.Query().Get("key"))
	if err != nil {
		http.Redirect(w, r, "/sign-in?used=1", http.StatusSeeOther)
		return
	}
	http.SetCookie(w, auth.Cookie(session, s.secure(r)))
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if g, ok := s.auth.FromCookie(r); ok {
		if err := s.auth.Logout(g); err != nil {
			s.Logger.Error("sign out", "error", err)
		}
	}
	http.SetCookie(w, auth.Cookie("", s.secure(r)))
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}
