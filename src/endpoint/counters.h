/* SPDX-License-Identifier: MIT */
/* What an endpoint counts. Most is counted where it happens; SCTP's figures stay with the associations until they end. */
#ifndef WRD_ENDPOINT_COUNTERS_H
#define WRD_ENDPOINT_COUNTERS_H

#include "endpoint/connection.h"

/* `c` is gone: how it ended, and what its association counted. */
void wrd_counters_retire(wrd_endpoint_counters *counters, const struct wrd_connection *c);
void wrd_counters_note_rtt(wrd_endpoint_counters *counters, wrd_time rtt);

#endif
