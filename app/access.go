package app

import (
	"context"

	"example.com/latchkey/accounts"
	"example.com/latchkey/kit/endpoint"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/token"
	"example.com/latchkey/models"
)

// Only allows the users who have a role, or one after it in models.Roles.
func Only(role models.Role) endpoint.Access {
	return endpoint.Access{
		Name:     string(role),
		Problems: []*problem.Problem{token.ErrMissing, token.ErrExpired, token.ErrInvalid, token.ErrRevoked, problem.Forbidden, problem.Overloaded, problem.Unavailable},
		Allow: func(ctx context.Context) error {
			user, err := currentUser(ctx)
			if err == nil && !user.Role.Has(role) {
				err = problem.Forbidden.Detailed("This needs the role %s", role)
			}
			return err
		},
	}
}

// OnlyLogin is Only for users who have logged in. No other credential is enough.
func OnlyLogin(role models.Role) endpoint.Access {
	access := Only(role)
	allow := access.Allow
	access.Allow = func(ctx context.Context) error {
		if err := allow(ctx); err != nil {
			return err
		}
		_, err := currentLogin(ctx)
		return err
	}
	access.Login = true
	if access.Name = "login"; role != models.Roles[0] {
		access.Name += ", " + string(role)
	}
	return access
}

// Protected makes a route with a function that gets the current user.
func Protected[In, Out any](method, path, summary string, handle func(context.Context, models.User, In) (Out, error)) endpoint.Route {
	return endpoint.Protected(Only(models.RoleUser), currentUser, method, path, summary, handle)
}

// WithLogin makes a Protected route with a function that gets the current login. It is
// for routes about logins.
func WithLogin[In, Out any](method, path, summary string, handle func(context.Context, accounts.Login, In) (Out, error)) endpoint.Route {
	return endpoint.Protected(OnlyLogin(models.RoleUser), currentLogin, method, path, summary, handle)
}

// Admin makes a Protected route for admins only.
func Admin[In, Out any](method, path, summary string, handle func(context.Context, models.User, In) (Out, error)) endpoint.Route {
	return Protected(method, path, summary, handle).For(Only(models.RoleAdmin))
}

func currentUser(ctx context.Context) (models.User, error) {
	user, ok := accounts.UserFrom(ctx)
	if !ok {
		return user, token.ErrMissing
	}
	return user, nil
}

func currentLogin(ctx context.Context) (accounts.Login, error) {
	login, ok := accounts.LoginFrom(ctx)
	if !ok {
		return login, problem.Forbidden.Detailed("This needs a login")
	}
	return login, nil
}
