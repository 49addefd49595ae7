/* SPDX-License-Identifier: MIT */
#include "sctp/cookie.h"

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/crypto.h"

#define SEALED_SIZE (WRD_SCTP_COOKIE_SIZE - WRD_SHA256_SIZE)

enum { FORWARD_TSN = 1, RECONFIG = 2, INTERLEAVING = 4, I_FORWARD_TSN = 8, ZERO_CHECKSUM = 16 };

bool wrd_sctp_cookie_seal(uint8_t out[WRD_SCTP_COOKIE_SIZE], const struct wrd_sctp_cookie *cookie,
                          const uint8_t key[WRD_SCTP_COOKIE_KEY_SIZE])
{
    struct wrd_writer wr = wrd_wr(out, SEALED_SIZE);
    wrd_store64be(out, cookie->made);
    (void)wrd_wr_space(&wr, 8);
    wrd_wr32(&wr, cookie->local_tag);
    wrd_wr32(&wr, cookie->peer_tag);
    wrd_wr32(&wr, cookie->local_tsn.v);
    wrd_wr32(&wr, cookie->peer_tsn.v);
    wrd_wr32(&wr, cookie->peer_rwnd);
    wrd_wr16(&wr, cookie->streams_out);
    wrd_wr16(&wr, cookie->streams_in);
    wrd_wr32(&wr, cookie->local_tie);
    wrd_wr32(&wr, cookie->peer_tie);
    wrd_wr32(&wr, (cookie->forward_tsn ? FORWARD_TSN : 0) | (cookie->reconfig ? RECONFIG : 0) |
                      (cookie->interleaving ? INTERLEAVING : 0) | (cookie->i_forward_tsn ? I_FORWARD_TSN : 0) |
                      (cookie->zero_checksum ? ZERO_CHECKSUM : 0));
    WRD_ASSERT(!wr.bad && wr.len == SEALED_SIZE);
    return wrd_hmac_sha256(out + SEALED_SIZE, key, WRD_SCTP_COOKIE_KEY_SIZE, out, SEALED_SIZE);
}

bool wrd_sctp_cookie_open(struct wrd_sctp_cookie *cookie, const uint8_t *bytes, size_t len,
                          const uint8_t key[WRD_SCTP_COOKIE_KEY_SIZE])
{
    uint8_t mac[WRD_SHA256_SIZE];
    if (len != WRD_SCTP_COOKIE_SIZE || !wrd_hmac_sha256(mac, key, WRD_SCTP_COOKIE_KEY_SIZE, bytes, SEALED_SIZE) ||
        !wrd_crypto_equal(mac, bytes + SEALED_SIZE, sizeof mac))
        return false;
    struct wrd_reader rd = wrd_rd(bytes, SEALED_SIZE);
    cookie->made = wrd_load64be(bytes);
    (void)wrd_rd_bytes(&rd, 8);
    cookie->local_tag = wrd_rd32(&rd);
    cookie->peer_tag = wrd_rd32(&rd);
    cookie->local_tsn = wrd_tsn(wrd_rd32(&rd));
    cookie->peer_tsn = wrd_tsn(wrd_rd32(&rd));
    cookie->peer_rwnd = wrd_rd32(&rd);
    cookie->streams_out = wrd_rd16(&rd);
    cookie->streams_in = wrd_rd16(&rd);
    cookie->local_tie = wrd_rd32(&rd);
    cookie->peer_tie = wrd_rd32(&rd);
    uint32_t supported = wrd_rd32(&rd);
    cookie->forward_tsn = supported & FORWARD_TSN;
    cookie->reconfig = supported & RECONFIG;
    cookie->interleaving = supported & INTERLEAVING;
    cookie->i_forward_tsn = supported & I_FORWARD_TSN;
    cookie->zero_checksum = supported & ZERO_CHECKSUM;
    return true;
}
