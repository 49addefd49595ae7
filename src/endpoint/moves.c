/* SPDX-License-Identifier: MIT */
#include "endpoint/moves.h"

#define PROBE_INTERVAL (200 * WRD_MILLISECOND)

_Static_assert(WRD_SCTP_PATH_INFO == WRD_DTLS_COOKIE_SIZE, "a probe carries a cookie");

static uint64_t address_of(const struct wrd_endpoint *ep, const wrd_path *path)
{
    return wrd_gate_address(ep->paths.key, &path->remote);
}

/* The new address has all the connections that it may have, for now. */
static void refuse(struct wrd_endpoint *ep, struct wrd_connection *c)
{
    ep->counters.dropped_address++;
    c->probe_after = ep->now + PROBE_INTERVAL;
}

void wrd_moves_probe(struct wrd_endpoint *ep, struct wrd_connection *c, const wrd_path *path)
{
    uint8_t info[WRD_SCTP_PATH_INFO];
    if (ep->now < c->probe_after)
        return;
    if (!wrd_gate_has_room(ep->gate, c->address, address_of(ep, path))) {
        refuse(ep, c);
        return;
    }
    struct wrd_outbox_slot *slot = wrd_outbox_slot(ep);
    if (!slot)
        return;
    wrd_cookie_of_path(info, &ep->cookies, ep->now, &path->remote, c->handle);
    size_t len = wrd_connection_probe(&ep->shared, c, info, slot->bytes, sizeof slot->bytes);
    if (len > 0)
        wrd_outbox_put(ep, slot, path, len);
    c->probe_after = ep->now + PROBE_INTERVAL;
}

static void move(struct wrd_endpoint *ep, struct wrd_connection *c, const wrd_path *path)
{
    struct wrd_connection *present = wrd_paths_find(&ep->paths, &path->remote);
    uint64_t address = address_of(ep, path);
    bool elsewhere = !wrd_addr_equal(&c->path.remote, &path->remote); /* not: it gets back its own, at most */
    if (!wrd_gate_move(ep->gate, c->address, address)) { /* others came in the meantime */
        refuse(ep, c);
        return;
    }
    c->address = address;
    wrd_endpoint_drop_rival(ep, c);
    if (present) { /* lives on until its own peer shows where it is now, or is lost */
        wrd_endpoint_drop_rival(ep, present);
        wrd_endpoint_give_up_address(ep, present);
        wrd_paths_remove(&ep->paths, present);
    }
    wrd_endpoint_give_up_address(ep, c);
    wrd_paths_remove(&ep->paths, c);
    wrd_connection_move(c, ep->now, path, elsewhere);
    wrd_paths_put(&ep->paths, c);
    wrd_endpoint_claim_address(ep, c);
    c->probe_after = 0;
    ep->counters.paths_moved += elsewhere;
}

bool wrd_moves_receive(struct wrd_endpoint *ep, uint64_t name, const wrd_path *path, const uint8_t *datagram,
                       size_t len)
{
    uint8_t info[WRD_SCTP_PATH_INFO];
    struct wrd_connection *c = wrd_endpoint_named(ep, name);
    /* Who lost the address that it was last seen at to another may show that it is still there. */
    bool is_away = c && c != wrd_paths_find(&ep->paths, &path->remote);
    if (!is_away || c->phase < WRD_PHASE_OPEN || c->phase == WRD_PHASE_ENDED)
        return false;
    uint64_t newest = wrd_dtls_newest(c->dtls);
    (void)wrd_sctp_next_path_answer(c->sctp, info); /* of a record before */
    bool authentic = wrd_connection_receive_dtls(&ep->shared, c, ep->now, datagram, len);
    if (authentic && c->phase < WRD_PHASE_ENDED && wrd_dtls_newest(c->dtls) > newest) {
        if (wrd_sctp_next_path_answer(c->sctp, info) &&
            wrd_cookie_is_of_path(info, &ep->cookies, ep->now, &path->remote, c->handle))
            move(ep, c, path);
        else
            wrd_moves_probe(ep, c, path);
    }
    wrd_endpoint_settle(ep, c);
    return authentic;
}
