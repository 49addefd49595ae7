/* SPDX-License-Identifier: MIT */
/* /status.json, which the status page asks for every second. */
#include <cJSON.h>
#include <time.h>

#include "cli/clock.h"
#include "cli/drops.h"
#include "cli/metrics.h"
#include "cli/process.h"

/* A number that memory is short for is not there; cJSON answers NULL for all that follows from NULL. */
static void add(cJSON *object, const char *name, double value)
{
    (void)cJSON_AddNumberToObject(object, name, value);
}

static void add_both(cJSON *json, const char *name, uint64_t in, uint64_t out)
{
    cJSON *both = cJSON_AddObjectToObject(json, name);

    add(both, "in", (double)in);
    add(both, "out", (double)out);
}

static void add_core(cJSON *json, const wrd_endpoint_counters *core)
{
    cJSON *connections = cJSON_AddObjectToObject(json, "connections");
    cJSON *handshakes = cJSON_AddObjectToObject(json, "handshakes");

    add(connections, "open", core->connections > core->handshakes ? core->connections - core->handshakes : 0);
    add(connections, "opening", core->handshakes);
    add(connections, "closed", (double)core->connections_closed);
    add(connections, "lost", (double)core->connections_lost);
    add(connections, "failed", (double)core->connections_failed);
    add(connections, "moved", (double)core->paths_moved);
    add(handshakes, "begun", (double)core->handshakes_begun);
    add(handshakes, "opened", (double)core->connections_opened);
    add(handshakes, "failed", (double)core->handshakes_failed);
    add(handshakes, "timed_out", (double)core->handshakes_timed_out);
    add(handshakes, "evicted", (double)core->handshakes_evicted);
    add_both(json, "datagrams", core->datagrams_received, core->datagrams_sent);
    add_both(json, "bytes", core->bytes_received, core->bytes_sent);
    add_both(json, "messages", core->messages_received, core->messages_sent);
    add_both(json, "chunks", core->chunks_received, core->chunks_sent);
    add(json, "retransmitted", (double)core->chunks_retransmitted);
}

/* Counts of each class, the last of which has no upper bound. */
static void add_rtt(cJSON *json, const wrd_endpoint_counters *core)
{
    cJSON *rtt = cJSON_AddObjectToObject(json, "rtt");
    cJSON *bounds = cJSON_AddArrayToObject(rtt, "bounds");
    cJSON *counts = cJSON_AddArrayToObject(rtt, "counts");

    for (size_t i = 0; i < WRD_RTT_CLASSES; i++) {
        (void)cJSON_AddItemToArray(bounds, cJSON_CreateNumber((double)wrd_rtt_bounds[i] / 1e6));
    }
    for (size_t i = 0; i <= WRD_RTT_CLASSES; i++) {
        (void)cJSON_AddItemToArray(counts, cJSON_CreateNumber((double)core->rtt[i]));
    }
    add(rtt, "sum", (double)core->rtt_sum / 1e6);
}

static void add_drops(cJSON *json, const wrd_server_counters *counters)
{
    cJSON *dropped = cJSON_AddArrayToObject(json, "dropped");

    for (size_t i = 0; i < DROPS_CAUSES; i++) {
        cJSON *entry = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(entry, "cause", drops_causes[i].name);
        (void)cJSON_AddStringToObject(entry, "words", drops_causes[i].words);
        add(entry, "count", (double)drops_count(counters, &drops_causes[i]));
        (void)cJSON_AddItemToArray(dropped, entry);
    }
}

static void add_process(cJSON *json, const wrd_server_counters *counters)
{
    struct process_info process;
    struct timespec now;

    process_look(&process);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    double wall = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    add(json, "clock", (double)clock_ns() / 1e9); /* for rates: it never jumps */
    add(json, "uptime", wall - process.started);
    add(json, "cpu", process.cpu_seconds);
    cJSON *memory = cJSON_AddObjectToObject(json, "memory");
    add(memory, "connections", (double)counters->endpoint.memory);
    add(memory, "process", process.resident_bytes);
    add(json, "threads", counters->threads);
}

char *metrics_json(wrd_server *server, bool draining)
{
    wrd_server_counters counters = {.size = sizeof counters, .endpoint.size = sizeof counters.endpoint};
    cJSON *json = cJSON_CreateObject();
    wrd_address address;
    char where[WRD_ADDR_TEXT_SIZE];

    wrd_server_get_counters(server, &counters);
    wrd_server_address(server, &address);
    wrd_addr_text(&address.addr, where);
    (void)cJSON_AddStringToObject(json, "address", where);
    (void)cJSON_AddStringToObject(json, "version", WRD_VERSION);
    (void)cJSON_AddBoolToObject(json, "draining", draining);
    add_process(json, &counters);
    add_core(json, &counters.endpoint);
    add_rtt(json, &counters.endpoint);
    add_drops(json, &counters);
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    return text;
}
