package oidc

import (
	stdjson "encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// claims are what a provider says of a user (OpenID Connect Core 1.0, section 5.1).
type claims struct {
	Subject  string         `json:"sub"`
	Nonce    string         `json:"nonce"`
	Azp      string         `json:"azp"`
	Email    string         `json:"email"`
	Verified jsontext.Value `json:"email_verified"`
	Hosted   jsontext.Value `json:"hd"` // the organization at Google
	Name     string         `json:"name"`
}

// decode decodes claims with exact names, none of which is there twice.
func decode(from func(any) error, into *claims) error {
	var text stdjson.RawMessage
	if err := from(&text); err != nil {
		return refused("%v", err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return refused("%v", err)
	}
	return nil
}

// isSubject reports whether a text can be the subject of a user (section 2). A regular
// expression of it would take 200 KB.
func isSubject(text string) bool {
	return text != "" && len(text) <= 255 && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// claimsOf reads the claims of a verified ID token, and checks what go-oidc does not: nonce,
// azp, at_hash and the subject (section 3.1.3.7).
func (p *Provider) claimsOf(id *oidc.IDToken, nonce, accessToken string) (found claims, err error) {
	if err := decode(id.Claims, &found); err != nil {
		return found, err
	}
	switch {
	case found.Nonce != nonce:
		return found, refused("nonce is not that of this login")
	case found.Azp != "" && found.Azp != p.ClientID, found.Azp == "" && slices.ContainsFunc(id.Audience, func(other string) bool { return other != p.ClientID }):
		return found, refused("azp is %.100q", found.Azp)
	case !isSubject(found.Subject) || found.Subject != id.Subject:
		return found, refused("sub is not 1 to 255 characters of ASCII")
	case id.AccessTokenHash != "" && id.VerifyAccessToken(accessToken) != nil:
		return found, refused("at_hash is not that of the access token")
	}
	return found, nil
}

// complete takes the email from UserInfo, which must be about the same user (section 5.3.2).
func (c *claims) complete(info *oidc.UserInfo) error {
	var more claims
	if err := decode(info.Claims, &more); err != nil {
		return err
	}
	if more.Subject != c.Subject {
		return refused("UserInfo is about another sub")
	}
	c.Email, c.Verified, c.Hosted = more.Email, more.Verified, more.Hosted
	if c.Name == "" {
		c.Name = more.Name
	}
	return nil
}

// sendsText matches the issuers that send email_verified as a text.
var sendsText = regexp.MustCompile(`^https://(appleid\.apple\.com$|cognito-idp\.[a-z0-9-]+\.amazonaws\.com/)`)

// google is the issuer of accounts with any address. It has proved each once, but somebody else
// may have the address by now, unless it is of Gmail or of an organization that Google hosts.
const google = "https://accounts.google.com"

// proves reports whether a provider proves that the user has the email.
func (p *Provider) proves(c claims) bool {
	said, text := string(c.Verified), strings.ToLower(c.Email)
	isTrue := said == "true" || said == `"true"` && sendsText.MatchString(p.Issuer)
	isOwn := p.Issuer != google || c.Hosted.Kind() == '"' || strings.HasSuffix(text, "@gmail.com") || strings.HasSuffix(text, "@googlemail.com")
	// A mail server may know an address with other letters as one of somebody else.
	local, _, _ := strings.Cut(c.Email, "@")
	isSame := !strings.ContainsFunc(local, func(r rune) bool { return r > unicode.MaxASCII })
	return p.TrustEmail && isTrue && isOwn && isSame
}

// withoutControls is for strings.Map. PostgreSQL cannot store U+0000.
func withoutControls(r rune) rune {
	if unicode.IsControl(r) {
		return -1
	}
	return r
}

// maxName is the most characters of a name.
const maxName = 100

func (p *Provider) user(c claims) User {
	user := User{Issuer: p.Issuer, Subject: c.Subject, Email: c.Email, Verified: p.proves(c)}
	if name := []rune(strings.Map(withoutControls, strings.Join(strings.Fields(c.Name), " "))); len(name) > 0 {
		text := string(name[:min(len(name), maxName)])
		user.Name = &text
	}
	return user
}
