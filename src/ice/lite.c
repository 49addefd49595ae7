/* SPDX-License-Identifier: MIT */
#include "ice/ice.h"
#include "base/bytes.h"
#include "crypto/crypto.h"
#include "stun/stun.h"

/* Error codes that a lite agent may have to give: RFC 8489 6.3.1 and RFC 8445 7.3.1.1. */
enum { UNKNOWN_ATTRIBUTE = 420, ROLE_CONFLICT = 487 };

/* 0: the request is in order. Only asked once MESSAGE-INTEGRITY is known to be right. */
static uint16_t error_of(const struct wrd_stun *request)
{
    if (request->unknown_required != 0)
        return UNKNOWN_ATTRIBUTE;
    /* A lite agent never takes the controlling role from a full one, so a controlled peer must change its own. */
    return request->has_ice_controlled ? ROLE_CONFLICT : 0;
}

size_t wrd_ice_lite_answer(struct wrd_ice_answered *answered, const wrd_addr *remote, const uint8_t *datagram,
                           size_t len, uint8_t *out, size_t cap)
{
    struct wrd_stun request;
    wrd_ufrag ufrag;
    /* The cheaper a test, the sooner: of a flood most is told by its type, then by its FINGERPRINT, and the rest by its
     * MESSAGE-INTEGRITY. */
    if ((remote->family != 4 && remote->family != 6) || len < WRD_STUN_HEADER_SIZE ||
        wrd_load16be(datagram) != WRD_STUN_BINDING_REQUEST)
        return 0;
    if (!wrd_stun_read(&request, datagram, len) || !request.has_fingerprint || !request.username)
        return 0;
    if (wrd_ufrag_from_stun_username(&ufrag, request.username, request.username_len) != WRD_OK)
        return 0;
    struct wrd_hmac_sha1_key key;
    wrd_hmac_sha1_prepare(&key, (const uint8_t *)ufrag.text, ufrag.len);
    if (!wrd_stun_verify_with(&request, datagram, &key))
        return 0;

    /* A forged source address must not gain by us: no answer rather than one that is longer than its request. */
    if (cap > len)
        cap = len;
    uint16_t error = error_of(&request);
    size_t written =
        error == 0 ? wrd_stun_write_success_with(out, cap, request.transaction, remote, &key)
                   : wrd_stun_write_error_with(out, cap, request.transaction, error, request.unknown_required, &key);
    if (written == 0)
        return 0;
    answered->ufrag = ufrag;
    answered->use_candidate = request.use_candidate;
    answered->is_success = error == 0;
    return written;
}
