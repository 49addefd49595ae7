/* SPDX-License-Identifier: MIT */
/*
 * The little SDP that a connection without signalling needs: the answer that the client writes on the server's behalf,
 * and, for servers that know only `X:X`, the offer with its ICE credentials replaced.
 * Freestanding; part of the protocol library. Lines end in LF or CRLF on the way in, in CRLF on the way out.
 */
#ifndef WRD_SDP_H
#define WRD_SDP_H

#include "wrd/address.h"
#include "wrd/ufrag.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WRD_SDP_ANSWER_SIZE 1600 /* enough for any answer that wrd_sdp_answer() renders */
#define WRD_SDP_MID_MAX     32

typedef enum wrd_dtls_setup { WRD_SETUP_PASSIVE = 0, WRD_SETUP_ACTIVE, WRD_SETUP_ACTPASS } wrd_dtls_setup;

/* What is read from a session description. Borrowed slices point into the parsed text. */
typedef struct wrd_sdp {
    const char *mid, *ufrag, *pwd; /* NULL where absent */
    size_t mid_len, ufrag_len, pwd_len;
    wrd_fingerprint fingerprint;
    bool has_fingerprint;
    bool ice_lite;
    wrd_dtls_setup setup;      /* passive where absent */
    uint16_t sctp_port;        /* 0: absent */
    uint64_t max_message_size; /* 65536 where absent, 0 for any size (RFC 8841 6.1) */
} wrd_sdp;

/* What the answer says. Zeroed members take the default. */
typedef struct wrd_sdp_answer_options {
    size_t size;     /* sizeof(wrd_sdp_answer_options) */
    const char *mid; /* default "0"; copy the offer's: 1 to WRD_SDP_MID_MAX visible characters */
    size_t mid_len;
    wrd_dtls_setup setup;      /* default passive */
    bool no_ice_lite;          /* default: the answer says a=ice-lite */
    uint32_t max_message_size; /* default WRD_MESSAGE_MAX */
} wrd_sdp_answer_options;

/*
 * Reads the first application m-section and what the session says for all; the section's own word counts more.
 * WRD_INVALID with a static sentence in `*why` (may be NULL).
 */
WRD_API WRD_MUST_USE wrd_result wrd_sdp_parse(wrd_sdp *out, const char *text, size_t len, const char **why);

/*
 * Copies `text` with every a=ice-ufrag and a=ice-pwd value replaced by `ufrag`, line ends made CRLF. `*out_len` gets
 * the length (no NUL). WRD_TOO_LARGE when `cap` is too small: `len + 2 * lines + 600` suffices for one m-section with
 * its own credentials, 600 more for each other. WRD_INVALID when `text` lacks one of the two. Both leave part of a copy
 * in `out`.
 */
WRD_API WRD_MUST_USE wrd_result wrd_sdp_set_ice_credentials(char *out, size_t cap, size_t *out_len, const char *text,
                                                            size_t len, const wrd_ufrag *ufrag);

/*
 * Renders the answer for `address` and `ufrag` (docs/WIRE.md). `options` may be NULL. Returns the length (no NUL); 0
 * when `cap` is too small or an option is not what it may be. The zone of a link-local address is left out: SDP has
 * none.
 */
WRD_API size_t wrd_sdp_answer(char *out, size_t cap, const wrd_address *address, const wrd_ufrag *ufrag,
                              const wrd_sdp_answer_options *options);

#ifdef __cplusplus
}
#endif
#endif
