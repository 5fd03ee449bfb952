package config

// Others is for the test that compares config.yaml with the defaults.
var Others = Settings.others
