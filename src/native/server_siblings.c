/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* getentropy */
#include "native/server_siblings.h"

#include "native/server_directory.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the datagrams of an address may go, by hearsay: sets of the few that share a hash, the latest first. */
#define SETS 4096
#define WAYS 4

struct way {
    wrd_addr remote;     /* family 0: none */
    unsigned loop, left; /* datagrams that it is still good for */
};

struct box {
    pthread_mutex_t mutex;
    struct wrd_mail *mail;
    unsigned first, count;
    uint64_t lost;
};

/* One loop's part. Only its box is touched by others. */
struct desk {
    struct wrd_office *office;
    unsigned loop;
    bool reading;
    wrd_siblings siblings;
    struct way (*ways)[WAYS];
    struct box box;
};

struct wrd_office {
    struct wrd_office_options options;
    struct wrd_directory *names, *addresses; /* these of connections that moved there */
    wrd_gate *gate;
    pthread_mutex_t gate_mutex;
    uint64_t hash_key[8];
    struct desk desks[];
};

/* ---- where an address' datagrams go */

/* So that addresses that follow each other do not, under some keys, share a few sets. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 32) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 29) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 32;
}

/* Multilinear over 32-bit words, so that an address cannot be chosen to meet another's. */
static uint64_t hash_of(const struct wrd_office *office, const wrd_addr *remote)
{
    const uint64_t *key = office->hash_key;
    uint64_t sum = key[0] + key[1] * ((uint32_t)remote->port << 8 | remote->family) + key[2] * remote->scope;
    for (size_t i = 0; i < 4; i++) {
        uint32_t word;
        memcpy(&word, remote->ip + 4 * i, sizeof word);
        sum += key[3 + i] * word;
    }
    return mix(sum);
}

/* A check named a connection of that loop, as anybody can, from a forged address, too: so ways stand beside each other,
 * and each is good for a few datagrams, among which is the answer to the probe that the check brings about. */
static void remember(struct desk *desk, const wrd_addr *remote, unsigned loop)
{
    struct way *set = desk->ways[hash_of(desk->office, remote) % SETS];
    size_t at = 0;
    while (at < WAYS - 1 && (set[at].loop != loop || !wrd_addr_equal(&set[at].remote, remote)))
        at++;
    memmove(set + 1, set, at * sizeof *set);
    set[0] = (struct way){*remote, loop, WRD_HEARSAY_MAX};
}

static bool contains(const unsigned *loops, unsigned count, unsigned loop)
{
    while (count > 0 && loops[count - 1] != loop)
        count--;
    return count > 0;
}

/* The loops that get a datagram without a name: those where the address is proved, then those of hearsay. */
static unsigned ways_of(struct desk *desk, const wrd_addr *remote, unsigned loops[WAYS])
{
    uint64_t hash = hash_of(desk->office, remote);
    struct way *set = desk->ways[hash % SETS];
    unsigned count = wrd_directory_find(desk->office->addresses, hash, desk->loop, loops, WAYS);
    for (size_t i = 0; i < WAYS && count < WAYS; i++) {
        struct way *way = &set[i];
        if (way->left == 0 || !wrd_addr_equal(&way->remote, remote) || contains(loops, count, way->loop))
            continue;
        way->left--;
        loops[count++] = way->loop;
    }
    return count;
}

/* ---- boxes */

/* False: there was no room. */
static bool put_mail(struct wrd_office *office, unsigned loop, const wrd_path *path, const uint8_t *datagram,
                     size_t len)
{
    struct box *box = &office->desks[loop].box;
    pthread_mutex_lock(&box->mutex);
    bool was_empty = box->count == 0, has_room = box->count < WRD_MAIL_MAX;
    if (has_room) {
        struct wrd_mail *mail = &box->mail[(box->first + box->count) % WRD_MAIL_MAX];
        mail->path = *path;
        mail->len = len;
        memcpy(mail->bytes, datagram, len);
        box->count++;
    } else {
        box->lost++;
    }
    pthread_mutex_unlock(&box->mutex);
    if (was_empty)
        office->options.wake(office->options.user, loop);
    return has_room;
}

unsigned wrd_office_take(struct wrd_office *office, unsigned loop, const struct wrd_mail **first)
{
    struct desk *desk = &office->desks[loop];
    struct box *box = &desk->box;
    pthread_mutex_lock(&box->mutex);
    unsigned count = box->count < WRD_MAIL_MAX - box->first ? box->count : WRD_MAIL_MAX - box->first;
    *first = box->mail + box->first;
    pthread_mutex_unlock(&box->mutex);
    desk->reading = count > 0;
    return count;
}

void wrd_office_done(struct wrd_office *office, unsigned loop, unsigned count)
{
    struct desk *desk = &office->desks[loop];
    struct box *box = &desk->box;
    desk->reading = false;
    pthread_mutex_lock(&box->mutex);
    box->count -= count;
    box->first = box->count > 0 ? (box->first + count) % WRD_MAIL_MAX : 0; /* no more of it is touched than it takes */
    pthread_mutex_unlock(&box->mutex);
}

uint64_t wrd_office_lost(struct wrd_office *office, unsigned loop)
{
    struct box *box = &office->desks[loop].box;
    pthread_mutex_lock(&box->mutex);
    uint64_t lost = box->lost;
    pthread_mutex_unlock(&box->mutex);
    return lost;
}

/* ---- what the core calls */

static void own(void *user, uint64_t name, bool owned)
{
    const struct desk *desk = user;
    wrd_directory_set(desk->office->names, name, desk->loop, owned);
}

static void own_address(void *user, const wrd_addr *remote, bool owned)
{
    const struct desk *desk = user;
    wrd_directory_set(desk->office->addresses, hash_of(desk->office, remote), desk->loop, owned);
}

static bool is_owned(void *user, const wrd_addr *remote)
{
    const struct desk *desk = user;
    unsigned loop;
    uint64_t hash = hash_of(desk->office, remote);
    return wrd_directory_find(desk->office->addresses, hash, desk->loop, &loop, 1) > 0;
}

static wrd_result pass(void *user, uint64_t name, const wrd_path *path, const uint8_t *datagram, size_t len)
{
    struct desk *desk = user;
    unsigned loops[WAYS];
    if (desk->reading || len > WRD_DATAGRAM_MAX)
        return WRD_GONE;
    unsigned count = name != 0 ? wrd_directory_find(desk->office->names, name, desk->loop, loops, 1)
                               : ways_of(desk, &path->remote, loops);
    if (name != 0 && count > 0)
        remember(desk, &path->remote, loops[0]);
    wrd_result result = count > 0 ? WRD_AGAIN : WRD_GONE;
    for (unsigned i = 0; i < count; i++) {
        if (put_mail(desk->office, loops[i], path, datagram, len))
            result = WRD_OK;
    }
    return result;
}

static void lock_gate(void *user, bool held)
{
    struct wrd_office *office = user;
    if (held)
        pthread_mutex_lock(&office->gate_mutex);
    else
        pthread_mutex_unlock(&office->gate_mutex);
}

const wrd_siblings *wrd_office_siblings(struct wrd_office *office, unsigned loop)
{
    return &office->desks[loop].siblings;
}

/* ---- the office */

static bool furnish(struct wrd_office *office, unsigned loop, const uint8_t key[16])
{
    struct desk *desk = &office->desks[loop];
    desk->office = office;
    desk->loop = loop;
    desk->siblings = (wrd_siblings){
        .user = desk, .own = own, .own_address = own_address, .is_owned = is_owned, .pass = pass, .gate = office->gate};
    memcpy(desk->siblings.key, key, sizeof desk->siblings.key);
    desk->ways = calloc(SETS, sizeof *desk->ways);
    desk->box.mail = calloc(WRD_MAIL_MAX, sizeof *desk->box.mail); /* both are touched as far as they are used */
    return desk->ways && desk->box.mail && pthread_mutex_init(&desk->box.mutex, NULL) == 0;
}

static uint32_t max_connections_of(const wrd_endpoint_options *options)
{
    return options->max_connections ? options->max_connections : WRD_CONNECTIONS_DEFAULT;
}

wrd_result wrd_office_open(struct wrd_office **out, const struct wrd_office_options *options, const char **why)
{
    uint8_t key[16];
    *out = NULL;
    struct wrd_office *office = calloc(1, sizeof *office + options->loops * sizeof *office->desks);
    if (!office) {
        *why = "out of memory";
        return WRD_NO_MEMORY;
    }
    office->options = *options;
    office->options.loops = 0;
    office->options.endpoint = NULL;
    (void)pthread_mutex_init(&office->gate_mutex, NULL); /* cannot fail, of the default kind */
    wrd_result result = wrd_gate_new(&office->gate, options->endpoint, NULL, lock_gate, office, why);
    if (result != WRD_OK) {
        wrd_office_close(office);
        return result;
    }
    if (getentropy(key, sizeof key) != 0 || getentropy(office->hash_key, sizeof office->hash_key) != 0) {
        *why = "the operating system gave no random numbers";
        wrd_office_close(office);
        return WRD_SYSTEM;
    }
    office->names = wrd_directory_new(options->loops, max_connections_of(options->endpoint));
    office->addresses = wrd_directory_new(options->loops, max_connections_of(options->endpoint));
    bool done = office->names && office->addresses;
    while (done && office->options.loops < options->loops)
        done = furnish(office, office->options.loops++, key);
    if (!done) {
        *why = "out of memory";
        wrd_office_close(office);
        return WRD_NO_MEMORY;
    }
    *out = office;
    return WRD_OK;
}

void wrd_office_close(struct wrd_office *office)
{
    if (!office)
        return;
    for (unsigned i = 0; i < office->options.loops; i++) {
        struct desk *desk = &office->desks[i];
        if (desk->ways && desk->box.mail)
            (void)pthread_mutex_destroy(&desk->box.mutex);
        free(desk->ways);
        free(desk->box.mail);
    }
    wrd_directory_free(office->names);
    wrd_directory_free(office->addresses);
    wrd_gate_free(office->gate);
    (void)pthread_mutex_destroy(&office->gate_mutex);
    free(office);
}
