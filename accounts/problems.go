package accounts

import "example.com/latchkey/kit/problem"

// The answers about accounts.
var (
	ErrLoginFailed = &problem.Problem{Status: 401, Code: "login_failed", Detail: "Incorrect username or password"}
	ErrEmailTaken  = &problem.Problem{Status: 409, Code: "email_taken", Detail: "This email is already registered"}
	ErrLastAdmin   = &problem.Problem{Status: 409, Code: "last_admin", Detail: "The last admin cannot be demoted, disabled or deleted"}
)
