package auth

// cache is otter's. Named by its own type, its generic code would be compiled
// again in every package that imports this one.
type cache[Key comparable, Value any] interface {
	GetIfPresent(Key) (Value, bool)
	Set(Key, Value) (Value, bool)
	Invalidate(Key) (Value, bool)
	InvalidateAll()
}
