package handlers

import (
	"context"

	"github.com/gofrs/uuid/v5"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/rows"
	"example.com/latchkey/models"
)

// Users are all accounts, for admins.
type Users struct {
	Accounts accounts.Accounts
}

// UserID is the id of a user in the path.
type UserID struct {
	ID uuid.UUID `path:"id"`
}

// UserChange changes the fields that are sent.
type UserChange struct {
	ID       uuid.UUID    `path:"id"`
	Name     **string     `json:"name" binding:"omitempty,max=100"`
	Role     *models.Role `json:"role"`
	Disabled *bool        `json:"disabled"`
}

// ManagedUser is an account as admins see it.
type ManagedUser struct {
	models.User
	Disabled bool `json:"disabled"`
}

func managed(user models.User) ManagedUser { return ManagedUser{user, user.Disabled} }

// Create creates a user.
func (u Users) Create(ctx context.Context, _ models.User, in accounts.InvitedUser) (ManagedUser, error) {
	user, err := u.Accounts.Invite(ctx, in)
	return managed(user), err
}

// UserPage selects the users to list.
type UserPage struct {
	rows.Page
	Email    *models.EmailPrefix `query:"email"`
	Role     *models.Role        `query:"role"`
	Disabled *bool               `query:"disabled"`
}

// Index lists the users. Emails are selected by their beginning.
func (u Users) Index(ctx context.Context, _ models.User, in UserPage) (rows.List[ManagedUser], error) {
	users := rows.Where(u.Accounts.DB.WithContext(ctx), "role", in.Role)
	switch {
	case in.Disabled == nil:
	case *in.Disabled: // without a parameter, for the index of the few that are
		users = users.Where("disabled")
	default:
		users = users.Where("NOT disabled")
	}
	if in.Email != nil {
		users = database.HasPrefix(users, "email", string(*in.Email))
	}
	return rows.ReadAs(users, in.Page, managed)
}

// Show returns a user.
func (u Users) Show(ctx context.Context, _ models.User, in UserID) (ManagedUser, error) {
	user, err := rows.Find[models.User](u.Accounts.DB.WithContext(ctx).Omit("password_hash"), in.ID)
	return managed(user), err
}

// Update changes the name or the role, or disables or enables an account. It takes
// effect at once. Enabling an account does not restore its sessions.
func (u Users) Update(ctx context.Context, _ models.User, in UserChange) (ManagedUser, error) {
	user, err := u.Accounts.Change(ctx, in.ID, accounts.Change{Name: in.Name, Role: in.Role, Disabled: in.Disabled})
	return managed(user), err
}

// Delete deletes a user and everything the user owns. The email can then be registered
// again.
func (u Users) Delete(ctx context.Context, _ models.User, in UserID) (endpoint.None, error) {
	return endpoint.None{}, u.Accounts.DeleteUser(ctx, in.ID)
}

// EndSessions ends every session of a user.
func (u Users) EndSessions(ctx context.Context, _ models.User, in UserID) (endpoint.None, error) {
	_, err := u.Accounts.EndSessions(ctx, in.ID, models.ByAdmin)
	return endpoint.None{}, err
}
