package handlers

import "example.com/latchkey/models"

// ListUsers lists the users, to test lists.
var ListUsers = list[models.User]
