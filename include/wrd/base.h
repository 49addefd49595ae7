/* SPDX-License-Identifier: MIT */
/*
 * The words every other header uses: results, time, transport addresses, the environment.
 * Freestanding: nothing here needs an operating system.
 */
#ifndef WRD_BASE_H
#define WRD_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define WRD_API      __attribute__((visibility("default")))
#define WRD_MUST_USE __attribute__((warn_unused_result))
#else
#define WRD_API
#define WRD_MUST_USE
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define WRD_VERSION_MAJOR 0
#define WRD_VERSION_MINOR 1
#define WRD_VERSION_PATCH 0
#define WRD_VERSION       "0.1.0"

/* Largest application message, framed or raw (original.md: 16 MiB). */
#define WRD_MESSAGE_MAX ((size_t)16 * 1024 * 1024)
/* Framed messages travel as data-channel messages of at most this many bytes. */
#define WRD_CHUNK_MAX ((size_t)60 * 1024)

/*
 * What a call by the application can answer, and why a connection ended.
 * 0 is success, everything else negative. A call that fails has changed nothing.
 */
typedef enum wrd_result {
    WRD_OK = 0,
    WRD_AGAIN = -1,     /* not now: nothing to receive, or no room to send; an event says when */
    WRD_CLOSED = -2,    /* the connection was closed, by the peer or by us */
    WRD_GONE = -3,      /* no such connection (any more) */
    WRD_INVALID = -4,   /* an argument is not what the call takes */
    WRD_TOO_LARGE = -5, /* above a limit that the header names */
    WRD_NO_MEMORY = -6,
    WRD_SYSTEM = -7,    /* the operating system refused; errno says why */
    WRD_TIMEOUT = -8,   /* not finished within its time: nobody answers there */
    WRD_REFUSED = -9,   /* answered: nobody listens on that port, or a firewall rejects */
    WRD_MISMATCH = -10, /* the certificate is not the one the fingerprint names */
    WRD_LOST = -11,     /* the peer was there and no longer answers */
    WRD_PROTOCOL = -12  /* the peer broke a protocol rule; the text says which */
} wrd_result;

/* A short English sentence for `result`; static, never NULL. */
WRD_API const char *wrd_result_text(wrd_result result);

/* Microseconds of a monotonic clock with any origin. The core never reads a clock: the caller brings the time. */
typedef uint64_t wrd_time;
#define WRD_NEVER       UINT64_MAX
#define WRD_MILLISECOND ((wrd_time)1000)
#define WRD_SECOND      ((wrd_time)1000000)

/* An IP address and UDP port. `family` is 4 or 6; IPv4 uses ip[0..3]. `port` is in host order. All zero: none. */
typedef struct wrd_addr {
    uint8_t ip[16];
    uint16_t port;
    uint8_t family;
    uint8_t reserved;
    uint32_t scope; /* IPv6 zone index of a link-local address, else 0 */
} wrd_addr;

/* The two ends of a UDP flow. `local` may be all zero where the local address does not matter. */
typedef struct wrd_path {
    wrd_addr local;
    wrd_addr remote;
} wrd_path;

/*
 * What the core takes from outside besides datagrams and time.
 * `memory` allocates (old NULL), resizes, and frees (new_size 0, answers NULL); it answers NULL when it cannot, and
 * then `old` is still valid. Freeing and shrinking must not fail. `random` fills `out` with unpredictable bytes and
 * cannot fail. `unix_time` tells the seconds since 1970, and is asked only where connect tokens are (wrd/token.h); that
 * clock may jump. None may call back into the library. A NULL member of the struct means the platform's own (native
 * builds only); of `unix_time` the native server's, and none elsewhere.
 */
typedef struct wrd_env {
    void *user;
    void *(*memory)(void *user, void *old, size_t old_size, size_t new_size);
    void (*random)(void *user, uint8_t *out, size_t len);
    uint64_t (*unix_time)(void *user);
} wrd_env;

#ifdef __cplusplus
}
#endif
#endif
