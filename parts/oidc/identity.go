package oidc

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"

	"github.com/gofrs/uuid/v5"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/oidc"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/rows"
	"example.com/latchkey/models"
)

// Identity is a user as a provider knows one, by issuer and subject.
type Identity struct {
	rows.Base
	UserID      uuid.UUID    `json:"-"`
	Provider    string       `json:"provider" gorm:"-"` // "" if the settings have it no more
	Issuer      string       `json:"issuer"`
	Subject     string       `json:"-"`
	ProvedEmail models.Email `json:"-"` // which the provider proved when it was stored, or ""
}

// identify returns the identity of the user who has come back from a provider. A new identity
// belongs to the user who links it, or to the owner of the email if the provider proves that,
// or to a new user. The error is identity_conflict, forbidden, too_many_attempts or token_revoked.
func (l Logins) identify(ctx context.Context, who oidc.User, s step) (of Identity, err error) {
	for range 3 { // others at the same time may have stored the user, and then the identity
		if of, err = l.findOrAdd(ctx, who, s); !errors.Is(err, problem.AlreadyExists) {
			break
		}
	}
	return of, err
}

func (l Logins) findOrAdd(ctx context.Context, who oidc.User, s step) (Identity, error) {
	of := Identity{Issuer: who.Issuer, Subject: who.Subject}
	address, _ := models.NewEmail(who.Email) // "" is refused below
	if who.Verified {
		of.ProvedEmail = address
	}
	db := l.accounts.DB.WithContext(ctx)
	known := db.Limit(1).Find(&of, "issuer = ? AND subject = ?", of.Issuer, of.Subject)
	switch {
	case known.Error != nil:
		return of, known.Error
	case !s.SessionID.IsNil():
		return l.link(ctx, of, s)
	case known.RowsAffected == 1:
		return of, nil
	case endpoint.Check(ctx, accounts.InvitedUser{Email: address}, l.accounts.CheckInvited) != nil:
		return of, problem.Forbidden.Detailed("An account needs an email address, and %s tells none", s.Provider)
	}
	var user models.User
	found := db.Limit(1).Find(&user, "email = ?", address)
	switch {
	case found.Error != nil:
		return of, found.Error
	case found.RowsAffected == 0:
		return l.register(ctx, of, models.User{Email: address, Name: who.Name, Role: models.RoleUser, EmailVerified: who.Verified}, s)
	case !who.Verified:
		return of, errConflict
	}
	return l.adopt(ctx, of, user, s)
}

// register creates the user of a new identity.
func (l Logins) register(ctx context.Context, of Identity, user models.User, s step) (Identity, error) {
	if !l.settings.Register.Open {
		return of, problem.Forbidden.Detailed("Registration is closed")
	}
	db := l.accounts.DB.WithContext(ctx)
	if err := l.accounts.Auth.Throttle.Request(db); err != nil {
		return of, err
	}
	err := database.Transaction(db, func(tx *gorm.DB) error {
		user := user // without the id of an attempt that was rolled back
		if err := l.accounts.Add(tx, &user, accounts.Registered); err != nil {
			return err
		}
		return l.add(tx, s, &of, user, "")
	})
	return of, err
}

// add stores an identity of a user. notice is the text of a mail about it, or "".
func (l Logins) add(tx *gorm.DB, s step, of *Identity, user models.User, notice string) error {
	of.Base, of.UserID = rows.Base{}, user.ID
	if err := tx.Create(of).Error; err != nil {
		return err
	}
	return l.accounts.Tell(tx, accounts.Event{Kind: identityLinked, User: user, Notice: notice, Details: map[string]any{"provider": s.Provider}})
}

// adopt gives an identity to the user whose email the provider proves. If the user had not
// proved it, somebody else may have made the account: its owner gets it, and all that led
// into it ends.
func (l Logins) adopt(ctx context.Context, of Identity, found models.User, s step) (Identity, error) {
	err := l.accounts.WithUser(ctx, found.ID, func(tx *gorm.DB, user models.User) error {
		switch {
		case user.Email != found.Email: // it was changed meanwhile
			return errConflict
		case user.Disabled:
			return problem.Forbidden.Detailed("Account disabled")
		case user.EmailVerified:
			return l.add(tx, s, &of, user, "identity_new")
		}
		user.EmailVerified = true
		event := accounts.Event{Kind: accounts.PasswordReset, User: user, WasUnverified: true}
		if err := l.accounts.SetHash(tx, event, ""); err != nil {
			return err
		}
		return l.add(tx, s, &of, user, "identity_takeover")
	})
	return of, err
}

// link gives an identity to the signed-in user who began to link it.
func (l Logins) link(ctx context.Context, of Identity, s step) (Identity, error) {
	switch {
	case of.UserID == s.UserID:
		return of, nil
	case !of.UserID.IsNil():
		return of, errConflict.Detailed("This account at %s belongs to another account here", s.Provider)
	}
	login := accounts.Login{User: models.User{Base: rows.Base{ID: s.UserID}}, SessionID: s.SessionID}
	ctx = accounts.WithIdentity(ctx, accounts.Identity{User: login.User, By: accounts.BySession, ID: s.SessionID}) // for the event
	err := l.accounts.WithUser(ctx, s.UserID, func(tx *gorm.DB, user models.User) error {
		if err := accounts.RequireLive(tx, login); err != nil {
			return err
		}
		return l.add(tx, s, &of, user, "identity_new")
	})
	return of, accounts.RevokedIfGone(err)
}

// endUnproved is a hook. When a link is used to choose a new password, it removes the
// identities that do not prove the email, because somebody else may have them, and adds their
// number to the event.
func endUnproved(tx *gorm.DB, event accounts.Event) error {
	if event.Kind != accounts.PasswordReset {
		return nil
	}
	ended := tx.Delete(&Identity{}, "user_id = ? AND (proved_email <> ? OR ?)", event.User.ID, event.User.Email, event.WasUnverified)
	if ended.RowsAffected > 0 {
		event.Details["identities"] = ended.RowsAffected
	}
	return ended.Error
}

// Identities are where the current user can log in.
type Identities struct{ Logins }

// IdentityList is a list of all identities of a user.
type IdentityList struct {
	Items []Identity `json:"items"`
}

// Index lists the identities of the user, the oldest first.
func (i Identities) Index(ctx context.Context, login accounts.Login, _ endpoint.None) (list IdentityList, err error) {
	list.Items = []Identity{}
	err = i.accounts.DB.WithContext(ctx).Order("id").Find(&list.Items, "user_id = ?", login.User.ID).Error
	for at := range list.Items {
		list.Items[at].Provider = i.issuers()[list.Items[at].Issuer]
	}
	return list, err
}

// issuers are the names of the providers by their issuers.
func (i Identities) issuers() map[string]string {
	names := map[string]string{}
	for name, p := range i.providers {
		names[p.Issuer] = name
	}
	return names
}

// NewIdentity is the input to link a provider.
type NewIdentity struct {
	Provider string `path:"provider"`
	ReturnTo string `json:"return_to" example:"/me"` // where the browser goes then
	accounts.Confirmation
}

// Link returns the address that begins to link a provider in the browser of the user, once
// and within a minute. The error is one of Accounts.Confirm, not_found or validation_failed.
func (i Identities) Link(ctx context.Context, login accounts.Login, in NewIdentity) (to Destination, err error) {
	s := step{Provider: in.Provider, ReturnTo: cmp.Or(in.ReturnTo, i.root(ctx).EscapedPath()), UserID: login.User.ID, SessionID: login.SessionID}
	switch {
	case i.providers[in.Provider] == nil:
		return to, problem.NotFound
	case !i.leads(s.ReturnTo):
		return to, errReturn
	}
	to.URL = i.root(ctx).JoinPath("login", in.Provider).String() + "?link=" + url.QueryEscape(i.tickets.Issue(s, toLink))
	return to, i.accounts.Confirm(ctx, login, in.Confirmation, nil, func(*gorm.DB, models.User) error { return nil })
}

// IdentityID is the path of an identity.
type IdentityID struct {
	ID uuid.UUID `path:"id"`
}

// Unlink removes an identity. The error is not_found, or last_way_in if the user could not log
// in any more.
func (i Identities) Unlink(ctx context.Context, login accounts.Login, in IdentityID) (endpoint.None, error) {
	return endpoint.None{}, i.accounts.WithUser(ctx, login.User.ID, func(tx *gorm.DB, user models.User) error {
		if err := accounts.RequireLive(tx, login); err != nil {
			return err
		}
		names := i.issuers()
		var left int64
		var found Identity
		err := errors.Join(
			tx.Limit(1).Find(&found, "id = ? AND user_id = ?", in.ID, user.ID).Error,
			tx.Model(&found).Where("user_id = ? AND id <> ? AND issuer IN ?", user.ID, in.ID, slices.Collect(maps.Keys(names))).Count(&left).Error,
		)
		switch {
		case err != nil:
			return err
		case found.ID.IsNil():
			return problem.NotFound
		case user.PasswordHash == "" && left == 0:
			return errLastWayIn
		}
		unlinked := accounts.Event{Kind: identityUnlinked, User: user, Details: map[string]any{"provider": names[found.Issuer]}}
		return cmp.Or(tx.Delete(&found).Error, i.accounts.Tell(tx, unlinked))
	})
}
