/* SPDX-License-Identifier: MIT */
/*
 * visitors 'IP:PORT FINGERPRINT' PER_SECOND SECONDS [PATIENCE_MS]: well-behaved native clients, one after the other and
 * several at once: each connects, has a message echoed, checks it and closes. Prints a line of JSON: how many came
 * through, how long opening took, and what ended the others.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wrd/client.h"

enum { RATE_MAX = 1000, SECONDS_MAX = 600, AT_ONCE_MAX = 256, MESSAGE_SIZE = 1000, WHYS_MAX = 8 };

struct visitor {
    wrd_client *client; /* NULL: free */
    wrd_time began, opened;
    unsigned number;
    bool echoed, corrupt;
};

struct why {
    const char *text;
    unsigned count;
};

static struct visitor visitors[AT_ONCE_MAX];
static wrd_address address;
static wrd_time patience = 12 * WRD_SECOND; /* of one visit; a dial has 10 s by default */
static unsigned attempts, successes, opened, corrupt;
static unsigned *open_us; /* of each that opened */
static struct why whys[WHYS_MAX];

static wrd_time now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (wrd_time)ts.tv_sec * WRD_SECOND + (wrd_time)ts.tv_nsec / 1000;
}

static void blame(const char *text)
{
    int i = 0;
    while (i < WHYS_MAX - 1 && whys[i].text && strcmp(whys[i].text, text) != 0)
        i++;
    whys[i].text = text;
    whys[i].count++;
}

static void make_message(uint8_t bytes[MESSAGE_SIZE], unsigned number)
{
    for (unsigned i = 0; i < MESSAGE_SIZE; i++)
        bytes[i] = (uint8_t)((number + i) * 2654435761u >> 24);
}

static void begin(void)
{
    const char *why = "";
    struct visitor *v = visitors;
    while (v < visitors + AT_ONCE_MAX && v->client)
        v++;
    attempts++;
    if (v == visitors + AT_ONCE_MAX) {
        blame("256 others were still at it");
        return;
    }
    *v = (struct visitor){.began = now(), .number = attempts};
    if (wrd_client_dial(&v->client, &address, NULL, &why) != WRD_OK)
        blame(why);
}

static void leave(struct visitor *v, const char *why)
{
    if (v->echoed && !v->corrupt)
        successes++;
    else
        blame(v->corrupt ? "something else came back" : why);
    corrupt += v->corrupt;
    wrd_endpoint_abort(wrd_client_endpoint(v->client), now()); /* so that free does not wait */
    wrd_client_free(v->client);
    v->client = NULL;
}

static void hear(struct visitor *v)
{
    wrd_message message;
    uint8_t expected[MESSAGE_SIZE];
    while (wrd_client_receive(v->client, &message) == WRD_OK) {
        make_message(expected, v->number);
        if (v->echoed || message.len != sizeof expected || memcmp(message.data, expected, sizeof expected) != 0)
            v->corrupt = true;
        v->echoed = true;
        wrd_client_release(v->client);
        wrd_client_close(v->client);
    }
}

static void take_turn(struct visitor *v)
{
    wrd_event event;
    wrd_client_process(v->client);
    while (wrd_client_next(v->client, &event)) {
        if (event.kind == WRD_EVENT_OPEN) {
            uint8_t bytes[MESSAGE_SIZE];
            v->opened = now();
            open_us[opened++] = (unsigned)(v->opened - v->began);
            make_message(bytes, v->number);
            if (wrd_client_send(v->client, bytes, sizeof bytes) != WRD_OK)
                wrd_client_close(v->client);
        } else if (event.kind == WRD_EVENT_READABLE) {
            hear(v);
        } else if (event.kind == WRD_EVENT_CLOSED) {
            leave(v, event.text);
            return;
        }
    }
    wrd_client_flush(v->client);
    if (now() > v->began + patience)
        leave(v, v->opened ? "no echo in time" : "not open in time");
}

static unsigned present(void)
{
    unsigned count = 0;
    for (int i = 0; i < AT_ONCE_MAX; i++)
        count += visitors[i].client != NULL;
    return count;
}

static void wait_for_any(wrd_time until)
{
    struct pollfd fds[AT_ONCE_MAX];
    struct visitor *of[AT_ONCE_MAX];
    nfds_t count = 0;
    wrd_time moment = now();
    int timeout = until > moment ? (int)((until - moment) / WRD_MILLISECOND) + 1 : 0;
    for (int i = 0; i < AT_ONCE_MAX; i++) {
        if (!visitors[i].client)
            continue;
        int own = wrd_client_timeout(visitors[i].client);
        if (own >= 0 && own < timeout)
            timeout = own;
        of[count] = &visitors[i];
        fds[count++] = (struct pollfd){.fd = wrd_client_fd(visitors[i].client), .events = POLLIN};
    }
    (void)poll(fds, count, timeout);
    for (nfds_t i = 0; i < count; i++) {
        int own = wrd_client_timeout(of[i]->client);
        if (fds[i].revents || own == 0 || now() > of[i]->began + patience)
            take_turn(of[i]);
    }
}

static int ascending(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return x < y ? -1 : x > y;
}

static double open_ms(double share)
{
    return opened > 0 ? (double)open_us[(unsigned)(share * (opened - 1))] / 1000 : 0;
}

static void report(void)
{
    qsort(open_us, opened, sizeof *open_us, ascending);
    printf("{\"attempts\": %u, \"opened\": %u, \"successes\": %u, \"corrupt\": %u, \"open_ms_p50\": %.1f, "
           "\"open_ms_p99\": %.1f, \"open_ms_max\": %.1f, \"failures\": {",
           attempts, opened, successes, corrupt, open_ms(0.5), open_ms(0.99), open_ms(1));
    for (int i = 0; i < WHYS_MAX && whys[i].text; i++)
        printf("%s\"%s\": %u", i > 0 ? ", " : "", whys[i].text, whys[i].count);
    puts("}}");
}

int main(int argc, char **argv)
{
    const char *why = "";
    int rate = argc >= 4 ? atoi(argv[2]) : 0, seconds = argc >= 4 ? atoi(argv[3]) : 0;
    if (rate < 1 || rate > RATE_MAX || seconds < 1 || seconds > SECONDS_MAX)
        return fprintf(stderr,
                       "usage: visitors 'IP:PORT FINGERPRINT' PER_SECOND SECONDS [PATIENCE_MS] (up to %d, %d)\n",
                       RATE_MAX, SECONDS_MAX),
               2;
    if (argc > 4)
        patience = (wrd_time)atoi(argv[4]) * WRD_MILLISECOND;
    if (wrd_address_parse(&address, argv[1], strlen(argv[1]), &why) != WRD_OK)
        return fprintf(stderr, "visitors: %s\n", why), 2;
    open_us = calloc((size_t)rate * (size_t)seconds + 1, sizeof *open_us);
    if (!open_us)
        return 1;
    wrd_time gap = WRD_SECOND / (wrd_time)rate, next = now(), end = next + (wrd_time)seconds * WRD_SECOND;
    while (next < end || present() > 0) {
        while (next < end && next <= now()) {
            begin();
            next += gap;
        }
        wait_for_any(next < end ? next : now() + WRD_SECOND);
    }
    report();
    free(open_us);
    return 0;
}
