package page

import (
	"bytes"
	_ "embed" // openapi.json
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"warroom/views"
)

//go:embed openapi.json
var openAPI []byte

// OpenAPI is the description of the API for programs.
func OpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(openAPI) // the client has gone when this fails
}

// Docs is the same to read.
func (p *Pages) Docs(w http.ResponseWriter, r *http.Request) {
	p.write(w, r, http.StatusOK, p.layout(r, "Docs"), views.DocsPage(p.docs))
}

// description is the part of OpenAPI 3.1 that openapi.json uses.
type description struct {
	Info struct {
		Title       string `json:"title"`
		Description string `json:"description"`
	} `json:"info"`
	Tags []struct {
		Name        string `json:"name"`
		Description string `json:"description"`
	} `json:"tags"`
	Paths      ordered[ordered[operation]] `json:"paths"`
	Components struct {
		Schemas ordered[schema] `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	ID          string   `json:"operationId"`
	Tags        []string `json:"tags"`
	Summary     string   `json:"summary"`
	Description string   `json:"description"`
	Security    []map[string][]string
	Parameters  []struct {
		Name        string `json:"name"`
		In          string `json:"in"`
		Required    bool   `json:"required"`
		Description string `json:"description"`
		Schema      schema `json:"schema"`
	} `json:"parameters"`
	RequestBody struct {
		Content ordered[struct {
			Schema  schema          `json:"schema"`
			Example json.RawMessage `json:"example"`
		}] `json:"content"`
	} `json:"requestBody"`
	Responses ordered[struct {
		Description string `json:"description"`
	}] `json:"responses"`
}

type schema struct {
	Ref         string          `json:"$ref"`
	Type        string          `json:"type"`
	Format      string          `json:"format"`
	Description string          `json:"description"`
	Enum        []string        `json:"enum"`
	Required    []string        `json:"required"`
	Properties  ordered[schema] `json:"properties"`
}

// ordered is a JSON object whose order is kept: people read the description in the order it was written.
type ordered[T any] []named[T]

type named[T any] struct {
	name  string
	value T
}

// UnmarshalJSON reads an object.
func (o *ordered[T]) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var n named[T]
		n.name = fmt.Sprint(key)
		if err := d.Decode(&n.value); err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
		*o = append(*o, n)
	}
	return nil
}

func readDocs() views.Docs {
	var d description
	if err := json.Unmarshal(openAPI, &d); err != nil {
		panic("page: openapi.json: " + err.Error())
	}
	docs := views.Docs{Title: d.Info.Title, Text: d.Info.Description}
	for _, tag := range d.Tags {
		group := views.DocGroup{ID: strings.ToLower(strings.ReplaceAll(tag.Name, " ", "-")), Name: tag.Name, Text: tag.Description}
		for _, path := range d.Paths {
			for _, method := range path.value {
				if len(method.value.Tags) > 0 && method.value.Tags[0] == tag.Name {
					group.Routes = append(group.Routes, d.route(path.name, method.name, method.value))
				}
			}
		}
		docs.Groups = append(docs.Groups, group)
	}
	return docs
}

func (d description) route(path, method string, o operation) views.DocRoute {
	route := views.DocRoute{
		ID: o.ID, Method: strings.ToUpper(method), Path: path, Summary: o.Summary, Text: o.Description, Token: access(o),
		Params: d.params(o),
	}
	for _, body := range o.RequestBody.Content {
		if route.Example == "" && body.value.Example != nil {
			route.Example = indented(body.value.Example)
		}
	}
	for _, answer := range o.Responses {
		route.Answers = append(route.Answers, views.DocAnswer{Status: answer.name, Text: answer.value.Description})
	}
	return route
}

// access says who may ask.
func access(o operation) string {
	if len(o.Security) == 0 {
		return "Open to everybody."
	}
	var ways []string
	for _, s := range o.Security {
		for name := range s {
			ways = append(ways, strings.ReplaceAll(name, "-", " "))
		}
	}
	return "Needs a " + strings.Join(ways, " or a ") + "."
}

// params are the parameters of the URL, then the fields of the first kind of body.
func (d description) params(o operation) []views.DocParam {
	var list []views.DocParam
	for _, p := range o.Parameters {
		list = append(list, views.DocParam{Name: p.Name, In: p.In, Type: p.Schema.kind(), Text: p.Description, Required: p.Required})
	}
	if len(o.RequestBody.Content) == 0 {
		return list
	}
	body := d.resolve(o.RequestBody.Content[0].value.Schema)
	must := map[string]bool{}
	for _, name := range body.Required {
		must[name] = true
	}
	for _, p := range body.Properties {
		list = append(list, views.DocParam{
			Name: p.name, In: "body", Type: p.value.kind(), Text: p.value.Description, Required: must[p.name],
		})
	}
	return list
}

func (d description) resolve(s schema) schema {
	for _, known := range d.Components.Schemas {
		if s.Ref == "#/components/schemas/"+known.name {
			return known.value
		}
	}
	return s
}

// kind is a schema's type in a few words.
func (s schema) kind() string {
	switch {
	case len(s.Enum) > 0:
		return strings.Join(s.Enum, ", ")
	case s.Format != "":
		return s.Format
	case s.Type == "":
		return "text or number"
	}
	return s.Type
}

func indented(raw json.RawMessage) string {
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return string(raw) // it was read as JSON a moment ago
	}
	return out.String()
}
