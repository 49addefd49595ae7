/* SPDX-License-Identifier: MIT */
/*
 * What acknowledgements and their absence mean: losses by time (RACK), probes for a lost tail (TLP, both RFC 8985), T3
 * (RFC 9260 6.3.3), one slow-down for each episode of loss, and taking it back when nothing was lost.
 */
#ifndef WRD_SCTP_TX_LOSS_H
#define WRD_SCTP_TX_LOSS_H

#include "base/serial.h"
#include "sctp/chunk.h"
#include "wrd/base.h"

struct wrd_sctp;

struct wrd_sctp_recovery {
    bool active; /* losses among what was out up to `exit` are being repaired */
    struct wrd_tsn exit;
    bool timed_out; /* T3 expired, and not all that was out up to `timeout_point` is acknowledged */
    struct wrd_tsn timeout_point;
    bool doubtful;     /* what T3 is to be made of: the next acknowledgement tells whether anything was lost */
    unsigned timeouts; /* of T3 in a row, without progress */
    uint32_t repeats;  /* sent again since the last slow-down, and not known to have been needless */
    wrd_time slowed_at;
    wrd_time network_repeats_until; /* the path was seen to repeat packets: duplicates prove nothing before */
    bool closing; /* all of it is acknowledged; once `last_word` is, too, nothing more is heard of it */
    struct wrd_tsn last_word;

    bool urgent;     /* the next packet of DATA is a probe, and goes out whatever the windows say */
    bool probe_out;  /* nothing was acknowledged since the last one */
    bool probe_open; /* it repeated what was sent before, from `probe_first` to `probe_last`: was that needed? */
    bool probe_blamed;
    struct wrd_tsn probe_first, probe_last;
    wrd_time probe_at;
    wrd_time probe_slack; /* how long the peer delays a SACK for one packet */

    bool window_probe; /* what is in flight is more than the peer's window takes */
};

/* A peer is known: everything begins. */
void wrd_sctp_loss_init(struct wrd_sctp *sctp);
/* False: not a SACK to believe. */
bool wrd_sctp_acknowledge(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_sack *sack);
/* DATA was sent: sets T3 and the probe. */
void wrd_sctp_loss_sent(struct wrd_sctp *sctp, wrd_time now);
/* Has the last packet's chunks sent again as the probe that is due. */
void wrd_sctp_probe_again(struct wrd_sctp *sctp, wrd_time now, size_t room);

void wrd_sctp_expire_t3(struct wrd_sctp *sctp, wrd_time now);
void wrd_sctp_expire_probe(struct wrd_sctp *sctp, wrd_time now);
void wrd_sctp_expire_reorder(struct wrd_sctp *sctp, wrd_time now);

#endif
