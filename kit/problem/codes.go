package problem

import "time"

// The codes that any service may answer. A package that answers others declares them.
var (
	MalformedBody        = &Problem{Status: 400, Code: "malformed_body", Detail: "The body is not a JSON object"}
	Forbidden            = &Problem{Status: 403, Code: "forbidden", Detail: "Forbidden"}
	NotFound             = &Problem{Status: 404, Code: "not_found", Detail: "Not Found"}
	MethodNotAllowed     = &Problem{Status: 405, Code: "method_not_allowed", Detail: "Method Not Allowed"}
	AlreadyExists        = &Problem{Status: 409, Code: "already_exists", Detail: "This already exists"}
	PreconditionFailed   = &Problem{Status: 412, Code: "precondition_failed", Detail: "If-Match did not match"}
	BodyTooLarge         = &Problem{Status: 413, Code: "body_too_large", Detail: "The body is too large"}
	UnsupportedMediaType = &Problem{Status: 415, Code: "unsupported_media_type", Detail: "Unsupported Media Type"}
	RangeNotSatisfiable  = &Problem{Status: 416, Code: "range_not_satisfiable", Detail: "The content has no such part"}
	ValidationFailed     = &Problem{Status: 422, Code: "validation_failed", Detail: "The request has invalid fields"}
	TooManyAttempts      = &Problem{Status: 429, Code: "too_many_attempts", Detail: "Too many attempts, try again later", RetryAfter: time.Minute}
	Internal             = &Problem{Status: 500, Code: "internal", Detail: "Internal Server Error"}
	Overloaded           = &Problem{Status: 503, Code: "overloaded", Detail: "Too many requests at once, try again later", RetryAfter: time.Second}
	Unavailable          = &Problem{Status: 503, Code: "unavailable", Detail: "The database is not available, try again later", RetryAfter: time.Second}

	// clientGone is for the log only: nobody receives the answer. 499 is from nginx.
	clientGone = &Problem{Status: 499, Code: "client_gone"}
)
