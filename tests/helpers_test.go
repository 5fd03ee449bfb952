// Package tests tests the program as a whole: many at the same time, several replicas,
// proxies, poolers, kills and upgrades. A project does not inherit it.
package tests

const form = "application/x-www-form-urlencoded"

// nobody is the id of nothing.
const nobody = "01900000-0000-7000-8000-000000000000"
