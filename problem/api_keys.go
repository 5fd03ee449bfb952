package problem

// TooManyKeys is the answer to a new API key of a user who has 50 already.
var TooManyKeys = &Problem{Status: 409, Code: "too_many_keys", Detail: "This account has the most API keys that are allowed"}
