/* SPDX-License-Identifier: MIT */
#include "sctp/cubic.h"

#include "sctp/bounds.h"

/* C is 0.4 packets per cubed second, beta 0.7 (RFC 9438 4.1, 4.6), here in percent; alpha follows from beta (4.3). */
#define BETA              70
#define BETA_GENTLE       85 /* as for a mark of congestion without a queue that overflows (RFC 8511) */
#define ALPHA_THOUSANDTHS 529
/* Past this time the window is limited by other things. */
#define EPOCH_MAX_MS 100000

uint64_t wrd_sctp_cube_root(uint64_t value)
{
    uint64_t root = 0;
    for (int shift = 63; shift >= 0; shift -= 3) {
        root *= 2;
        uint64_t step = 3 * root * (root + 1) + 1;
        if (value >> shift >= step) {
            value -= step << shift;
            root++;
        }
    }
    return root;
}

size_t wrd_sctp_cubic_reduce(struct wrd_sctp_cubic *cubic, size_t cwnd, bool gently)
{
    size_t reduced = cwnd / 100 * (gently ? BETA_GENTLE : BETA);
    cubic->before = gently ? reduced : cwnd;
    /* Fast convergence (4.7): a window that did not return to where it was leaves room to the others. */
    cubic->highest = cwnd < cubic->highest && !gently ? (cwnd + reduced) / 2 : cwnd;
    cubic->running = false;
    return reduced;
}

void wrd_sctp_cubic_forget(struct wrd_sctp_cubic *cubic)
{
    cubic->highest = 0;
    cubic->running = false;
}

static void begin(struct wrd_sctp_cubic *cubic, wrd_time now, size_t payload, size_t cwnd)
{
    cubic->running = true;
    cubic->since = now;
    cubic->last = now;
    cubic->fraction = cubic->reno_fraction = 0;
    cubic->reno = cwnd;
    cubic->origin = cubic->highest > cwnd ? cubic->highest : cwnd;
    /* K = cbrt((W_max - cwnd) / C) seconds, so its cube in milliseconds is packets * 2.5e9. */
    uint64_t packets_256 = (uint64_t)(cubic->origin - cwnd) * 256 / payload;
    cubic->inflexion_ms = wrd_sctp_cube_root(packets_256 * (2500000000u / 256));
}

/* W_cubic `elapsed` after the epoch began. */
static size_t curve(const struct wrd_sctp_cubic *cubic, wrd_time elapsed, size_t payload)
{
    uint64_t ms = elapsed / WRD_MILLISECOND;
    ms = ms < EPOCH_MAX_MS ? ms : EPOCH_MAX_MS;
    bool above = ms >= cubic->inflexion_ms;
    uint64_t from = above ? ms - cubic->inflexion_ms : cubic->inflexion_ms - ms;
    from = from < EPOCH_MAX_MS ? from : EPOCH_MAX_MS;
    uint64_t change = from * from * from / 2500 * payload / 1000000;
    if (!above)
        return cubic->origin > change ? cubic->origin - (size_t)change : 0;
    return change < WRD_SCTP_CWND_MAX ? cubic->origin + (size_t)change : WRD_SCTP_CWND_MAX;
}

size_t wrd_sctp_cubic_acked(struct wrd_sctp_cubic *cubic, wrd_time now, wrd_time srtt, size_t payload, size_t cwnd,
                            size_t bytes, bool used)
{
    if (!cubic->running)
        begin(cubic, now, payload, cwnd);
    if (!used)
        cubic->since += now - cubic->last; /* 5.8: time in which the window was not tried does not count */
    cubic->last = now;
    if (!used)
        return cwnd;
    wrd_time elapsed = now - cubic->since;
    uint64_t alpha = cubic->reno < cubic->before ? ALPHA_THOUSANDTHS : 1000;
    cubic->reno_fraction += alpha * payload * bytes / 1000;
    cubic->reno += (size_t)(cubic->reno_fraction / cwnd);
    cubic->reno_fraction %= cwnd;
    if (curve(cubic, elapsed, payload) < cubic->reno) {
        /* The Reno-friendly region (4.3). */
        return cubic->reno > cwnd ? cubic->reno : cwnd;
    }
    size_t target = curve(cubic, elapsed + srtt, payload);
    size_t most = cwnd + cwnd / 2;
    target = target < cwnd ? cwnd : target > most ? most : target;
    cubic->fraction += (uint64_t)(target - cwnd) * bytes;
    size_t growth = (size_t)(cubic->fraction / cwnd);
    cubic->fraction %= cwnd;
    return cwnd + growth;
}
