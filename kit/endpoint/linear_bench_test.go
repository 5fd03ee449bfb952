package endpoint_test

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"testing"
)

// BenchmarkReading is linear if MB/s stays the same from 64 KiB to 1 MiB. MB/s grows if a
// limit ends the work early.
func BenchmarkReading(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		for _, n := range []int{64 << 10, 256 << 10, 1 << 20} {
			b.Run(fmt.Sprintf("%s/%dKiB", name, n>>10), func(b *testing.B) {
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					b.StopTimer()
					r, recorder := shapes[name].request(n), httptest.NewRecorder()
					b.StartTimer()
					shapes[name].handler.ServeHTTP(recorder, r)
				}
			})
		}
	}
}
