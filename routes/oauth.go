package routes

// byPassword describes a login with email and password at /token (OpenAPI 3.1,
// section 4.8.27). Its URL is relative to the document, as Swagger UI reads it.
func byPassword() map[string]any {
	return map[string]any{
		"type":        "oauth2",
		"description": "The username is your email.",
		"flows":       map[string]any{"password": map[string]any{"tokenUrl": "token", "refreshUrl": "token", "scopes": map[string]any{}}},
	}
}
