package routes

import (
	"context"

	"example.com/latchkey/auth"
	"example.com/latchkey/endpoint"
	"example.com/latchkey/models"
	"example.com/latchkey/problem"
)

// Only allows users with a role or a higher one.
func Only(role models.Role) endpoint.Access {
	access := endpoint.Access{
		Name:     string(role),
		Problems: []*problem.Problem{problem.TokenMissing, problem.TokenExpired, problem.TokenInvalid, problem.TokenRevoked, problem.Unavailable},
	}
	if role != models.Roles[0] {
		access.Problems = append(access.Problems, problem.Forbidden)
	}
	access.Allow = func(ctx context.Context) error {
		switch user, ok := auth.UserFrom(ctx); {
		case !ok:
			return auth.ErrTokenMissing
		case !user.Role.Has(role):
			return problem.Forbidden.Detailed("This needs the role %s", role)
		}
		return nil
	}
	return access
}

// Protected makes a route with a function that gets the current user.
func Protected[In, Out any](method, path, summary string, handle func(context.Context, models.User, In) (Out, error)) endpoint.Route {
	return endpoint.Protected(Only(models.RoleUser), currentUser, method, path, summary, handle)
}

// Admin makes a Protected route for admins only.
func Admin[In, Out any](method, path, summary string, handle func(context.Context, models.User, In) (Out, error)) endpoint.Route {
	return Protected(method, path, summary, handle).For(Only(models.RoleAdmin))
}

func currentUser(ctx context.Context) models.User {
	user, _ := auth.UserFrom(ctx)
	return user
}
