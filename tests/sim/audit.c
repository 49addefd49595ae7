/* SPDX-License-Identifier: MIT */
#include "sim/audit.h"

#include "endpoint/inside.h"

#define HOLDS(what)                                                                                                    \
    do {                                                                                                               \
        if (!(what))                                                                                                   \
            return #what;                                                                                              \
    } while (0)

struct tally {
    uint32_t connections, accepted, handshakes, named, found;
};

static bool is_found(const struct wrd_endpoint *ep, const struct wrd_connection *c)
{
    const uint64_t *found = wrd_map_find(&ep->paths.map, wrd_paths_hash(ep->paths.key, &c->path.remote));
    return found && (const struct wrd_connection *)(uintptr_t)*found == c;
}

static uint32_t count_of_address(const struct wrd_endpoint *ep, uint64_t address)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < ep->table.cap; i++) {
        const struct wrd_connection *c = ep->table.slots[i].connection;
        count += c && !c->dialed && c->address == address;
    }
    return count;
}

static const char *audit_accepted(const struct wrd_endpoint *ep, const struct wrd_connection *c, struct tally *tally)
{
    const uint64_t *counted = wrd_map_find(&ep->gate->counts, c->address);
    tally->accepted++;
    tally->handshakes += c->phase == WRD_PHASE_HANDSHAKING;
    HOLDS(c->address == wrd_gate_address(ep->paths.key, &c->path.remote));
    HOLDS(counted && *counted == count_of_address(ep, c->address));
    return NULL;
}

static const char *audit_connection(const struct wrd_endpoint *ep, const struct wrd_connection *c, struct tally *tally)
{
    const uint64_t *handle = c->named ? wrd_map_find(&ep->names, c->name) : NULL;
    tally->connections++;
    tally->named += c->named;
    tally->found += is_found(ep, c);
    HOLDS(!c->buried);
    HOLDS(!c->rival || (c->rival->replaces == c && (is_found(ep, c) || c->phase == WRD_PHASE_ENDED)));
    HOLDS(!c->replaces || (c->replaces->rival == c && !is_found(ep, c)));
    HOLDS(!c->named || (handle && *handle == c->handle));
    return c->dialed ? NULL : audit_accepted(ep, c, tally);
}

const char *audit(const wrd_endpoint *ep)
{
    struct tally tally = {0};
    uint32_t buried = 0;
    for (uint32_t i = 0; i < ep->table.cap; i++) {
        const struct wrd_connection *c = ep->table.slots[i].connection;
        const char *wrong = c ? audit_connection(ep, c, &tally) : NULL;
        if (wrong)
            return wrong;
    }
    for (const struct wrd_connection *c = ep->output.first; c; c = wrd_queue_after(&ep->output, c))
        buried += c->buried;
    HOLDS(tally.connections == ep->counters.connections);
    HOLDS(tally.named == ep->names.len);
    HOLDS(tally.found == ep->paths.map.len);
    HOLDS(buried == ep->buried_count);
    HOLDS(!ep->gate || tally.accepted == ep->gate->count);
    HOLDS(!ep->gate || tally.handshakes == ep->handshakes.count);
    HOLDS(!ep->gate || tally.handshakes == ep->gate->opening);
    return NULL;
}
