package auth

// cache is the part of otter.Cache that is used here. With otter's own type in a
// struct, its generic code would be compiled again in every package that imports
// this one.
type cache[Key comparable, Value any] interface {
	GetIfPresent(Key) (Value, bool)
	Set(Key, Value) (Value, bool)
	Invalidate(Key) (Value, bool)
	InvalidateAll()
	EstimatedSize() int
}
