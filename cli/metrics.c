/* SPDX-License-Identifier: MIT */
#include "cli/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/drops.h"
#include "cli/http.h"
#include "cli/lines.h"
#include "cli/process.h"

#define CORE(member)   offsetof(wrd_server_counters, endpoint.member)
#define SERVER(member) offsetof(wrd_server_counters, member)

/* Counters of 64 bits that are shown as they are. Members of one family follow each other. */
static const struct series {
    const char *family;
    const char *help;   /* of the family; NULL: as before */
    const char *labels; /* "" for none */
    size_t offset;
} series[] = {
    {"wrd_datagrams_total", "UDP datagrams received and sent.", "direction=\"in\"", CORE(datagrams_received)},
    {"wrd_datagrams_total", NULL, "direction=\"out\"", CORE(datagrams_sent)},
    {"wrd_bytes_total", "Bytes of UDP payload received and sent.", "direction=\"in\"", CORE(bytes_received)},
    {"wrd_bytes_total", NULL, "direction=\"out\"", CORE(bytes_sent)},
    {"wrd_messages_total", "Messages of the application.", "direction=\"in\"", CORE(messages_received)},
    {"wrd_messages_total", NULL, "direction=\"out\"", CORE(messages_sent)},
    {"wrd_message_bytes_total", "Bytes of the application's messages.", "direction=\"in\"",
     CORE(message_bytes_received)},
    {"wrd_message_bytes_total", NULL, "direction=\"out\"", CORE(message_bytes_sent)},
    {"wrd_checks_total", "STUN connectivity checks, by what became of them.", "outcome=\"answered\"",
     CORE(checks_answered)},
    {"wrd_checks_total", NULL, "outcome=\"invalid\"", CORE(checks_invalid)},
    {"wrd_checks_total", NULL, "outcome=\"unknown-token\"", CORE(checks_unknown_token)},
    {"wrd_checks_total", NULL, "outcome=\"expired-token\"", CORE(checks_expired_token)},
    {"wrd_checks_total", NULL, "outcome=\"put-off\"", CORE(checks_put_off)},
    {"wrd_handshakes_begun_total", "Handshakes that clients began.", "", CORE(handshakes_begun)},
    {"wrd_handshakes_total", "Handshakes that ended, by outcome.", "outcome=\"opened\"", CORE(connections_opened)},
    {"wrd_handshakes_total", NULL, "outcome=\"failed\"", CORE(handshakes_failed)},
    {"wrd_handshakes_total", NULL, "outcome=\"timed-out\"", CORE(handshakes_timed_out)},
    {"wrd_handshakes_total", NULL, "outcome=\"evicted\"", CORE(handshakes_evicted)},
    {"wrd_cookies_sent_total", "Times that an address had to prove itself first.", "", CORE(cookies_sent)},
    {"wrd_cookies_wrong_total", "Answers to no cookie of ours.", "", CORE(cookies_wrong)},
    {"wrd_connections_closed_total", "Open connections that ended, for whatever reason.", "", CORE(connections_closed)},
    {"wrd_connections_lost_total", "Of those closed: the client fell silent.", "", CORE(connections_lost)},
    {"wrd_connections_failed_total", "Of those closed: anything else went wrong.", "", CORE(connections_failed)},
    {"wrd_paths_moved_total", "Clients whose address changed under their connection.", "", CORE(paths_moved)},
    {"wrd_passed_on_datagrams_total", "Datagrams handed to the thread that has the connection.", "", CORE(passed_on)},
    {"wrd_send_full_total", "Times that the kernel had no room for a datagram, which most often went later.", "",
     SERVER(send_full)},
    {"wrd_trace_lost_total", "Missing in the files of --capture and --key-log: full ones, or pipes that nobody read.",
     "file=\"capture\"", SERVER(capture_lost)},
    {"wrd_trace_lost_total", NULL, "file=\"key-log\"", SERVER(key_log_lost)},
    {"wrd_sctp_chunks_total", "SCTP DATA chunks.", "direction=\"in\"", CORE(chunks_received)},
    {"wrd_sctp_chunks_total", NULL, "direction=\"out\"", CORE(chunks_sent)},
    {"wrd_sctp_chunks_retransmitted_total", "SCTP DATA chunks sent again.", "", CORE(chunks_retransmitted)},
    {"wrd_sctp_timeouts_total", "SCTP retransmission timeouts.", "", CORE(timeouts)},
};

static uint64_t counter_at(const wrd_server_counters *counters, size_t offset)
{
    uint64_t count;

    memcpy(&count, (const char *)counters + offset, sizeof count);
    return count;
}

static void head(FILE *out, const char *family, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", family, help, family, type);
}

static void gauge(FILE *out, const char *family, const char *help, double value)
{
    head(out, family, "gauge", help);
    fprintf(out, "%s %.17g\n", family, value);
}

static void write_counters(FILE *out, const wrd_server_counters *counters)
{
    for (size_t i = 0; i < sizeof series / sizeof series[0]; i++) {
        const struct series *s = &series[i];
        bool labelled = *s->labels != '\0';
        if (s->help != NULL) {
            head(out, s->family, "counter", s->help);
        }
        fprintf(out, "%s%s%s%s %llu\n", s->family, labelled ? "{" : "", s->labels, labelled ? "}" : "",
                (unsigned long long)counter_at(counters, s->offset));
    }
    head(out, "wrd_dropped_datagrams_total", "counter", "Datagrams that were not taken or not sent, by cause.");
    for (size_t i = 0; i < DROPS_CAUSES; i++) {
        fprintf(out, "wrd_dropped_datagrams_total{cause=\"%s\"} %llu\n", drops_causes[i].name,
                (unsigned long long)drops_count(counters, &drops_causes[i]));
    }
}

static void write_log(FILE *out)
{
    head(out, "wrd_log_lines_dropped_total", "counter", "Lines of the log that nobody read in time.");
    fprintf(out, "wrd_log_lines_dropped_total %llu\n", (unsigned long long)lines_dropped());
}

static void write_http(FILE *out)
{
    head(out, "wrd_http_refused_total", "counter", "Connections to the pages and numbers that were one too many.");
    fprintf(out, "wrd_http_refused_total %llu\n", (unsigned long long)http_refused());
}

static void write_rtt(FILE *out, const wrd_endpoint_counters *core)
{
    uint64_t below = 0;

    head(out, "wrd_rtt_seconds", "histogram", "Round trips measured on open connections.");
    for (size_t i = 0; i < WRD_RTT_CLASSES; i++) {
        below += core->rtt[i];
        fprintf(out, "wrd_rtt_seconds_bucket{le=\"%g\"} %llu\n", (double)wrd_rtt_bounds[i] / 1e6,
                (unsigned long long)below);
    }
    below += core->rtt[WRD_RTT_CLASSES];
    fprintf(out, "wrd_rtt_seconds_bucket{le=\"+Inf\"} %llu\n", (unsigned long long)below);
    fprintf(out, "wrd_rtt_seconds_sum %.17g\nwrd_rtt_seconds_count %llu\n", (double)core->rtt_sum / 1e6,
            (unsigned long long)below);
}

static void write_gauges(FILE *out, const wrd_server_counters *counters)
{
    const wrd_endpoint_counters *core = &counters->endpoint;
    unsigned opening = core->handshakes;
    unsigned open = core->connections > opening ? core->connections - opening : 0;

    head(out, "wrd_connections", "gauge", "Connections now.");
    fprintf(out, "wrd_connections{state=\"open\"} %u\nwrd_connections{state=\"opening\"} %u\n", open, opening);
    gauge(out, "wrd_memory_bytes", "Memory that the connections take.", (double)core->memory);
    gauge(out, "wrd_threads", "Loops, each with a thread and a socket.", counters->threads);
    head(out, "wrd_socket_buffer_bytes", "gauge", "What the kernel granted to each socket.");
    fprintf(out, "wrd_socket_buffer_bytes{direction=\"in\"} %d\nwrd_socket_buffer_bytes{direction=\"out\"} %d\n",
            counters->receive_buffer, counters->send_buffer);
}

static void write_process(FILE *out)
{
    struct process_info process;

    process_look(&process);
    head(out, "wrd_build_info", "gauge", "Always 1; the label says which version runs.");
    fprintf(out, "wrd_build_info{version=\"%s\"} 1\n", WRD_VERSION);
    gauge(out, "process_start_time_seconds", "Start of the process, in seconds since 1970.", process.started);
    head(out, "process_cpu_seconds_total", "counter", "User and system CPU time of the process.");
    fprintf(out, "process_cpu_seconds_total %.17g\n", process.cpu_seconds);
    gauge(out, "process_resident_memory_bytes", "Memory of the process.", process.resident_bytes);
    gauge(out, "process_open_fds", "File descriptors in use.", process.open_files);
    gauge(out, "process_max_fds", "File descriptors that the process may have.", process.most_files);
}

char *metrics_text(wrd_server *server)
{
    wrd_server_counters counters = {.size = sizeof counters, .endpoint.size = sizeof counters.endpoint};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL) {
        return NULL;
    }
    wrd_server_get_counters(server, &counters);
    write_gauges(out, &counters);
    write_counters(out, &counters);
    write_log(out);
    write_http(out);
    write_rtt(out, &counters.endpoint);
    write_process(out);
    bool complete = ferror(out) == 0;
    if (fclose(out) != 0 || !complete) {
        free(text);
        return NULL;
    }
    return text;
}
