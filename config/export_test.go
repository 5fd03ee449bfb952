package config

// Others is for the tests that compare config.yaml with the defaults.
var Others = Settings.others
