/* SPDX-License-Identifier: MIT */
/* When the first slow start is to end, told by round-trip times that rise: HyStart++, RFC 9406. */
#ifndef WRD_SCTP_HYSTART_H
#define WRD_SCTP_HYSTART_H

#include "base/serial.h"
#include "wrd/base.h"

enum wrd_sctp_hystart_phase {
    WRD_SCTP_HYSTART_FAST, /* standard slow start */
    WRD_SCTP_HYSTART_SLOW, /* conservative slow start: a quarter of the growth */
    WRD_SCTP_HYSTART_DONE
};

struct wrd_sctp_hystart {
    enum wrd_sctp_hystart_phase phase;
    uint8_t samples; /* of this round */
    uint8_t rounds;  /* in the slow phase */
    bool in_round;
    struct wrd_tsn round_end;
    wrd_time rtt, last_rtt; /* least of this round and of the one before; 0: none */
    wrd_time baseline;      /* when the slow phase began */
};

/* `rtt`: a sample or 0; `cumulative`, `next`: what is acknowledged, and what will be sent next. */
void wrd_sctp_hystart_acked(struct wrd_sctp_hystart *hs, wrd_time rtt, struct wrd_tsn cumulative, struct wrd_tsn next);

#endif
