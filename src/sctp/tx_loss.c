/* SPDX-License-Identifier: MIT */
#include "sctp/tx_loss.h"

#include "sctp/assoc.h"

void wrd_sctp_loss_init(struct wrd_sctp *sctp)
{
    sctp->recovery = (struct wrd_sctp_recovery){0};
    sctp->pacer = (struct wrd_sctp_pacer){0};
    sctp->probe = sctp->reorder = sctp->pacing = WRD_NEVER;
    sctp->limited = false;
    wrd_sctp_cwnd_init(&sctp->cwnd, sctp->options.congestion, sctp->payload);
}

/* ---- Slowing down, and taking it back ---- */

/* `single`: one packet's worth, and no more, is lost. */
static void slow_down(struct wrd_sctp *sctp, wrd_time now, size_t in_flight, bool single)
{
    struct wrd_sctp_recovery *recovery = &sctp->recovery;
    /* So soon after another that the duplicates that may undo that one are still to come: they undo both. */
    bool joined = sctp->cwnd.can_undo && recovery->repeats > 0 && now - recovery->slowed_at <= 2 * sctp->rto.srtt;
    struct wrd_sctp_saved before = sctp->cwnd.saved;
    recovery->active = true;
    recovery->exit = wrd_tsn(sctp->flight.next.v - 1);
    recovery->probe_blamed = false;
    recovery->slowed_at = now;
    wrd_sctp_cwnd_lost(&sctp->cwnd, in_flight, single && wrd_sctp_rack_no_queue(&sctp->flight.rack));
    if (joined)
        sctp->cwnd.saved = before;
    else
        recovery->repeats = 0;
}

static void undo(struct wrd_sctp *sctp)
{
    struct wrd_sctp_recovery *recovery = &sctp->recovery;
    if (!sctp->cwnd.can_undo)
        return;
    sctp->stats.undone++;
    recovery->active = false;
    recovery->timed_out = false;
    recovery->doubtful = false;
    recovery->probe_blamed = false;
    wrd_sctp_flight_undo(&sctp->flight);
    wrd_sctp_cwnd_undo(&sctp->cwnd);
}

/* The first acknowledgement after T3. When it names what was not sent again, or comes sooner than an answer could, it
 * was on its way already (RFC 5682, RFC 3522). One that names everything may be the answer all the same. */
static void judge_timeout(struct wrd_sctp *sctp, const struct wrd_sctp_sacked *sacked,
                          const struct wrd_sctp_rack *before)
{
    struct wrd_sctp_recovery *recovery = &sctp->recovery;
    if (!recovery->doubtful || sacked->bytes == 0)
        return;
    recovery->doubtful = false;
    bool all = wrd_tsn_le(recovery->timeout_point, sctp->flight.cumulative);
    if (sacked->early || (sacked->unrepeated && !all)) {
        undo(sctp);
        if (sacked->last_rtt)
            wrd_sctp_rto_sample(&sctp->rto, sacked->last_rtt);
        else
            wrd_sctp_rto_recover(&sctp->rto);
        sctp->flight.rack = *before; /* for it was not what T3 sent again that arrived */
    }
}

static bool is_probe(const struct wrd_sctp_recovery *recovery, struct wrd_tsn tsn)
{
    return (recovery->probe_open || recovery->probe_blamed) && wrd_tsn_le(recovery->probe_first, tsn) &&
           wrd_tsn_le(tsn, recovery->probe_last);
}

static void needless_probe(struct wrd_sctp *sctp)
{
    struct wrd_sctp_recovery *recovery = &sctp->recovery;
    wrd_time slack = 2 * recovery->probe_slack + WRD_SCTP_PROBE_DELAY_MIN;
    recovery->probe_slack = slack < WRD_SCTP_PROBE_SLACK_MAX ? slack : WRD_SCTP_PROBE_SLACK_MAX;
    recovery->probe_open = false;
    if (recovery->probe_blamed)
        undo(sctp);
}

/* What was sent again and the peer has twice was not lost. When that is so for all that was sent again, nothing was.
 * Unless the network repeats packets: then the second may be a copy of the only one that arrived. */
static void take_duplicates(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_sack *sack)
{
    struct wrd_sctp_recovery *recovery = &sctp->recovery;
    const uint8_t *at = sack->gaps + 4 * sack->gap_count;
    size_t count = sack->duplicate_count < WRD_SCTP_DUPLICATES_MAX ? sack->duplicate_count : WRD_SCTP_DUPLICATES_MAX;
    for (size_t i = 0; i < count; i++) {
        struct wrd_tsn tsn = wrd_tsn(wrd_load32be(at + 4 * i));
        enum wrd_sctp_twice twice = wrd_sctp_flight_twice(&sctp->flight, tsn);
        if (twice == WRD_SCTP_TWICE_NETWORK)
            recovery->network_repeats_until = now + WRD_SCTP_NETWORK_REPEATS;
        if (twice != WRD_SCTP_TWICE_NEEDLESSLY || now < recovery->network_repeats_until)
            continue;
        if (is_probe(recovery, tsn)) {
            needless_probe(sctp);
            continue;
        }
        if (recovery->repeats == 0)
            continue;
        if (!recovery->timed_out)
            wrd_sctp_rack_hasty(&sctp->flight.rack, sctp->flight.cumulative, sctp->flight.next);
        if (--recovery->repeats == 0)
            undo(sctp);
    }
}

/* ---- Losses ---- */

/* `in_flight`: before anything of it was found lost, or acknowledged by the SACK at hand. True: something is lost. */
static bool find_losses(struct wrd_sctp *sctp, wrd_time now, size_t in_flight)
{
    struct wrd_sctp_recovery *recovery = &sctp->recovery;
    bool sure = recovery->active || sctp->flight.held_bytes > (WRD_SCTP_HELD_SURE - 1) * sctp->payload;
    struct wrd_sctp_losses losses = wrd_sctp_flight_detect(&sctp->flight, now, sctp->rto.srtt, sure);
    sctp->reorder = losses.next;
    if (losses.count == 0)
        return false;
    sctp->stats.losses += losses.count;
    bool known = recovery->timed_out && wrd_tsn_le(losses.highest, recovery->timeout_point);
    if (!recovery->active && !known)
        slow_down(sctp, now, in_flight, losses.bytes <= sctp->payload);
    return true;
}

/* A probe that repeated something, and was needed, found a loss that nothing else will tell of (RFC 8985 7.4). */
static void judge_probe(struct wrd_sctp *sctp, wrd_time now, size_t in_flight)
{
    struct wrd_sctp_recovery *recovery = &sctp->recovery;
    struct wrd_sctp_flight *flight = &sctp->flight;
    if (!recovery->probe_open)
        return;
    bool arrived =
        wrd_tsn_le(recovery->probe_last, flight->cumulative) || wrd_sctp_bit(&flight->held, recovery->probe_last);
    if (!arrived)
        return;
    if (now < recovery->probe_at + flight->rack.rtt_min.value) {
        needless_probe(sctp);
        return;
    }
    recovery->probe_open = false;
    recovery->probe_slack /= 2;
    if (recovery->active || recovery->timed_out)
        return;
    slow_down(sctp, now, in_flight, true);
    recovery->probe_blamed = true;
}

static void make_progress(struct wrd_sctp *sctp)
{
    struct wrd_sctp_recovery *recovery = &sctp->recovery;
    bool busy = recovery->active || recovery->timed_out;
    recovery->timeouts = 0;
    if (recovery->timed_out && wrd_tsn_le(recovery->timeout_point, sctp->flight.cumulative))
        recovery->timed_out = false;
    if (recovery->active && wrd_tsn_le(recovery->exit, sctp->flight.cumulative)) {
        recovery->active = false;
        wrd_sctp_cwnd_recovered(&sctp->cwnd);
        wrd_sctp_rack_recovered(&sctp->flight.rack);
    }
    if (recovery->active || recovery->timed_out)
        return;
    /* Duplicates are told of within a round trip. Later ones are the network's, and no reason to go back to a window
     * of long ago. */
    if (busy) {
        recovery->closing = true;
        recovery->last_word = sctp->flight.next;
    } else if (recovery->closing && wrd_tsn_le(recovery->last_word, sctp->flight.cumulative)) {
        recovery->closing = false;
        recovery->repeats = 0;
        recovery->probe_blamed = false;
    }
}

/* ---- SACK ---- */

static void take_window(struct wrd_sctp *sctp, uint32_t window)
{
    sctp->peer_rwnd = window;
    if (!sctp->recovery.window_probe)
        return;
    if (sctp->flight.bytes > 0) {
        if (window < sctp->flight.bytes)
            return;
        /* It opened, and the peer dropped what did not fit before: that says nothing of the path. */
        wrd_sctp_flight_rewind(&sctp->flight, false);
    }
    sctp->recovery.window_probe = false;
}

static void grow(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_sacked *sacked, bool lost)
{
    struct wrd_sctp_acked acked = {.now = now,
                                   .bytes = sacked->bytes,
                                   .in_flight = sctp->flight.bytes,
                                   .used = sctp->limited,
                                   .moved = sacked->cumulative,
                                   .lost = lost,
                                   .rtt = sacked->last_rtt,
                                   .srtt = sctp->rto.srtt,
                                   .cumulative = sctp->flight.cumulative,
                                   .next = sctp->flight.next};
    wrd_sctp_cwnd_acked(&sctp->cwnd, &acked);
    if (sctp->limited && wrd_tsn_le(sctp->limited_to, sctp->flight.cumulative))
        sctp->limited = false;
    wrd_sctp_pacer_set(&sctp->pacer, sctp->cwnd.cwnd, sctp->rto.srtt, wrd_sctp_cwnd_slow_start(&sctp->cwnd));
}

/* RFC 8985 7.2, from when DATA was last sent, but never before what is on its way may still be acknowledged. */
static void arm_probe(struct wrd_sctp *sctp, wrd_time now)
{
    const struct wrd_sctp_recovery *recovery = &sctp->recovery;
    sctp->probe = WRD_NEVER;
    wrd_time srtt = sctp->rto.srtt;
    if (sctp->state < WRD_SCTP_ESTABLISHED || srtt == 0 || sctp->flight.bytes == 0 || sctp->reorder != WRD_NEVER ||
        recovery->probe_out || recovery->timeouts > 0 || recovery->window_probe ||
        !wrd_sctp_flight_may_repeat(&sctp->flight, now, wrd_tsn(sctp->flight.next.v - 1)))
        return;
    wrd_time margin = 4 * sctp->rto.rttvar;
    margin = margin < srtt / 2 ? srtt / 2 : margin > srtt ? srtt : margin;
    wrd_time delay = srtt + margin;
    wrd_time late = sctp->flight.rack.rtt + srtt / 8;
    delay = (delay > late ? delay : late) + recovery->probe_slack;
    delay = delay > WRD_SCTP_PROBE_DELAY_MIN ? delay : WRD_SCTP_PROBE_DELAY_MIN;
    wrd_time at = sctp->last_data + delay;
    at = at < now + srtt / 8 ? now + srtt / 8 : at;
    sctp->probe = at < sctp->t3 ? at : sctp->t3;
}

static void set_timers(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_sacked *sacked)
{
    if (wrd_sctp_flight_count(&sctp->flight) == 0)
        sctp->t3 = WRD_NEVER;
    else if (sacked->cumulative)
        sctp->t3 = now + wrd_sctp_rto(&sctp->rto);
    if (sacked->bytes > 0)
        sctp->recovery.probe_out = false;
    arm_probe(sctp, now);
}

bool wrd_sctp_acknowledge(struct wrd_sctp *sctp, wrd_time now, const struct wrd_sctp_sack *sack)
{
    size_t in_flight = sctp->flight.bytes;
    struct wrd_sctp_rack before = sctp->flight.rack;
    struct wrd_sctp_sacked sacked;
    if (!wrd_sctp_flight_sack(&sctp->flight, now, sack, &sacked)) {
        /* One that was overtaken still tells what came twice, and no other will. */
        if (wrd_tsn_lt(sack->cumulative, sctp->flight.cumulative))
            take_duplicates(sctp, now, sack);
        return false;
    }
    sctp->errors = 0;
    sctp->stats.bytes_settled += sacked.settled;
    if (sacked.rtt)
        wrd_sctp_rto_sample(&sctp->rto, sacked.rtt);
    else if (sacked.cumulative)
        wrd_sctp_rto_recover(&sctp->rto);
    take_window(sctp, sack->a_rwnd);
    judge_timeout(sctp, &sacked, &before);
    take_duplicates(sctp, now, sack);
    if (sacked.cumulative)
        make_progress(sctp);
    bool lost = find_losses(sctp, now, in_flight);
    judge_probe(sctp, now, in_flight);
    grow(sctp, now, &sacked, lost);
    set_timers(sctp, now, &sacked);
    sctp->abandon.due = true;
    return true;
}

/* ---- Time ---- */

void wrd_sctp_loss_sent(struct wrd_sctp *sctp, wrd_time now)
{
    if (sctp->state == WRD_SCTP_COOKIE_ECHOED)
        return;
    if (sctp->t3 == WRD_NEVER)
        sctp->t3 = now + wrd_sctp_rto(&sctp->rto);
    arm_probe(sctp, now);
}

void wrd_sctp_probe_again(struct wrd_sctp *sctp, wrd_time now, size_t room)
{
    struct wrd_sctp_recovery *recovery = &sctp->recovery;
    recovery->probe_open =
        wrd_sctp_flight_repeat(&sctp->flight, now, room, &recovery->probe_first, &recovery->probe_last);
    recovery->probe_blamed = false;
    recovery->probe_at = now;
}

void wrd_sctp_expire_probe(struct wrd_sctp *sctp, wrd_time now)
{
    sctp->probe = WRD_NEVER;
    if (sctp->flight.bytes == 0)
        return;
    sctp->recovery.urgent = true;
    sctp->recovery.probe_out = true;
    sctp->stats.probes++;
    sctp->t3 = now + wrd_sctp_rto(&sctp->rto);
}

void wrd_sctp_expire_reorder(struct wrd_sctp *sctp, wrd_time now)
{
    (void)find_losses(sctp, now, sctp->flight.bytes);
    arm_probe(sctp, now);
}

void wrd_sctp_expire_t3(struct wrd_sctp *sctp, wrd_time now)
{
    struct wrd_sctp_recovery *recovery = &sctp->recovery;
    wrd_sctp_rto_back_off(&sctp->rto);
    sctp->t3 = now + wrd_sctp_rto(&sctp->rto);
    sctp->probe = WRD_NEVER;
    sctp->reorder = WRD_NEVER;
    recovery->urgent = false;
    recovery->probe_out = false;
    recovery->probe_open = false;
    wrd_sctp_abandon_timeout(&sctp->abandon);
    if (recovery->window_probe) {
        wrd_sctp_flight_rewind(&sctp->flight, false);
        return;
    }
    sctp->stats.timeouts++;
    bool again = recovery->timed_out;
    bool reneged = ++recovery->timeouts >= 2;
    recovery->doubtful = again ? recovery->doubtful && !(reneged && sctp->flight.held_bytes > 0) : true;
    wrd_sctp_flight_rewind(&sctp->flight, reneged);
    recovery->active = false;
    recovery->repeats = 0;
    recovery->timed_out = true;
    recovery->timeout_point = wrd_tsn(sctp->flight.next.v - 1);
    wrd_sctp_cwnd_timeout(&sctp->cwnd, again);
    wrd_sctp_pacer_set(&sctp->pacer, sctp->cwnd.cwnd, sctp->rto.srtt, true);
}
