/* SPDX-License-Identifier: MIT */
#include "sctp/heartbeat.h"

#include "base/mem.h"
#include "sctp/chunk.h"
#include "sctp/param.h"

#define PROBE_SIZE (WRD_SCTP_CHUNK_HEADER_SIZE + 4 + WRD_SCTP_NONCE_SIZE)

void wrd_sctp_heartbeat_init(struct wrd_sctp_heartbeat *hb, const wrd_env *env)
{
    *hb = (struct wrd_sctp_heartbeat){.env = env, .deadline = WRD_NEVER};
}

void wrd_sctp_heartbeat_free(struct wrd_sctp_heartbeat *hb)
{
    wrd_mem_free(hb->env, hb->echo, hb->echo_len);
    hb->echo = NULL;
    hb->echo_len = 0;
}

void wrd_sctp_heartbeat_heard(struct wrd_sctp_heartbeat *hb, wrd_time now)
{
    hb->deadline = now + WRD_SCTP_HEARTBEAT_IDLE;
}

bool wrd_sctp_heartbeat_expire(struct wrd_sctp_heartbeat *hb, wrd_time now)
{
    bool unanswered = hb->outstanding;
    hb->outstanding = false;
    hb->send = true;
    hb->deadline = now + WRD_SCTP_HEARTBEAT_IDLE;
    return unanswered;
}

void wrd_sctp_heartbeat_asked(struct wrd_sctp_heartbeat *hb, const uint8_t *value, size_t len)
{
    if (len == 0 || len > WRD_SCTP_ECHO_MAX)
        return;
    wrd_sctp_heartbeat_free(hb);
    hb->echo = wrd_mem_alloc(hb->env, len);
    if (!hb->echo)
        return;
    memcpy(hb->echo, value, len);
    hb->echo_len = (uint16_t)len;
}

wrd_time wrd_sctp_heartbeat_answered(struct wrd_sctp_heartbeat *hb, wrd_time now, struct wrd_reader value)
{
    struct wrd_sctp_param info;
    if (!hb->outstanding || !wrd_sctp_param_next(&value, &info) || info.type != WRD_SCTP_PARAM_HEARTBEAT_INFO ||
        info.value.left != sizeof hb->nonce || memcmp(info.value.at, hb->nonce, sizeof hb->nonce) != 0)
        return 0;
    hb->outstanding = false;
    return now > hb->sent ? now - hb->sent : 1;
}

static void write_probe(struct wrd_writer *wr, const uint8_t nonce[WRD_SCTP_NONCE_SIZE])
{
    size_t start = wrd_sctp_chunk_begin(wr, WRD_SCTP_HEARTBEAT, 0);
    wrd_sctp_param_write(wr, WRD_SCTP_PARAM_HEARTBEAT_INFO, nonce, WRD_SCTP_NONCE_SIZE);
    wrd_sctp_chunk_end(wr, start);
}

void wrd_sctp_heartbeat_write_aside(const struct wrd_sctp_heartbeat *hb, struct wrd_writer *wr)
{
    uint8_t nonce[WRD_SCTP_NONCE_SIZE];
    hb->env->random(hb->env->user, nonce, sizeof nonce);
    write_probe(wr, nonce);
}

void wrd_sctp_heartbeat_write(struct wrd_sctp_heartbeat *hb, wrd_time now, struct wrd_writer *wr)
{
    if (hb->echo && wr->cap - wr->len >= WRD_SCTP_CHUNK_HEADER_SIZE + (size_t)hb->echo_len + 3) {
        size_t start = wrd_sctp_chunk_begin(wr, WRD_SCTP_HEARTBEAT_ACK, 0);
        wrd_wr_bytes(wr, hb->echo, hb->echo_len);
        wrd_sctp_chunk_end(wr, start);
        wrd_sctp_heartbeat_free(hb);
    }
    if (hb->send && wr->cap - wr->len >= PROBE_SIZE) {
        hb->env->random(hb->env->user, hb->nonce, sizeof hb->nonce);
        write_probe(wr, hb->nonce);
        hb->send = false;
        hb->outstanding = true;
        hb->sent = now;
    }
}
