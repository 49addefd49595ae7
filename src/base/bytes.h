/* SPDX-License-Identifier: MIT */
/*
 * Cursors over caller memory, and the only code that touches byte order.
 * A reader that overruns yields zeros and turns bad, and stays so: take every field, test `bad` once at the end.
 * A writer that overruns writes nothing more and turns bad likewise.
 */
#ifndef WRD_BASE_BYTES_H
#define WRD_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t wrd_load16be(const uint8_t *p)
{
    return (uint16_t)((p[0] << 8) | p[1]);
}

static inline uint32_t wrd_load32be(const uint8_t *p)
{
    return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

static inline uint64_t wrd_load64be(const uint8_t *p)
{
    return ((uint64_t)wrd_load32be(p) << 32) | wrd_load32be(p + 4);
}

static inline uint32_t wrd_load32le(const uint8_t *p)
{
    return ((uint32_t)p[3] << 24) | ((uint32_t)p[2] << 16) | ((uint32_t)p[1] << 8) | p[0];
}

static inline void wrd_store16be(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void wrd_store32be(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static inline void wrd_store64be(uint8_t *p, uint64_t v)
{
    wrd_store32be(p, (uint32_t)(v >> 32));
    wrd_store32be(p + 4, (uint32_t)v);
}

static inline void wrd_store32le(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

struct wrd_reader {
    const uint8_t *at;
    size_t left;
    bool bad;
};

static inline struct wrd_reader wrd_rd(const uint8_t *bytes, size_t len)
{
    return (struct wrd_reader){.at = bytes, .left = len, .bad = false};
}

/* The next `len` bytes in place, or NULL and a bad reader. */
static inline const uint8_t *wrd_rd_bytes(struct wrd_reader *rd, size_t len)
{
    if (rd->bad || len > rd->left) {
        rd->bad = true;
        rd->left = 0;
        return NULL;
    }
    const uint8_t *at = rd->at;
    rd->at += len;
    rd->left -= len;
    return at;
}

static inline uint8_t wrd_rd8(struct wrd_reader *rd)
{
    const uint8_t *p = wrd_rd_bytes(rd, 1);
    return p ? p[0] : 0;
}

static inline uint16_t wrd_rd16(struct wrd_reader *rd)
{
    const uint8_t *p = wrd_rd_bytes(rd, 2);
    return p ? wrd_load16be(p) : 0;
}

static inline uint32_t wrd_rd32(struct wrd_reader *rd)
{
    const uint8_t *p = wrd_rd_bytes(rd, 4);
    return p ? wrd_load32be(p) : 0;
}

struct wrd_writer {
    uint8_t *start;
    size_t len; /* written so far */
    size_t cap;
    bool bad;
};

static inline struct wrd_writer wrd_wr(uint8_t *out, size_t cap)
{
    return (struct wrd_writer){.start = out, .len = 0, .cap = cap, .bad = false};
}

/* Room for `len` bytes that the caller fills, or NULL and a bad writer. */
static inline uint8_t *wrd_wr_space(struct wrd_writer *wr, size_t len)
{
    if (wr->bad || len > wr->cap - wr->len) {
        wr->bad = true;
        return NULL;
    }
    uint8_t *at = wr->start + wr->len;
    wr->len += len;
    return at;
}

static inline void wrd_wr_bytes(struct wrd_writer *wr, const void *bytes, size_t len)
{
    uint8_t *at = wrd_wr_space(wr, len);
    if (at && len > 0)
        memcpy(at, bytes, len);
}

static inline void wrd_wr8(struct wrd_writer *wr, uint8_t v)
{
    uint8_t *at = wrd_wr_space(wr, 1);
    if (at)
        at[0] = v;
}

static inline void wrd_wr16(struct wrd_writer *wr, uint16_t v)
{
    uint8_t *at = wrd_wr_space(wr, 2);
    if (at)
        wrd_store16be(at, v);
}

static inline void wrd_wr32(struct wrd_writer *wr, uint32_t v)
{
    uint8_t *at = wrd_wr_space(wr, 4);
    if (at)
        wrd_store32be(at, v);
}

#endif
