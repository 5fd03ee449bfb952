// Package sqlite3 takes the place of a driver for SQLite in C, which GORM's dialector
// imports and this program does not use. So no build compiles C.
package sqlite3
