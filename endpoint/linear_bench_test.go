package endpoint_test

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"testing"
)

// BenchmarkReading shows a straight line where MB/s stays the same from 64 KiB
// to 1 MiB, and more MB/s where a limit ends the work early.
func BenchmarkReading(b *testing.B) {
	for _, kind := range slices.Sorted(maps.Keys(shapes)) {
		for _, n := range []int{64 << 10, 256 << 10, 1 << 20} {
			b.Run(fmt.Sprintf("%s/%dKiB", kind, n>>10), func(b *testing.B) {
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					b.StopTimer()
					r, recorder := shapes[kind].request(n), httptest.NewRecorder()
					b.StartTimer()
					shapes[kind].handler.ServeHTTP(recorder, r)
				}
			})
		}
	}
}
