/* SPDX-License-Identifier: MIT */
#include "cli/drops.h"

#include <string.h>

#include "cli/log.h"

#define TOLD_EVERY_S 10.0

#define CORE(member)   offsetof(wrd_server_counters, endpoint.member)
#define SERVER(member) offsetof(wrd_server_counters, member)

const struct drops_cause drops_causes[DROPS_CAUSES] = {
    {"garbage", "datagrams that are neither STUN nor DTLS", CORE(dropped_garbage), false},
    {"unknown-path", "DTLS datagrams from addresses without a valid check", CORE(dropped_unknown_path), false},
    {"handshake-rate", "ClientHellos above the handshake rate", CORE(dropped_rate), true},
    {"address-handshake-rate", "ClientHellos above the handshake rate of one address", CORE(dropped_address_rate),
     false},
    {"address-connections", "ClientHellos and moves above the connections of one address", CORE(dropped_address),
     false},
    {"full", "ClientHellos for want of a free connection", CORE(dropped_full), true},
    {"draining", "ClientHellos of clients that came while the server ended", CORE(dropped_draining), false},
    {"memory", "datagrams for want of memory", CORE(dropped_memory), true},
    {"busy", "datagrams for want of room for the answers", CORE(dropped_busy), true},
    {"receive-buffer", "datagrams by the kernel, for want of room in the socket's buffer", SERVER(receive_lost), true},
    {"handover", "datagrams between two threads, for want of room", SERVER(passed_lost), true},
    {"send-refused", "datagrams that the kernel refused to send", SERVER(send_refused), true},
    {"invalid-check", "STUN checks that were malformed or wrongly signed", CORE(checks_invalid), false},
    {"unknown-token", "STUN checks without a token of this server's keys", CORE(checks_unknown_token), false},
    {"expired-token", "STUN checks with a token that has expired", CORE(checks_expired_token), false},
};

uint64_t drops_count(const wrd_server_counters *counters, const struct drops_cause *cause)
{
    uint64_t count;

    memcpy(&count, (const char *)counters + cause->offset, sizeof count);
    return count;
}

void drops_look(struct drops_watch *watch, const wrd_server_counters *counters, bool verbose, double now)
{
    for (size_t i = 0; i < DROPS_CAUSES; i++) {
        const struct drops_cause *cause = &drops_causes[i];
        uint64_t count = drops_count(counters, cause);
        bool is_first = watch->told_at[i] <= 0;
        double since = is_first || now - watch->told_at[i] > TOLD_EVERY_S + 1 ? watch->looked_at : watch->told_at[i];
        if (count <= watch->told[i] || (!is_first && now - watch->told_at[i] < TOLD_EVERY_S)) {
            continue;
        }
        if (verbose || cause->is_shortage) {
            log_dropped(cause->name, cause->words, count - watch->told[i], now - since < 1 ? 1 : now - since);
        }
        watch->told[i] = count;
        watch->told_at[i] = now;
    }
    watch->looked_at = now;
}
