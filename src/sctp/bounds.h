/* SPDX-License-Identifier: MIT */
/* Every bound and every timer of this room. */
#ifndef WRD_SCTP_BOUNDS_H
#define WRD_SCTP_BOUNDS_H

#include "wrd/base.h"

/* Defaults of struct wrd_sctp_options. */
#define WRD_SCTP_PORT           5000
#define WRD_SCTP_STREAMS        65535
#define WRD_SCTP_RECEIVE_WINDOW ((size_t)1 << 20)
#define WRD_SCTP_SEND_LIMIT     ((size_t)1 << 20)

/* What a browser takes at least, until its first SACK says more (fast open: it never said). */
#define WRD_SCTP_FAST_OPEN_WINDOW ((uint32_t)1 << 20)

/* RFC 9260 3.3.2: a smaller window cannot take one full packet. */
#define WRD_SCTP_RECEIVE_WINDOW_MIN ((size_t)1500)
#define WRD_SCTP_RECEIVE_WINDOW_MAX ((size_t)1 << 30)

/* Options ask for no shorter packets than this; every control chunk fits one. */
#define WRD_SCTP_PACKET_MIN 512
/* Bytes of DATA in a packet of WRD_SCTP_PACKET_DEFAULT. */
#define WRD_SCTP_PAYLOAD ((size_t)1132)

/* TSNs tracked past the cumulative one, either way. Gap blocks have 16-bit offsets. Power of two. */
#define WRD_SCTP_TSN_WINDOW     ((uint32_t)32768)
#define WRD_SCTP_TSN_WINDOW_MIN ((uint32_t)256) /* what a ring starts with */

/* The weight of a stream from the start (RFC 8831 6.4: "normal"). */
#define WRD_SCTP_WEIGHT 256

/* Memory that a queued chunk or message costs beyond its bytes; counted against windows and limits. */
#define WRD_SCTP_OVERHEAD ((size_t)64)

/* Freed blocks that an association keeps for reuse, until it idles. */
#define WRD_SCTP_POOL_IDLE_MAX ((size_t)512 * 1024)

/* A message of several chunks starts with room for what the last one had, up to this. */
#define WRD_SCTP_ASSEMBLY_MIN       ((size_t)4096)
#define WRD_SCTP_ASSEMBLY_GUESS_MAX ((size_t)524288)
#define WRD_SCTP_ASSEMBLY_GUESSES   4                 /* messages under assembly at once, for which that holds */
#define WRD_SCTP_ASSEMBLIES_MAX     ((uint32_t)16384) /* messages of I-DATA that the peer may have begun */

#define WRD_SCTP_GAP_BLOCKS_LEAST    20             /* in a SACK: from here on the peer may know of more */
#define WRD_SCTP_GAP_BLOCKS_MAX      ((size_t)512)  /* read from one SACK; a packet of 1435 bytes holds 351 */
#define WRD_SCTP_SACKS_MAX           4              /* read from one packet; peers send one */
#define WRD_SCTP_DUPLICATES_MAX      32             /* reported in one SACK */
#define WRD_SCTP_FORWARD_SKIPS_MAX   ((size_t)353)  /* streams named in one FORWARD-TSN of ours, as many as fit */
#define WRD_SCTP_COOKIE_MAX          ((size_t)1024) /* of the peer's cookie */
#define WRD_SCTP_REPLY_MAX           ((size_t)512)  /* a packet that answers one without an association */
#define WRD_SCTP_ECHO_MAX            ((size_t)492)  /* of a heartbeat's information */
#define WRD_SCTP_ERROR_MAX           ((size_t)256)  /* of error causes in one ERROR */
#define WRD_SCTP_RESET_STREAMS_MAX   ((size_t)232)  /* in one request of ours */

/* In full packets. */
#define WRD_SCTP_CWND_INITIAL 10
#define WRD_SCTP_CWND_MIN     4
#define WRD_SCTP_BURST        10 /* may leave at once when pacing */
#define WRD_SCTP_HELD_SURE    3 /* of later data with the peer: what is missing is lost unless packets were reordered */

#define WRD_SCTP_CWND_MAX ((size_t)1 << 30) /* bytes */

/* What leaves at once when pacing may be as much as the rate brings in this time, which is how late timers may be. */
#define WRD_SCTP_PACE_QUANTUM (2 * WRD_MILLISECOND)

#define WRD_SCTP_RTT_MIN_LIFETIME (30 * WRD_SECOND)       /* of the least round-trip time, at least */
#define WRD_SCTP_REORDER_PERSIST  16                      /* recoveries that a wider reordering window stays */
#define WRD_SCTP_PROBE_DELAY_MIN  (10 * WRD_MILLISECOND)  /* of a tail loss probe */
#define WRD_SCTP_PROBE_SLACK_MAX  (200 * WRD_MILLISECOND) /* by which peers delay SACKs */

/* A path that repeated a packet by itself may do so again within this time. */
#define WRD_SCTP_NETWORK_REPEATS (10 * WRD_SECOND)

#define WRD_SCTP_RTO_INITIAL     (1 * WRD_SECOND)
#define WRD_SCTP_RTO_MIN         (400 * WRD_MILLISECOND) /* peers delay SACKs by up to 200 ms */
#define WRD_SCTP_RTO_MAX         (60 * WRD_SECOND)
#define WRD_SCTP_RTO_BACKOFF_MAX (3 * WRD_SECOND)
#define WRD_SCTP_RTO_VAR_MIN     (27 * WRD_MILLISECOND)

#define WRD_SCTP_SACK_DELAY      (40 * WRD_MILLISECOND)
#define WRD_SCTP_SACK_PACKETS    2
#define WRD_SCTP_HEARTBEAT_IDLE  (30 * WRD_SECOND)
#define WRD_SCTP_HEARTBEAT_RETRY (10 * WRD_SECOND) /* while one is not answered */
#define WRD_SCTP_FORWARD_PAUSE   (200 * WRD_MILLISECOND) /* at most, between FORWARD-TSNs that say the same */
#define WRD_SCTP_COOKIE_LIFETIME (60 * WRD_SECOND)

/* Expiries in a row before the peer counts as lost: about a minute each, so that ICE consent decides first. */
#define WRD_SCTP_INIT_RETRIES     20
#define WRD_SCTP_DATA_RETRIES     20
#define WRD_SCTP_SHUTDOWN_RETRIES 10
#define WRD_SCTP_SHUTDOWN_GUARD   (5 * WRD_SCTP_RTO_MAX) /* the whole of it (T5) */
#define WRD_SCTP_RESET_RETRIES    60                     /* of a request that the peer has "in progress" */

#endif
