/* SPDX-License-Identifier: MIT */
#include "sctp/fast_open.h"

#include "base/check.h"
#include "sctp/bounds.h"

/*
 *    0      8         12       16        20       24       28    36      39            (both forms, up to here)
 *   +------+---------+--------+---------+--------+--------+-----+-------+---- - -
 *   |magic | peer    | my tag | peer TSN| my TSN | a_rwnd | tie | flags | zero checksum, streams in, streams out
 *   +------+---------+--------+---------+--------+--------+-----+-------+---- - -
 *   "my" is the peer's and "peer" this side's: it is the peer's own note. Flags: partial reliability, interleaving,
 *   stream reset, one byte each. The rest is a byte and two of streams each, or, after a byte of padding, four and two.
 */
#define SHORT_SIZE ((size_t)44)
#define LONG_SIZE  ((size_t)48)
#define TIE_AT     28
#define TIE_SIZE   8

enum { FORM_SHORT = 1, FORM_LONG = 2 };

static const uint8_t magic[] = {'d', 'c', 'S', 'C', 'T', 'P', '0', '0'};

void wrd_sctp_fast_open_offer(struct wrd_sctp_fast_open *open, const wrd_env *env, uint32_t other_tag)
{
    uint32_t random[3];
    env->random(env->user, (uint8_t *)random, sizeof random);
    if (random[0] == 0 || random[0] == other_tag)
        random[0] = ~other_tag ? ~other_tag : 1;
    *open = (struct wrd_sctp_fast_open){.offered = true,
                                        .due = FORM_SHORT | FORM_LONG,
                                        .local_tag = random[0],
                                        .peer_tag = random[1] ? random[1] : 1,
                                        .peer_tsn = wrd_tsn(random[2])};
}

void wrd_sctp_fast_open_write(struct wrd_sctp_fast_open *open, const struct wrd_sctp_fast_open_us *us,
                              struct wrd_writer *wr)
{
    WRD_ASSERT(open->due);
    bool is_long = !(open->due & FORM_SHORT);
    open->due = is_long ? 0 : open->due & FORM_LONG;
    size_t start = wrd_sctp_chunk_begin(wr, WRD_SCTP_COOKIE_ECHO, 0);
    wrd_wr_bytes(wr, magic, sizeof magic);
    wrd_wr32(wr, open->local_tag);
    wrd_wr32(wr, open->peer_tag);
    wrd_wr32(wr, us->tsn.v);
    wrd_wr32(wr, open->peer_tsn.v);
    wrd_wr32(wr, us->a_rwnd);
    wrd_wr32(wr, 0); /* tie */
    wrd_wr32(wr, 0);
    wrd_wr8(wr, 1); /* partial reliability */
    wrd_wr8(wr, 0); /* interleaving */
    wrd_wr8(wr, 1); /* stream reset */
    wrd_wr8(wr, 0); /* without checksum: no; in the long form padding, and then the same */
    if (is_long)
        wrd_wr32(wr, 0);
    wrd_wr16(wr, us->streams);
    wrd_wr16(wr, us->streams);
    WRD_ASSERT(wr->bad || wr->len - start == WRD_SCTP_CHUNK_HEADER_SIZE + (is_long ? LONG_SIZE : SHORT_SIZE));
    wrd_sctp_chunk_end(wr, start);
}

bool wrd_sctp_fast_open_is_taken(const struct wrd_sctp_fast_open *open, uint32_t tag, uint8_t type)
{
    if (!open->offered || tag != open->local_tag)
        return false;
    /* Its COOKIE-ACK may be lost, and what follows it arrive; but what refuses the cookie leaves all as it is. */
    return type != WRD_SCTP_ABORT && type != WRD_SCTP_ERROR && type != WRD_SCTP_SHUTDOWN_ACK &&
           type != WRD_SCTP_SHUTDOWN_COMPLETE;
}

bool wrd_sctp_fast_open_shows(const struct wrd_sctp_fast_open *open, const struct wrd_sctp_init *init_ack)
{
    static const uint8_t no_tie[TIE_SIZE];
    size_t len = init_ack->cookie_len;
    return open->offered && (len == SHORT_SIZE || len == LONG_SIZE) &&
           memcmp(init_ack->cookie, magic, sizeof magic) == 0 &&
           memcmp(init_ack->cookie + TIE_AT, no_tie, TIE_SIZE) != 0;
}

struct wrd_sctp_init wrd_sctp_fast_open_peer(const struct wrd_sctp_fast_open *open, uint16_t streams)
{
    return (struct wrd_sctp_init){.tag = open->peer_tag,
                                  .a_rwnd = WRD_SCTP_FAST_OPEN_WINDOW,
                                  .streams_out = streams,
                                  .streams_in = streams,
                                  .tsn = open->peer_tsn,
                                  .forward_tsn = true,
                                  .reconfig = true};
}
