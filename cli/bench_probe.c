/* SPDX-License-Identifier: MIT */
/* One client finds out what kind of server this is, before anything is measured. */
#include <string.h>

#include "cli/bench.h"
#include "cli/clock.h"
#include "cli/exit_code.h"
#include "cli/say.h"

struct probe {
    struct bench *bench;
    const char *command, *more;
    enum bench_probe answer;
    bool answered;
    size_t len;
    wrd_result reason;
    const char *text; /* NULL: not ended */
};

static void on_opened(struct fleet *fleet, uint32_t index, void *user)
{
    struct probe *probe = user;
    wrd_client *client = fleet->clients[index].client;

    if (probe->command == NULL) {
        return;
    }
    if (wrd_client_send(client, probe->command, strlen(probe->command)) != WRD_OK ||
        (probe->more != NULL && wrd_client_send(client, probe->more, strlen(probe->more)) != WRD_OK)) {
        probe->text = "it takes no message";
    }
}

static void on_ready(struct fleet *fleet, uint32_t index, void *user)
{
    struct probe *probe = user;
    wrd_message message;

    while (wrd_client_receive(fleet->clients[index].client, &message) == WRD_OK) {
        if (!probe->answered && probe->command != NULL) {
            bool same = message.len == strlen(probe->command) && memcmp(message.data, probe->command, message.len) == 0;
            probe->answered = true;
            probe->answer = same ? BENCH_ECHOES : BENCH_ANSWERED;
            probe->len = message.len;
        }
        wrd_client_release(fleet->clients[index].client);
    }
}

static void on_ended(struct fleet *fleet, uint32_t index, enum fleet_state was, wrd_result reason, const char *text,
                     void *user)
{
    struct probe *probe = user;

    (void)fleet;
    (void)index;
    (void)was;
    probe->reason = reason;
    probe->text = text;
}

static void say_ended(const struct probe *probe)
{
    struct bench *bench = probe->bench;
    const char *where = bench->options.where;

    if (probe->reason == WRD_PROTOCOL || probe->reason == WRD_TOO_LARGE) {
        bench_trouble(bench, EXIT_PROTOCOL, "what %s sends cannot be read: %s. Do both sides agree on --raw?", where,
                      probe->text);
    } else {
        bench_trouble(bench, EXIT_PROTOCOL,
                      "%s ended the connection at the first message: %s. Do both sides agree on --raw?", where,
                      probe->text);
    }
}

static void say_not_open(struct bench *bench, const struct bench_opening *opening)
{
    const struct bench_failures *failures = &opening->failures;
    const char *where = bench->options.where;

    if (failures->counts[-WRD_REFUSED] > 0) {
        bench_trouble(bench, EXIT_REFUSED,
                      "%s refuses: nobody listens on that UDP port. Is the server running, and is the port right? A "
                      "firewall that rejects says the same.",
                      where);
    } else if (failures->counts[-WRD_MISMATCH] > 0) {
        bench_trouble(bench, EXIT_MISMATCH,
                      "the server at %s has another certificate than the fingerprint names. Ask for its present one.",
                      where);
    } else {
        for (unsigned i = 0; i < FLEET_REASONS; i++) {
            if (failures->counts[i] > 0) {
                bench_trouble(bench, bench_code_of((wrd_result) - (int)i), "no connection to %s: %s", where,
                              failures->texts[i]);
            }
        }
    }
}

/* Waits for the answer. */
static void listen_for(struct bench *bench, struct fleet *fleet, struct probe *probe)
{
    uint64_t until = clock_ns() + BENCH_STALL_S * (uint64_t)BENCH_NS;

    while (!probe->answered && probe->text == NULL && clock_ns() < until) {
        if (!fleet_turn(fleet, until)) {
            bench->interrupted = true;
            return;
        }
    }
    if (!probe->answered && probe->text != NULL) {
        say_ended(probe);
    } else if (!probe->answered) {
        probe->answer = BENCH_SILENT;
    }
}

enum bench_probe bench_probe(struct bench *bench, const char *command, const char *more, size_t *len)
{
    struct probe probe = {.bench = bench, .command = command, .more = more, .answer = BENCH_FAILED};
    struct fleet_work work = {.user = &probe, .opened = on_opened, .ready = on_ready, .ended = on_ended};
    struct bench_opening opening;
    struct fleet fleet;

    if (!bench_fleet_open(bench, &fleet, 1)) {
        return BENCH_FAILED;
    }
    if (bench_open_all(bench, &fleet, &opening, &work) && command == NULL) {
        probe.answer = BENCH_SILENT;
    } else if (opening.opened > 0) {
        listen_for(bench, &fleet, &probe);
    } else if (!bench->interrupted) {
        say_not_open(bench, &opening);
    }
    fleet.work = (struct fleet_work){.user = &probe, .ready = on_ready};
    fleet_hang_up_all(&fleet, 1, BENCH_NS);
    fleet_close(&fleet);
    if (len != NULL) {
        *len = probe.len;
    }
    return probe.answer;
}
