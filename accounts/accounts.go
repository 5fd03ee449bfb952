// Package accounts creates, changes and deletes users, for the API and the command
// line. Each change is one transaction, and takes effect at once. The context has the
// current user and session (UserFrom, LoginFrom), or none.
package accounts

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"gorm.io/gorm"

	"example.com/latchkey/config"
	"example.com/latchkey/kit/client"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/password"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/rows"
	"example.com/latchkey/kit/token"
	"example.com/latchkey/kit/totp"
	"example.com/latchkey/models"
)

// lockAdmins is the number of a lock for changes that may remove an admin. Any number works
// that nothing else uses; migrations use the one before, and parts those after.
const lockAdmins = 7_526_466_403

// Accounts changes the users of a database.
type Accounts struct {
	DB   *gorm.DB
	Auth Services
	Extension
}

// Extension is what other packages add to what happens to users, each list in its order.
type Extension struct {
	Hooks          []Hook
	SecondFactors  []SecondFactor
	OnLogin        []func(err error) // called with the result of each login
	Authenticators []Authenticator   // are asked before the one of access tokens
	Claims         []Claims
	Carriers       []Carrier // besides tokens
	Grants         []Grant   // of POST /token, besides those of passwords and refresh tokens
}

// Grant logs a user in by what an OAuth2 client sends (RFC 6749, section 4.1.3).
type Grant struct {
	Type  string // grant_type
	Login func(ctx context.Context, a Accounts, in Code) (models.Session, error)
}

// Code is an authorization code with what proves whose it is (RFC 7636, section 4.5).
type Code struct {
	Code, Verifier, RedirectURI string
	OTP                         totp.Code
}

// Claims returns claims of the program itself for the access tokens of a session, which
// handlers get by ClaimsFrom. Their names must not be those of token.Claims.
type Claims func(ctx context.Context, session models.Session) (map[string]any, error)

// ClaimsOf returns the claims of an access token of a session.
func (a Accounts) ClaimsOf(ctx context.Context, session models.Session) (token.Claims, error) {
	claims := token.Claims{Subject: session.UserID, Session: session.ID}
	for _, of := range a.Claims {
		more, err := of(ctx, session)
		if err != nil {
			return claims, err
		}
		if claims.More == nil {
			claims.More = map[string]any{}
		}
		maps.Copy(claims.More, more)
	}
	return claims, nil
}

// NewUser is the input for a new user.
type NewUser struct {
	Email    models.Email      `json:"email" binding:"required,email,max=254"`
	Password password.Password `json:"password" binding:"required"`
	Name     *string           `json:"name" binding:"omitempty,max=100"`
}

// CheckNew returns the rules that the password of a new user breaks.
func (a Accounts) CheckNew(_ context.Context, in NewUser) []problem.FieldError {
	return a.CheckPassword("password", in.Password, in.Email)
}

// Create creates a user. The error is validation_failed on password, email_taken or
// overloaded.
func (a Accounts) Create(ctx context.Context, in NewUser) (models.User, error) {
	hash, err := a.Hash(ctx, "password", in.Password, in.Email)
	if err != nil {
		return models.User{}, err
	}
	user := models.User{Email: in.Email, PasswordHash: hash, Name: in.Name, Role: models.RoleUser}
	return user, a.create(ctx, &user, Registered)
}

// InvitedUser is the input for a user whom an admin creates. Without a password, the
// user cannot log in until one is set.
type InvitedUser struct {
	Email    models.Email       `json:"email" binding:"required,email,max=254"`
	Password *password.Password `json:"password"`
	Name     *string            `json:"name" binding:"omitempty,max=100"`
	Role     *models.Role       `json:"role"`
}

// CheckInvited returns the rules that the password of a new user breaks.
func (a Accounts) CheckInvited(_ context.Context, in InvitedUser) []problem.FieldError {
	if in.Password == nil {
		return nil
	}
	return a.CheckPassword("password", *in.Password, in.Email)
}

// Invite creates a user for an admin or the command line. The error is that of Create,
// or a hook's.
func (a Accounts) Invite(ctx context.Context, in InvitedUser) (user models.User, err error) {
	user = models.User{Email: in.Email, Name: in.Name, Role: models.RoleUser}
	rows.Set(&user.Role, in.Role)
	if in.Password != nil {
		if user.PasswordHash, err = a.Hash(ctx, "password", *in.Password, in.Email); err != nil {
			return user, err
		}
	}
	return user, a.create(ctx, &user, UserCreated)
}

func (a Accounts) create(ctx context.Context, user *models.User, kind Kind) error {
	created := *user
	err := database.Transaction(a.DB.WithContext(ctx), func(tx *gorm.DB) error {
		*user = created // without the id of an attempt that was rolled back
		return a.Add(tx, user, kind)
	})
	return emailTaken(err)
}

// Add creates a user in a transaction, and tells of it as Registered or UserCreated.
func (a Accounts) Add(tx *gorm.DB, user *models.User, kind Kind) error {
	if err := tx.Create(user).Error; err != nil {
		return err
	}
	return a.Tell(tx, Event{Kind: kind, User: *user, Details: map[string]any{"role": user.Role}})
}

// Hash hashes a new password of an account. The error is validation_failed on field, or
// overloaded. The email may be empty.
func (a Accounts) Hash(ctx context.Context, field string, typed password.Password, email models.Email) (string, error) {
	return a.Auth.Passwords.Hash(ctx, field, typed, notLike(email))
}

// CheckPassword returns the rule that a new password of an account breaks, with the name of
// its field. The email may be empty.
func (a Accounts) CheckPassword(field string, typed password.Password, email models.Email) []problem.FieldError {
	return a.Auth.Passwords.Check(field, typed, notLike(email))
}

// notLike is the rule that a password is not the email of its account, or the name of this
// service. The email may be empty.
func notLike(email models.Email) password.Rule {
	return func(typed password.Password) (fault string) {
		address, _ := models.NewEmail(string(typed)) // in the form of an email, to compare it with one
		local, _, _ := strings.Cut(string(email), "@")
		letters := strings.NewReplacer("-", "", " ", "")
		switch {
		case email != "" && (address == email || string(address) == local):
			return "must not be the email, or its part before the @"
		case strings.EqualFold(letters.Replace(string(typed)), letters.Replace(config.Realm)):
			return "must not be the name of this service"
		}
		return ""
	}
}

// Credentials are the input of a login, as JSON or as the OAuth2 password form.
type Credentials struct {
	Email    models.Email      `json:"email" formData:"username" binding:"required"`
	Password password.Password `json:"password" formData:"password" binding:"required"`
	OTP      totp.Code         `json:"otp" formData:"otp"`
	Session  string            `json:"session" formData:"session" example:""` // the name of its Carrier, or "" for tokens
}

// Factors are what a login or a confirmation has for the second factors.
type Factors struct {
	OTP      totp.Code
	Carrier  string // of the session that a login begins, or "" for tokens
	Provider string // which says who the user is, or "" for a password
	Enough   bool   // the login needs no second factor of this program
}

// SecondFactor checks what else a login of a user needs, or a confirmation by a user who
// is signed in (LoginFrom). It is called with the right password, in the
// transaction of the login, after its hooks, or before the change that is confirmed. An
// error undoes the login or the change, and a Failure also counts.
type SecondFactor func(a Accounts, tx *gorm.DB, user models.User, in Factors) error

func (a Accounts) checkFactors(tx *gorm.DB, user models.User, in Factors) error {
	for _, check := range a.SecondFactors {
		if err := check(a, tx, user, in); err != nil {
			return err
		}
	}
	return nil
}

// Login begins a session if email and password are right. An unknown email takes as
// long as a wrong password, and has the same error. The error is login_failed,
// forbidden for a disabled user, overloaded, a hook's or a second factor's.
func (a Accounts) Login(ctx context.Context, in Credentials) (session models.Session, err error) {
	defer func() {
		for _, observe := range a.OnLogin {
			observe(err)
		}
	}()
	check := passwordCheck{
		email:    in.Email,
		user:     func(db *gorm.DB) *gorm.DB { return db.Where("email = ?", in.Email) },
		password: in.Password,
		wrong:    ErrLoginFailed,
		notFound: ErrLoginFailed,
	}
	err = a.withPassword(ctx, check, func(tx *gorm.DB, user models.User) (err error) {
		session, err = a.Begin(tx, user, Factors{OTP: in.OTP, Carrier: in.Session})
		return err
	})
	return session, err
}

// Begin begins a session of a user who has proved who it is, by a password or otherwise, in
// the transaction of WithUser. The error is forbidden for a disabled user, a hook's or a
// second factor's.
func (a Accounts) Begin(tx *gorm.DB, user models.User, in Factors) (session models.Session, err error) {
	ctx := tx.Statement.Context
	if user.Disabled {
		return session, problem.Forbidden.Detailed("Account disabled")
	}
	if session, err = a.Auth.Sessions.Start(tx, user.ID, client.From(ctx)); err != nil {
		return session, err
	}
	begun := Event{Kind: LoggedIn, User: user, Session: session.ID, Details: map[string]any{}}
	for name, value := range map[string]string{"session": in.Carrier, "provider": in.Provider} {
		if value != "" {
			begun.Details[name] = value
		}
	}
	if err := a.Tell(tx, begun); err != nil {
		return session, err
	}
	if !in.Enough {
		err = a.checkFactors(tx, user, in)
	}
	if err != nil {
		return session, err
	}
	return session, a.Auth.Throttle.Remember(ctx, tx, string(user.Email))
}

// Refresh uses a refresh token as Sessions.Refresh does.
func (a Accounts) Refresh(ctx context.Context, token string) (models.Session, error) {
	return a.Auth.Sessions.Refresh(ctx, token, func(tx *gorm.DB, session models.Session) error {
		var user models.User
		if err := tx.Take(&user, "id = ?", session.UserID).Error; err != nil {
			return err
		}
		return a.Tell(tx, Event{Kind: TokenTheft, User: user, Session: session.ID})
	})
}

// emailTaken returns email_taken for already_exists on the email.
func emailTaken(err error) error {
	var exists *problem.Problem
	if errors.As(err, &exists) && slices.Contains(exists.Errors, problem.FieldError{Field: "email", Message: "is taken"}) {
		return ErrEmailTaken
	}
	return err
}
