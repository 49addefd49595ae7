/* SPDX-License-Identifier: MIT */
/* How many bytes may be in flight: Reno as RFC 9260 7.2 has it. Another algorithm takes this interface's place whole.
 */
#ifndef WRD_SCTP_CWND_H
#define WRD_SCTP_CWND_H

#include "wrd/base.h"

struct wrd_sctp_cwnd {
    size_t payload; /* of a full packet */
    size_t cwnd, ssthresh;
    size_t partial_bytes_acked;
};

/* What one SACK meant to congestion control. */
struct wrd_sctp_acked {
    size_t bytes;    /* acknowledged for the first time */
    bool limited;    /* what it acknowledges was sent when the window was full */
    bool cumulative; /* the cumulative TSN moved */
    bool recovering; /* in fast recovery */
};

void wrd_sctp_cwnd_init(struct wrd_sctp_cwnd *cc, size_t payload, size_t peer_rwnd);
void wrd_sctp_cwnd_acked(struct wrd_sctp_cwnd *cc, const struct wrd_sctp_acked *acked);
/* Fast recovery begins (RFC 9260 7.2.4). */
void wrd_sctp_cwnd_lost(struct wrd_sctp_cwnd *cc);
/* T3 expired (7.2.3); `again`: before anything sent since the last expiry was acknowledged. */
void wrd_sctp_cwnd_timeout(struct wrd_sctp_cwnd *cc, bool again);
/* Nothing was sent for `idle` (7.2.1). */
void wrd_sctp_cwnd_idle(struct wrd_sctp_cwnd *cc, wrd_time idle, wrd_time rto);

#endif
