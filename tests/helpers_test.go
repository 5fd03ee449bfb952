// Package tests tests the program as a whole: many at the same time, several replicas,
// proxies, poolers, kills and upgrades. A project does not inherit it.
package tests

const form = "application/x-www-form-urlencoded"
