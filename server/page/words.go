package page

import (
	"net/http"
	"strings"

	"warroom/server/board"
	"warroom/server/problem"
	"warroom/views"
)

// home is where a page that says no leads.
func home() views.Link { return views.Link{Path: "/", Text: "To the leadership board"} }

// SignIn explains how to get in. ?used=1 says that a link was tried which no longer works.
func (p *Pages) SignIn(w http.ResponseWriter, r *http.Request) {
	status := http.StatusOK
	used := r.URL.Query().Get("used") != ""
	if used {
		status = http.StatusForbidden
	}
	p.write(w, r, status, p.layout(r, "Sign in"), views.SignIn(used))
}

// SignInRequired is shown instead of a page that needs a session.
func (p *Pages) SignInRequired(w http.ResponseWriter, r *http.Request) {
	p.write(w, r, http.StatusUnauthorized, p.layout(r, "Sign in"), views.SignIn(false))
}

// Forbidden is shown instead of a page that the person's role doesn't cover.
func (p *Pages) Forbidden(w http.ResponseWriter, r *http.Request) {
	l := p.layout(r, "Not allowed")
	l.SignedIn = true
	p.write(w, r, http.StatusForbidden, l, views.RefusalPage(views.Refusal{
		Heading: "Not yours to see", Text: "Your access does not cover this page. Whoever runs warroom can change that.", Link: home(),
	}))
}

// NotFound answers every URL that isn't one.
func (p *Pages) NotFound(w http.ResponseWriter, r *http.Request) {
	if !WantsHTML(r) {
		problem.Write(w, http.StatusNotFound, "there is nothing at "+r.URL.Path+": /docs lists what there is")
		return
	}
	p.write(w, r, http.StatusNotFound, p.layout(r, "Not found"), views.RefusalPage(views.Refusal{
		Heading: "No such page", Text: "There is nothing at " + r.URL.Path + ".", Link: home(),
	}))
}

// unknown says that nobody has told of the one thing that a board is about: a send.
func (p *Pages) unknown(w http.ResponseWriter, r *http.Request, b board.Board) {
	l := p.layout(r, "Not found")
	l.SignedIn = true
	_, id, _ := strings.Cut(b.Title, " ")
	p.write(w, r, http.StatusNotFound, l, views.RefusalPage(views.Refusal{
		Heading: "No such send",
		Text:    "“" + id + "”: no mail has left under this name, and no gift names it. A new one is here within a second of its first mail.",
		Link:    views.Link{Path: "/sends", Text: "All sends"},
	}))
}

// wrong tells a person which part of the URL can't be read.
func (p *Pages) wrong(w http.ResponseWriter, r *http.Request, err *fieldError) {
	l := p.layout(r, "Can't read this address")
	l.SignedIn = true
	p.write(w, r, http.StatusBadRequest, l, views.RefusalPage(views.Refusal{
		Heading: "This address can't be read", Text: "“" + err.field + "” " + err.says + ".", Link: home(),
	}))
}
