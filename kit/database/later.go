package database

import "context"

// maxLater is how many values can wait. Others are dropped.
const maxLater = 1000

// Later is a queue of values that are stored in the background, so that no request waits
// for the write. It is for values that may be lost, such as the time of the last use.
// Make it with NewLater.
type Later[T any] struct{ waiting chan T }

// NewLater makes an empty queue of 1,000 values at most.
func NewLater[T any]() Later[T] { return Later[T]{make(chan T, maxLater)} }

// Add adds a value, or drops it if too many wait.
func (l Later[T]) Add(value T) {
	select {
	case l.waiting <- value:
	default:
	}
}

// Store calls store with all values that wait, again and again until ctx ends. The context
// of a call does not end, so that a statement that has begun may end.
func (l Later[T]) Store(ctx context.Context, store func(ctx context.Context, values []T)) {
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-l.waiting:
			values := []T{first}
			for len(l.waiting) > 0 && len(values) < maxLater {
				values = append(values, <-l.waiting)
			}
			store(context.WithoutCancel(ctx), values)
		}
	}
}
