/* SPDX-License-Identifier: MIT */
/* The growth of CUBIC in congestion avoidance, RFC 9438, in integers: bytes, and milliseconds where it takes cubes. */
#ifndef WRD_SCTP_CUBIC_H
#define WRD_SCTP_CUBIC_H

#include "wrd/base.h"

struct wrd_sctp_cubic {
    bool running;                     /* an epoch of growth began; before, only the next two hold */
    size_t highest;                   /* W_max; 0: no loss so far */
    size_t before;                    /* cwnd_prior: the window when it was last reduced */
    wrd_time since;                   /* when the epoch began, moved on by what it was not used for */
    wrd_time last;                    /* acknowledgement */
    uint64_t inflexion_ms;            /* K */
    size_t origin;                    /* W_max of this epoch */
    size_t reno;                      /* W_est: what Reno would have by now */
    uint64_t fraction, reno_fraction; /* of a byte, that the window and `reno` grew, in parts of the window */
};

/* What the window is after a loss at `cwnd`; `gently`: one that need not mean congestion. */
size_t wrd_sctp_cubic_reduce(struct wrd_sctp_cubic *cubic, size_t cwnd, bool gently);
/* The next epoch starts flat, where slow start left off: after a timeout there is no W_max to return to. */
void wrd_sctp_cubic_forget(struct wrd_sctp_cubic *cubic);
/* The window after `bytes` of a full one (`used`) were acknowledged. */
size_t wrd_sctp_cubic_acked(struct wrd_sctp_cubic *cubic, wrd_time now, wrd_time srtt, size_t payload, size_t cwnd,
                            size_t bytes, bool used);

/* The integer part of the cube root. */
uint64_t wrd_sctp_cube_root(uint64_t value);

#endif
