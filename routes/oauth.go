package routes

// byPassword describes a login with email and password at /token (OpenAPI 3.1,
// section 4.8.27).
func byPassword(basePath string) map[string]any {
	token := basePath + "/token"
	return map[string]any{
		"type":  "oauth2",
		"flows": map[string]any{"password": map[string]any{"tokenUrl": token, "refreshUrl": token, "scopes": map[string]any{}}},
	}
}
