package handlers

import "example.com/latchkey/models"

// ListUsers is the list of one resource.
var ListUsers = list[models.User]
