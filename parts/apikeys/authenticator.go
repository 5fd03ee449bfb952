package apikeys

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/maypok86/otter/v2"
	"gorm.io/gorm"

	"example.com/latchkey/accounts"
	"example.com/latchkey/config"
	"example.com/latchkey/kit/database"
	"example.com/latchkey/kit/problem"
	"example.com/latchkey/kit/token"
	"example.com/latchkey/models"
)

// Prefix begins every API key, so that people and secret scanners see what it is.
// Another prefix makes all older keys invalid. make rename changes it to the name of the
// project.
const Prefix = "lk_"

// An API key is the prefix, 32 random bytes, and a checksum of both, so that a text that
// only looks like a key is refused without the database.
const (
	keyBytes       = 32
	keyDigits      = 43 // of the bytes in base 62
	checksumDigits = 6  // of a CRC-32 in base 62
	keyLength      = len(Prefix) + keyDigits + checksumDigits
)

// byKey is an API key.
const byKey accounts.Credential = "key"

// useInterval is how often a key's last_used_at changes at most.
const useInterval = time.Minute

// newKey makes an API key, and the hash that is stored of it.
func newKey() (key string, hash []byte) {
	var random [keyBytes]byte
	_, _ = rand.Read(random[:]) // it never fails
	body := Prefix + base62(new(big.Int).SetBytes(random[:]), keyDigits)
	key = body + checksum(body)
	sum := hashKey(key)
	return key, sum[:]
}

func base62(n *big.Int, digits int) string {
	text := n.Text(62)
	return strings.Repeat("0", digits-len(text)) + text
}

func checksum(body string) string {
	return base62(big.NewInt(int64(crc32.ChecksumIEEE([]byte(body)))), checksumDigits)
}

// hashKey needs no salt and no slow function, because a key is too random to guess.
func hashKey(key string) [sha256.Size]byte {
	var text [keyLength]byte
	copy(text[:], key)
	return sha256.Sum256(text[:])
}

// authenticator identifies the users of API keys.
type authenticator struct {
	db       *gorm.DB
	sessions *accounts.Sessions        // whose cache of users says which keys are live
	known    func() keyCache           // a key here may have ended
	used     database.Later[uuid.UUID] // the keys whose use is to be stored
}

// keyCache is the part of otter.Cache that is used here, as in kit/token.
type keyCache interface {
	GetIfPresent([sha256.Size]byte) (*knownKey, bool)
	Set([sha256.Size]byte, *knownKey) (*knownKey, bool)
}

// knownKey is what identify needs of a key.
type knownKey struct {
	id, userID uuid.UUID
	readOnly   bool
	expiresAt  *time.Time
	nextUse    atomic.Int64 // when a use is stored again, in nanoseconds since 1970
}

func newAuthenticator(db *gorm.DB, sessions *accounts.Sessions, settings config.JWT) *authenticator {
	return &authenticator{
		db:       db,
		sessions: sessions,
		known: sync.OnceValue(func() keyCache { // it takes memory, also while nobody has a key
			return otter.Must(&otter.Options[[sha256.Size]byte, *knownKey]{MaximumSize: settings.MaxRemembered})
		}),
		used: database.NewLater[uuid.UUID](),
	}
}

// identify is an Authenticator. The error is token.ErrInvalid for a wrong form or
// checksum, token.ErrExpired, token.ErrRevoked for an unknown or deleted key or a disabled
// user, and forbidden if the key may only read.
func (k *authenticator) identify(_ accounts.Accounts, r *http.Request, text string) (identity accounts.Identity, known bool, err error) {
	if !strings.HasPrefix(text, Prefix) {
		return identity, false, nil
	}
	key, user, err := k.find(r.Context(), text)
	now := time.Now()
	switch {
	case err != nil:
		return identity, true, err
	case key.expiresAt != nil && !now.Before(*key.expiresAt):
		return identity, true, token.ErrExpired
	case key.readOnly && r.Method != http.MethodGet && r.Method != http.MethodHead:
		return identity, true, problem.Forbidden.Detailed("This key may only read")
	}
	k.note(key, now)
	return accounts.Identity{User: user, By: byKey, ID: key.id}, true, nil
}

const liveKey = "SELECT 1 FROM api_keys WHERE user_id = users.id AND api_keys.id = ? AND (expires_at IS NULL OR expires_at > ?)"

// find returns a key and its user from the cache, or else from the database.
func (k *authenticator) find(ctx context.Context, text string) (*knownKey, models.User, error) {
	if len(text) != keyLength {
		return nil, models.User{}, token.ErrInvalid
	}
	hash := hashKey(text)
	key, known := k.known().GetIfPresent(hash)
	if known {
		if user, live := k.sessions.Cached(key.userID, key.id); live {
			return key, user, nil
		}
	}
	if body := text[:keyLength-checksumDigits]; !known && text != body+checksum(body) {
		return nil, models.User{}, token.ErrInvalid
	}
	return k.read(ctx, hash)
}

func (k *authenticator) read(ctx context.Context, hash [sha256.Size]byte) (key *knownKey, user models.User, err error) {
	var row APIKey
	found := k.db.WithContext(ctx).Limit(1).Find(&row, "hash = ?", hash[:])
	switch {
	case found.Error != nil:
		return nil, user, found.Error
	case found.RowsAffected == 0:
		return nil, user, token.ErrRevoked
	case row.ExpiresAt != nil && !k.db.NowFunc().Before(*row.ExpiresAt):
		return nil, user, token.ErrExpired
	}
	if user, err = k.sessions.UserOf(ctx, row.UserID, row.ID, liveKey); err != nil {
		return nil, user, err
	}
	key = &knownKey{id: row.ID, userID: row.UserID, readOnly: row.Scope != ScopeFull, expiresAt: row.ExpiresAt}
	if row.LastUsedAt != nil {
		key.nextUse.Store(row.LastUsedAt.Add(useInterval).UnixNano())
	}
	k.known().Set(hash, key)
	return key, user, nil
}

// note gives a use of a key to storeUses, if the last one is old enough.
func (k *authenticator) note(key *knownKey, now time.Time) {
	next := key.nextUse.Load()
	if now.UnixNano() < next || !key.nextUse.CompareAndSwap(next, now.Add(useInterval).UnixNano()) {
		return
	}
	k.used.Add(key.id)
}

// storeUses stores when keys are used, until ctx ends.
func (k *authenticator) storeUses(ctx context.Context, log *slog.Logger) {
	k.used.Store(ctx, func(ctx context.Context, ids []uuid.UUID) {
		db := k.db.WithContext(ctx)
		now := db.NowFunc()
		err := db.Model(&APIKey{}).Where("id IN (?) AND (last_used_at IS NULL OR last_used_at <= ?)", ids, now.Add(-useInterval)).
			Update("last_used_at", now).Error // another process may have stored a use
		if err != nil {
			log.Warn("the use of API keys was not stored", "keys", len(ids), "error", err)
		}
	})
}
