package settings_test

import (
	"fmt"
	"time"

	"example.com/latchkey/kit/settings"
)

// A program reads its settings once, and tells everything that is wrong with them at once.
func ExampleFaults_Read() {
	type cache struct {
		MaxSize settings.Size `mapstructure:"max_size"`
		TTL     time.Duration `mapstructure:"ttl"`
	}
	read := struct {
		Cache cache `mapstructure:"cache"`
	}{cache{MaxSize: settings.MiB, TTL: time.Hour}} // the defaults

	var faults settings.Faults
	faults.Read(settings.DefaultFile, []string{"APP_CACHE_MAX_SIZE=2MiB", "APP_CACHE_TTL=-5m", "APP_CACHE_TTTL=5m"}, &read) // or os.Environ()
	faults.Section("cache").Positive("ttl", read.Cache.TTL)
	fmt.Println(read.Cache.MaxSize)
	fmt.Println(faults.Error())
	// Output:
	// 2097152
	// 2 settings are wrong:
	//   APP_CACHE_TTTL is not a setting: correct or unset it (known: cache.max_size, cache.ttl)
	//   cache.ttl: -5m0s is not greater than 0
}
