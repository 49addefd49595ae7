/* SPDX-License-Identifier: MIT */
#include "stress/forge.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "net/link.h"
#include "stress/tally.h"
#include "stun/stun.h"

enum { UFRAG = 64, HELLO_RANDOM_AT = 13 + 12 + 2, HELLO_RANDOM_SIZE = 32, PIECE_SIZE = 13 + 12 + 1 };

const char *const forge_names[FORGE_KINDS] = {
    [FORGE_CHECKS] = "checks",           [FORGE_NEIGHBOURS] = "neighbours", [FORGE_FORGED] = "forged-checks",
    [FORGE_HELLOS] = "hellos",           [FORGE_HALF_OPEN] = "half-open",   [FORGE_PIECES] = "pieces",
    [FORGE_ONE_ADDRESS] = "one-address", [FORGE_GARBAGE] = "garbage",       [FORGE_DAMAGED] = "damaged",
    [FORGE_REPLAY] = "replay",           [FORGE_RIVALS] = "rivals"};

static void fill(struct forge *forge, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)link_random(&forge->random);
}

/* Neither side's address is part of what MESSAGE-INTEGRITY covers, so one check serves any number of them. */
static void make_check(struct forge *forge, struct record *out)
{
    char ufrag[UFRAG], username[2 * UFRAG + 1];
    uint8_t transaction[WRD_STUN_TRANSACTION_SIZE];
    for (size_t i = 0; i < UFRAG; i++)
        ufrag[i] = "0123456789abcdef"[link_random(&forge->random) % 16];
    memcpy(username, ufrag, UFRAG);
    username[UFRAG] = ':';
    memcpy(username + UFRAG + 1, ufrag, UFRAG);
    fill(forge, transaction, sizeof transaction);
    struct wrd_stun_request request = {.transaction = transaction,
                                       .username = username,
                                       .username_len = sizeof username,
                                       .priority = 1,
                                       .tie_breaker = link_random(&forge->random),
                                       .use_candidate = true};
    if (forge->kind == FORGE_FORGED)
        ufrag[0] ^= 1;
    out->len = wrd_stun_write_request(out->bytes, sizeof out->bytes, &request, (uint8_t *)ufrag, UFRAG);
}

bool forge_init(struct forge *forge, enum forge_kind kind, const struct victim *victim, uint32_t sources)
{
    *forge = (struct forge){.kind = kind, .victim = victim, .sources = sources, .random = 1 + (uint64_t)kind};
    forge->checks = malloc(FORGE_POOL * sizeof *forge->checks);
    for (size_t i = 0; forge->checks && i < FORGE_POOL; i++)
        make_check(forge, &forge->checks[i]);
    return forge->checks != NULL;
}

void forge_free(struct forge *forge)
{
    free(forge->checks);
    forge->checks = NULL;
}

static void set_bytes(struct shot *out, const struct record *record)
{
    out->len = record->len;
    memcpy(out->bytes, record->bytes, record->len);
}

static void set_hello(struct forge *forge, struct shot *out)
{
    set_bytes(out, forge->victim->hello);
    fill(forge, out->bytes + HELLO_RANDOM_AT, HELLO_RANDOM_SIZE);
}

/* Makes whoever takes it wait for the rest of a message as long as there may be. */
static void set_piece(struct forge *forge, struct shot *out)
{
    set_hello(forge, out);
    wrd_store16be(out->bytes + 11, 12 + 1);
    out->bytes[13 + 1] = 0; /* length of the message */
    wrd_store16be(out->bytes + 13 + 2, 0x3fff);
    memset(out->bytes + 13 + 6, 0, 3); /* offset */
    memset(out->bytes + 13 + 9, 0, 2);
    out->bytes[13 + 11] = 1; /* length of this piece */
    out->len = PIECE_SIZE;
}

static const struct record *any_record(struct forge *forge)
{
    return &forge->victim->records[link_random(&forge->random) % forge->victim->count];
}

static void set_damaged(struct forge *forge, struct shot *out)
{
    set_bytes(out, any_record(forge));
    if (link_random(&forge->random) % 2)
        out->len = (size_t)(link_random(&forge->random) % out->len);
    for (uint64_t flips = link_random(&forge->random) % 4; flips > 0 && out->len > 0; flips--)
        out->bytes[link_random(&forge->random) % out->len] ^= (uint8_t)(1u << link_random(&forge->random) % 8);
}

static void set_garbage(struct forge *forge, struct shot *out)
{
    out->len = (size_t)(link_random(&forge->random) % (sizeof out->bytes + 1));
    fill(forge, out->bytes, out->len < 64 ? out->len : 64); /* what is behind cannot make it more sensible */
    if (out->len > 0 && forge->count % 4 == 0)
        out->bytes[0] = (uint8_t)(20 + forge->count / 4 % 44); /* of DTLS */
}

static wrd_addr neighbour(uint8_t family, uint8_t host)
{
    if (family == 4)
        return (wrd_addr){.family = 4, .ip = {203, 0, 113, host}};
    return (wrd_addr){.family = 6, .ip = {0x20, 0x01, 0x0d, 0xb8, 0, 2, [15] = host}};
}

static wrd_addr stranger(uint8_t family, uint8_t net, uint16_t site, uint16_t host)
{
    wrd_addr addr = {.family = family, .ip = {10, net}};
    if (family == 6) {
        addr.ip[0] = 0xfd;
        wrd_store16be(addr.ip + 6, site);
        wrd_store16be(addr.ip + 14, host);
    } else {
        wrd_store16be(addr.ip + 2, site);
    }
    return addr;
}

static void set_source(struct forge *forge, struct shot *out, uint32_t source)
{
    uint8_t family = forge->victim->own.family, net = (uint8_t)(FORGE_NET + forge->kind);
    out->source = source;
    if (source == FORGE_VICTIM) {
        out->from = forge->victim->own;
    } else if (forge->kind == FORGE_NEIGHBOURS) {
        out->from = neighbour(family, (uint8_t)(2 + source % 250));
        out->from.port = (uint16_t)(5000 + source / 250);
    } else if (forge->kind == FORGE_ONE_ADDRESS) {
        out->from = stranger(family, net, 1, (uint16_t)source);
        out->from.port = (uint16_t)(TALLY_FIRST_PORT + source);
    } else {
        out->from = stranger(family, net, (uint16_t)source, 1);
        out->from.port = (uint16_t)(5000 + source % 50000);
    }
}

/* Each source has its turn with a check, then with what follows it; the next time with another check. */
static void set_after_check(struct forge *forge, struct shot *out, bool of_victim)
{
    uint64_t turn = forge->count / 2;
    uint32_t source = (uint32_t)(turn % forge->sources);
    set_source(forge, out, of_victim ? FORGE_VICTIM : source);
    if (forge->count % 2 == 0)
        set_bytes(out, &forge->checks[(turn / forge->sources * 31 + turn) % FORGE_POOL]);
    else if (forge->kind == FORGE_PIECES)
        set_piece(forge, out);
    else
        set_hello(forge, out);
}

void forge_next(struct forge *forge, struct shot *out)
{
    uint32_t source = (uint32_t)(forge->count % forge->sources);
    bool known = forge->kind == FORGE_DAMAGED || forge->kind == FORGE_REPLAY;
    set_source(forge, out, known && link_random(&forge->random) % 2 ? FORGE_VICTIM : source);
    switch (forge->kind) {
    case FORGE_CHECKS:
    case FORGE_NEIGHBOURS:
    case FORGE_FORGED: set_bytes(out, &forge->checks[forge->count % FORGE_POOL]); break;
    case FORGE_HELLOS: set_hello(forge, out); break;
    case FORGE_HALF_OPEN:
    case FORGE_PIECES:
    case FORGE_ONE_ADDRESS: set_after_check(forge, out, false); break;
    case FORGE_RIVALS: set_after_check(forge, out, true); break;
    case FORGE_GARBAGE: set_garbage(forge, out); break;
    case FORGE_DAMAGED: set_damaged(forge, out); break;
    case FORGE_REPLAY: set_bytes(out, any_record(forge)); break;
    case FORGE_KINDS: break;
    }
    forge->count++;
}
