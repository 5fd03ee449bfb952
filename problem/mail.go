package problem

// EmailUnverified is the answer to a right login while login.require_verified_email
// demands a verified email.
var EmailUnverified = &Problem{Status: 403, Code: "email_unverified", Detail: "The email is not verified"}
