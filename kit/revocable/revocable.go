// Package revocable caches who the owner of a credential is, such as the user of a session,
// so that a revocation is seen in time, and no request sees an older state than a request
// before it.
package revocable

import (
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/maypok86/otter/v2"
)

// Cache caches live credentials and their owners for at most a lag. An entry of credentials
// is valid only while it points to the cached owner, so that removing the owner invalidates
// all credentials of that owner.
//
// Of two reads that overlap, either may be the older one. A read is cached only if
// no other read of that owner ended after it began.
type Cache[Owner any] struct {
	lag                 time.Duration // 0: nothing is cached
	owners, credentials cache[*Owner]

	mu      sync.Mutex
	changes [256]uint64 // counts the changes of each owner; owners whose ids end alike share a counter
}

// cache is the part of otter.Cache that is used here. With otter's own type in a
// struct, its generic code would be compiled again in every package that imports
// this one.
type cache[Value any] interface {
	GetIfPresent(uuid.UUID) (Value, bool)
	Set(uuid.UUID, Value) (Value, bool)
	Invalidate(uuid.UUID) (Value, bool)
	EstimatedSize() int
}

// New makes a Cache of at most size credentials. With a lag of 0 it caches nothing.
func New[Owner any](size int, lag time.Duration) *Cache[Owner] {
	options := &otter.Options[uuid.UUID, *Owner]{MaximumSize: size}
	if lag > 0 { // else nothing is stored that expires
		options.ExpiryCalculator = otter.ExpiryWriting[uuid.UUID, *Owner](lag)
	}
	return &Cache[Owner]{lag: lag, owners: otter.Must(options), credentials: otter.Must(options)}
}

// Read returns the owner of a credential from the cache, or else by read, which reports
// whether the credential is live.
func (c *Cache[Owner]) Read(ctx context.Context, ownerID, credentialID uuid.UUID, read func(context.Context) (owner Owner, live bool, err error)) (owner Owner, live bool, err error) {
	if cached, ok := c.Find(ownerID, credentialID); ok {
		return cached, true, nil
	}
	changes := c.begin(ownerID)
	owner, live, err = read(ctx)
	switch {
	case err == nil && live:
		c.store(ownerID, credentialID, &owner, changes)
	case err == nil:
		c.Invalidate(ownerID)
	}
	return owner, live, err
}

// Find returns the owner of a credential that is in the cache.
func (c *Cache[Owner]) Find(ownerID, credentialID uuid.UUID) (owner Owner, ok bool) {
	cached, _ := c.owners.GetIfPresent(ownerID)
	of, _ := c.credentials.GetIfPresent(credentialID)
	if cached == nil || cached != of {
		return owner, false
	}
	return *cached, true
}

// Invalidate removes an owner, so that the next Read of each credential reads again.
func (c *Cache[Owner]) Invalidate(ownerID uuid.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*c.counter(ownerID)++
	c.owners.Invalidate(ownerID)
}

// Len returns how many credentials are cached.
func (c *Cache[Owner]) Len() int { return c.credentials.EstimatedSize() }

// counter returns the counter of the changes of an owner.
func (c *Cache[Owner]) counter(ownerID uuid.UUID) *uint64 { return &c.changes[ownerID[uuid.Size-1]] }

// begin is called before a read; store takes its result.
func (c *Cache[Owner]) begin(ownerID uuid.UUID) (changes uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *c.counter(ownerID)
}

// store caches the result of a read; changes is the result of its begin.
func (c *Cache[Owner]) store(ownerID, credentialID uuid.UUID, owner *Owner, changes uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	isNewest := *c.counter(ownerID) == changes
	cached, ok := c.owners.GetIfPresent(ownerID)
	switch isSame := ok && reflect.DeepEqual(cached, owner); {
	case isSame && isNewest:
		c.credentials.Set(credentialID, cached)
	case isNewest && c.lag > 0:
		*c.counter(ownerID)++
		c.owners.Set(ownerID, owner)
		c.credentials.Set(credentialID, owner)
	case !isSame:
		*c.counter(ownerID)++
		c.owners.Invalidate(ownerID)
	}
}
