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
    hb->unanswered = 0;
}

bool wrd_sctp_heartbeat_expire(struct wrd_sctp_heartbeat *hb, wrd_time now)
{
    bool unanswered = hb->outstanding;
    hb->outstanding = false;
    hb->send = true;
    hb->deadline = now + WRD_SCTP_HEARTBEAT_RETRY;
    hb->unanswered = (uint8_t)(hb->unanswered + unanswered);
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

const uint8_t *wrd_sctp_heartbeat_info(struct wrd_reader value)
{
    struct wrd_sctp_param info;
    bool ours = wrd_sctp_param_next(&value, &info) && info.type == WRD_SCTP_PARAM_HEARTBEAT_INFO &&
                info.value.left == WRD_SCTP_NONCE_SIZE;
    return ours ? info.value.at : NULL;
}

wrd_time wrd_sctp_heartbeat_answered(struct wrd_sctp_heartbeat *hb, wrd_time now, struct wrd_reader value)
{
    const uint8_t *info = wrd_sctp_heartbeat_info(value);
    if (!hb->outstanding || !info || memcmp(info, hb->nonce, sizeof hb->nonce) != 0)
        return 0;
    hb->outstanding = false;
    return now > hb->sent ? now - hb->sent : 1;
}

void wrd_sctp_heartbeat_write_aside(struct wrd_writer *wr, const uint8_t info[WRD_SCTP_NONCE_SIZE])
{
    size_t start = wrd_sctp_chunk_begin(wr, WRD_SCTP_HEARTBEAT, 0);
    wrd_sctp_param_write(wr, WRD_SCTP_PARAM_HEARTBEAT_INFO, info, WRD_SCTP_NONCE_SIZE);
    wrd_sctp_chunk_end(wr, start);
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
        wrd_sctp_heartbeat_write_aside(wr, hb->nonce);
        hb->send = false;
        hb->outstanding = true;
        hb->sent = now;
    }
}
