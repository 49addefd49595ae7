/* SPDX-License-Identifier: MIT */
/* Retransmission timeout, RFC 9260 6.3. */
#ifndef WRD_SCTP_RTO_H
#define WRD_SCTP_RTO_H

#include "wrd/base.h"

struct wrd_sctp_rto {
    wrd_time srtt, rttvar; /* 0 before the first sample */
    wrd_time computed;     /* from the samples */
    unsigned backoff;      /* doublings since the last sample */
    uint32_t samples;
    wrd_time latest;
};

void wrd_sctp_rto_init(struct wrd_sctp_rto *rto, wrd_time initial);
void wrd_sctp_rto_sample(struct wrd_sctp_rto *rto, wrd_time rtt);
/* E2: a timer expired. */
void wrd_sctp_rto_back_off(struct wrd_sctp_rto *rto);
/* The peer answers again. */
void wrd_sctp_rto_recover(struct wrd_sctp_rto *rto);
/* The timeout now. */
wrd_time wrd_sctp_rto(const struct wrd_sctp_rto *rto);

#endif
