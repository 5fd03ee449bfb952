package app

import (
	"context"
	"slices"

	"github.com/go-gormigrate/gormigrate/v2"

	"example.com/latchkey/accounts"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/migrations"
)

// Program is an App with what its parts do.
type Program struct {
	App
	Running  // the lists of all parts
	Accounts accounts.Accounts
	Document func() ([]byte, error) // OpenAPI 3.1, for pages

	parts []Running
}

// New makes a Program: it calls New of each part once.
func New(a App) Program {
	p := Program{App: a}
	p.Jobs = coreJobs(a)
	for _, part := range a.Parts {
		if part.New != nil {
			p.add(part.New(a))
		}
	}
	p.Accounts = accounts.Accounts{DB: a.DB, Auth: a.Auth, Extension: p.Extension}
	return p
}

func (p *Program) add(of Running) {
	p.Hooks = append(p.Hooks, of.Hooks...)
	p.SecondFactors = append(p.SecondFactors, of.SecondFactors...)
	p.OnLogin = append(p.OnLogin, of.OnLogin...)
	p.Authenticators = append(p.Authenticators, of.Authenticators...)
	p.Claims = append(p.Claims, of.Claims...)
	p.Carriers = append(p.Carriers, of.Carriers...)
	p.Grants = append(p.Grants, of.Grants...)
	p.Middleware = append(p.Middleware, of.Middleware...)
	p.Origins = append(p.Origins, of.Origins...)
	p.LogFields = append(p.LogFields, of.LogFields...)
	p.Jobs = append(p.Jobs, of.Jobs...)
	p.Figures = append(p.Figures, of.Figures...)
	p.Summary = append(p.Summary, of.Summary...)
	p.parts = append(p.parts, of)
}

// RoutesOfParts returns the routes of all parts, for the table.
func (p Program) RoutesOfParts() (table []endpoint.Route) {
	for _, part := range p.parts {
		if part.Routes != nil {
			table = append(table, part.Routes(p.Accounts)...)
		}
	}
	return table
}

// PagesOfParts returns the pages of all parts.
func (p Program) PagesOfParts() (pages []endpoint.Route) {
	for _, part := range p.parts {
		if part.Pages != nil {
			pages = append(pages, part.Pages(p)...)
		}
	}
	return pages
}

// WarningsOfParts returns the warnings of all parts.
func (p Program) WarningsOfParts() (texts []string) {
	for _, part := range p.parts {
		if part.Warnings != nil {
			texts = append(texts, part.Warnings()...)
		}
	}
	return texts
}

// ServeParts calls Serve of all parts, and returns what runs in the background.
func (p Program) ServeParts(ctx context.Context) (running []Background, err error) {
	for _, part := range p.parts {
		if part.Serve == nil {
			continue
		}
		background, err := part.Serve(ctx, p)
		if err != nil {
			return running, err
		}
		if background != nil {
			running = append(running, background)
		}
	}
	return running, nil
}

// Each returns what a list of all parts has.
func Each[T any](parts []Part, of func(Part) []T) (all []T) {
	for _, part := range parts {
		all = append(all, of(part)...)
	}
	return all
}

// Kinds returns all kinds of events.
func (a App) Kinds() []accounts.Kind {
	return slices.Concat(accounts.Kinds, Each(a.Parts, func(part Part) []accounts.Kind { return part.Kinds }))
}

// Schema returns the migrations of a program: those of the template, of its parts, and of
// the project, each list the oldest first. Each one that a database does not have is
// applied, so a later one of the template runs after the project's own in an existing
// database, and before them in a new one.
func Schema(parts []Part) database.Schema {
	ofParts := Each(parts, func(part Part) []*gormigrate.Migration { return part.Migrations })
	return slices.Concat(migrations.Core(), ofParts, migrations.Own())
}

// Sections returns the sections of settings of parts.
func Sections(parts []Part) []config.Section {
	return Each(parts, func(part Part) []config.Section { return part.Settings })
}
