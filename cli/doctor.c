/* SPDX-License-Identifier: MIT */
/* wrd doctor: why a connection fails, step by step. It connects as `wrd dial` does and looks at how far that got. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cli/clock.h"
#include "cli/commands.h"
#include "cli/doctor_place.h"
#include "cli/doctor_report.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/say.h"
#include "cli/token_text.h"
#include "wrd/client.h"

#define TIMEOUT_DEFAULT 5
#define ECHO_WAIT_MS    2000
#define ECHO_TEXT       "wrd doctor: please echo this"

static const char help[] =
    "wrd doctor ADDRESS\n"
    "wrd doctor IP:PORT FINGERPRINT\n"
    "\n"
    "Says why a connection fails: looks at the address, at this machine and the way there, connects as `wrd dial`\n"
    "does, sends one message and waits for its echo. Each step is a line: ok, note or bad, and what to do.\n"
    "\n"
    "  --raw              messages are data-channel messages as they are; as the server does\n"
    "  --token TOKEN      for a server that asks for one\n"
    "  --no-echo          send no message: for a server that would take it amiss\n"
    "  --timeout SECONDS  how long to try to connect; default 5\n"
    "  --json             print all of it as one JSON object\n"
    "\n"
    "Exit codes: 0 it works, and as those of `wrd dial`: 1 trouble on this machine, 2 no address, 3 nobody answers,\n"
    "or not to the end, 4 refused, 5 another certificate, 6 the connection ended, 7 a rule was broken.\n";

static const struct option options[] = {{"raw", no_argument, NULL, 'r'},
                                        {"token", required_argument, NULL, 'o'},
                                        {"no-echo", no_argument, NULL, 'n'},
                                        {"timeout", required_argument, NULL, 't'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};

struct doctor {
    struct report report;
    wrd_address address;
    char where[WRD_ADDR_TEXT_SIZE];
    const char *token;
    long timeout_s;
    bool raw, no_echo, json;
    wrd_client *client;
    bool sent_sctp, heard_sctp; /* so DTLS was up; SCTP answered */
    double began_ms;
};

static double now_ms(void)
{
    return (double)clock_ns() / 1e6;
}

/* ---- the connection */

static void on_packet(void *user, const wrd_path *path, bool sent, const uint8_t *packet, size_t len)
{
    struct doctor *doctor = user;

    (void)path;
    (void)packet;
    (void)len;
    doctor->sent_sctp = doctor->sent_sctp || sent;
    doctor->heard_sctp = doctor->heard_sctp || !sent;
}

/* Waits for the connection to open or end; its event. The handshake's own timeout bounds it. */
static bool wait_open(struct doctor *doctor, wrd_event *end)
{
    for (;;) {
        struct pollfd fd = {wrd_client_fd(doctor->client), POLLIN, 0};
        if (poll(&fd, 1, wrd_client_timeout(doctor->client)) < 0 && errno != EINTR) {
            *end = (wrd_event){.reason = WRD_SYSTEM, .text = strerror(errno), .said = ""};
            return false;
        }
        wrd_client_process(doctor->client);
        while (wrd_client_next(doctor->client, end)) {
            if (end->kind == WRD_EVENT_OPEN || end->kind == WRD_EVENT_CLOSED) {
                return end->kind == WRD_EVENT_OPEN;
            }
        }
        wrd_client_flush(doctor->client);
    }
}

/* How many datagrams came, of those that could be answers of such a server. */
static uint64_t answers(const struct doctor *doctor, uint64_t *others)
{
    wrd_endpoint_counters counters = {.size = sizeof counters};

    wrd_endpoint_get_counters(wrd_client_endpoint(doctor->client), &counters);
    *others = counters.dropped_garbage + counters.checks_invalid;
    return counters.datagrams_received > *others ? counters.datagrams_received - *others : 0;
}

/* ---- where it stopped */

/* What makes a server silent, the likeliest first. */
static const char *silence_advice(const char *token)
{
    if (token == NULL) {
        return "Are IP and port right, and is the server running? Does a firewall (the server's, its provider's, this "
               "network's) let UDP through both ways? A server that asks for tokens is silent without one: if this one "
               "does, use --token.";
    }
    if (token_has_expired(token, NULL)) {
        return "The token has expired, and a server is silent then: mint a new one. Else: are IP and port right, is "
               "the server running, and does a firewall let UDP through both ways?";
    }
    return "Are IP and port right, and is the server running? Does a firewall let UDP through both ways? A server is "
           "silent, too, when the token has expired by its clock or was made with a key that it does not have: `wrd "
           "token show TOKEN --key FILE` tells.";
}

static const char *rules_advice(char out[128], const struct doctor *doctor)
{
    snprintf(out, 128, "Its rules must let UDP port %u through, and the answers from there.",
             (unsigned)doctor->address.addr.port);
    return out;
}

static void report_prohibited(struct doctor *doctor, const wrd_client_trouble *trouble)
{
    char by[WRD_ADDR_TEXT_SIZE] = "an address that this system does not tell";
    char advice[128];

    if (trouble->answered_by.family != 0) {
        wrd_addr_ip_text(&trouble->answered_by, by);
    }
    report_step(&doctor->report, "firewall", FINDING_BAD, rules_advice(advice, doctor),
                "A firewall on the way answers that this is prohibited: it is at %s.", by);
}

/* "Port unreachable", which a firewall says, too. */
static void report_refused(struct doctor *doctor)
{
    const wrd_addr *addr = &doctor->address.addr;
    unsigned port = addr->port;
    wrd_client_trouble trouble = {.size = sizeof trouble};
    char by[WRD_ADDR_TEXT_SIZE];
    char advice[128];

    wrd_client_get_trouble(doctor->client, &trouble);
    if (trouble.answered_by.family == addr->family && memcmp(trouble.answered_by.ip, addr->ip, sizeof addr->ip) != 0) {
        wrd_addr_ip_text(&trouble.answered_by, by);
        report_step(&doctor->report, "firewall", FINDING_BAD, rules_advice(advice, doctor),
                    "%s, which is not that host, answers that UDP port %u is closed there: a firewall on the way "
                    "rejects.",
                    by, port);
        return;
    }
    wrd_addr_ip_text(addr, by);
    report_step(&doctor->report, "port", FINDING_BAD,
                "Is the server running, and is the port right? It is UDP, not TCP. Then look at the firewall's rules: "
                "`nft list ruleset`, `iptables -S INPUT` there.",
                "%s answers that UDP port %u is closed: nobody listens on UDP port %u, or a firewall rejects with the "
                "same answer.",
                by, port, port);
}

static void report_unreachable(struct doctor *doctor, const wrd_client_trouble *trouble)
{
    char by[WRD_ADDR_TEXT_SIZE] = "A router";

    if (trouble->answered_by.family != 0) {
        wrd_addr_ip_text(&trouble->answered_by, by);
    }
    report_step(
        &doctor->report, "host", FINDING_BAD,
        "Is the address right, and is the host up? Where this machine itself answers, nobody in its own network "
        "has that address. A firewall may say this, too.",
        "%s answers that the %s cannot be reached: %s.", by, trouble->answered == ENETUNREACH ? "network" : "host",
        strerror(trouble->answered));
}

static void report_unsent(struct doctor *doctor, const wrd_client_trouble *trouble)
{
    bool is_rule = trouble->send_error == EPERM || trouble->send_error == EACCES;

    report_step(&doctor->report, is_rule ? "firewall" : "sending", FINDING_BAD,
                is_rule ? "Look at its rules for outgoing UDP: `nft list ruleset`, `iptables -S OUTPUT`." : NULL,
                "%s: the kernel refused %llu datagrams to %s, %s.",
                is_rule ? "This machine's own firewall forbids sending" : "This machine does not send",
                (unsigned long long)trouble->sends_refused, doctor->where, strerror(trouble->send_error));
}

/* Why nothing came, where the network or this machine says so. False: neither does. */
static bool report_trouble(struct doctor *doctor)
{
    wrd_client_trouble trouble = {.size = sizeof trouble};

    wrd_client_get_trouble(doctor->client, &trouble);
    if (trouble.prohibited) {
        report_prohibited(doctor, &trouble);
    } else if (trouble.answered != 0) {
        report_unreachable(doctor, &trouble);
    } else if (trouble.send_error != 0) {
        report_unsent(doctor, &trouble);
    }
    return trouble.answered != 0 || trouble.send_error != 0;
}

static int stop_silent(struct doctor *doctor, uint64_t others)
{
    if (others > 0) {
        report_step(&doctor->report, "checks", FINDING_BAD,
                    "Is the port right? Something that is no server of this kind answers there.",
                    "%s answers, but not to a connectivity check: %llu datagrams of another kind came.", doctor->where,
                    (unsigned long long)others);
        return EXIT_TIMEOUT;
    }
    if (report_trouble(doctor)) {
        return EXIT_TIMEOUT;
    }
    report_step(&doctor->report, "port", FINDING_BAD, silence_advice(doctor->token),
                "Nothing came back from %s within %ld s, not even a refusal.", doctor->where, doctor->timeout_s);
    return EXIT_TIMEOUT;
}

/* It got as far as DTLS. */
static int stop_in_dtls(struct doctor *doctor, const wrd_event *end)
{
    if (end->reason == WRD_MISMATCH) {
        report_step(
            &doctor->report, "dtls", FINDING_BAD,
            "Ask for the server's present fingerprint: its ready line and `wrd key show FILE` print it. A server "
            "without --key has a new one at every start. If it should not have changed, this may be another "
            "server in its place.",
            "The server's certificate is not the one that the fingerprint names.");
        return EXIT_MISMATCH;
    }
    if (end->reason == WRD_TIMEOUT) {
        report_step(&doctor->report, "dtls", FINDING_BAD,
                    "The server may be full or above its handshake rate (its /metrics tell), or something on the way "
                    "lets small datagrams through and not larger ones.",
                    "The server answers checks, but the DTLS handshake did not finish within %ld s.",
                    doctor->timeout_s);
        return EXIT_TIMEOUT;
    }
    report_step(&doctor->report, "dtls", FINDING_BAD, "Is this a WebRTC Direct server?", "DTLS failed: %s.", end->text);
    return end->reason == WRD_PROTOCOL ? EXIT_PROTOCOL : EXIT_LOST;
}

static int stop_in_sctp(struct doctor *doctor, const wrd_event *end)
{
    report_step(&doctor->report, "dtls", FINDING_OK, NULL,
                "The server's certificate is the one that the fingerprint names.");
    report_step(&doctor->report, "sctp", FINDING_BAD,
                doctor->heard_sctp ? "The server's log may say more (--verbose)."
                                   : "A server of another kind may use other ports or no data channels.",
                "DTLS is up, but the data channel did not open: %s.", end->text);
    return end->reason == WRD_TIMEOUT ? EXIT_TIMEOUT : end->reason == WRD_PROTOCOL ? EXIT_PROTOCOL : EXIT_LOST;
}

static int stopped(struct doctor *doctor, const wrd_event *end)
{
    uint64_t others;

    if (end->reason == WRD_REFUSED) {
        report_refused(doctor);
        return EXIT_REFUSED;
    }
    if (end->reason == WRD_SYSTEM || end->reason == WRD_NO_MEMORY) {
        report_step(&doctor->report, "port", FINDING_BAD, NULL, "This machine cannot: %s.", end->text);
        return EXIT_TROUBLE;
    }
    if (answers(doctor, &others) == 0) {
        return stop_silent(doctor, others);
    }
    report_step(&doctor->report, "checks", FINDING_OK, NULL,
                "%s answers connectivity checks: UDP gets through both ways.", doctor->where);
    return doctor->sent_sctp ? stop_in_sctp(doctor, end) : stop_in_dtls(doctor, end);
}

/* ---- the echo */

static int echo_ended(struct doctor *doctor, wrd_result result)
{
    bool is_rule = result == WRD_PROTOCOL || result == WRD_TOO_LARGE;
    char safe[WRD_REASON_MAX + 1];
    const char *said = "";
    uint32_t code = wrd_client_closed_with(doctor->client, &said);

    report_step(
        &doctor->report, "echo", FINDING_BAD,
        is_rule ? "Do both sides agree on --raw?"
                : "A server that expects other messages may do this: --no-echo sends none. Or do the sides not agree "
                  "on --raw?",
        "The connection ended when a message was sent: %s Code %lu%s%s.", wrd_result_text(result), (unsigned long)code,
        *said != '\0' ? ": " : "", say_safely(safe, sizeof safe, said));
    return is_rule ? EXIT_PROTOCOL : EXIT_LOST;
}

static int try_echo(struct doctor *doctor)
{
    const size_t len = sizeof ECHO_TEXT - 1;
    double sent_ms = now_ms();
    wrd_message message;

    wrd_result result = wrd_client_send(doctor->client, ECHO_TEXT, len);
    if (result == WRD_OK) {
        result = wrd_client_wait(doctor->client, &message, ECHO_WAIT_MS);
    }
    if (result == WRD_TIMEOUT || result == WRD_AGAIN) {
        report_step(&doctor->report, "echo", FINDING_NOTE, "Only an echo server has to; others may be silent.",
                    "A message was sent and nothing came back within %d s.", ECHO_WAIT_MS / 1000);
        return EXIT_DONE;
    }
    if (result != WRD_OK) {
        return echo_ended(doctor, result);
    }
    if (message.len == len && memcmp(message.data, ECHO_TEXT, len) == 0) {
        report_step(&doctor->report, "echo", FINDING_OK, NULL, "A message came back after %.1f ms.",
                    now_ms() - sent_ms);
    } else {
        report_step(&doctor->report, "echo", FINDING_NOTE, "That is fine for a server that is no echo.",
                    "Something else came, of %zu bytes.", message.len);
    }
    wrd_client_release(doctor->client);
    return EXIT_DONE;
}

static void tell_path(struct doctor *doctor)
{
    wrd_conn_info info = {.size = sizeof info};

    if (wrd_conn_get_info(wrd_client_endpoint(doctor->client), wrd_client_conn(doctor->client), &info) == WRD_OK &&
        info.rtt > 0) {
        report_step(&doctor->report, "path", info.chunks_retransmitted > 0 ? FINDING_NOTE : FINDING_OK,
                    info.chunks_retransmitted > 0 ? "Packets get lost on the way." : NULL,
                    "The round trip takes %.1f ms; %llu chunks were sent again.", (double)info.rtt / 1000,
                    (unsigned long long)info.chunks_retransmitted);
    }
}

/* ---- in order */

static int connect_and_look(struct doctor *doctor)
{
    wrd_client_options client_options;
    const wrd_trace trace = {.user = doctor, .packet = on_packet};
    wrd_event end;
    const char *why = "";

    wrd_client_options_init(&client_options);
    client_options.endpoint.mode = doctor->raw ? WRD_RAW : WRD_FRAMED;
    client_options.endpoint.handshake_timeout = (wrd_time)doctor->timeout_s * WRD_SECOND;
    client_options.endpoint.trace = &trace;
    client_options.token = doctor->token;
    doctor->began_ms = now_ms();
    wrd_result result = wrd_client_dial(&doctor->client, &doctor->address, &client_options, &why);
    if (result != WRD_OK) {
        report_step(&doctor->report, "dial", FINDING_BAD, result == WRD_SYSTEM ? strerror(errno) : NULL,
                    "This machine cannot start to connect: %s.", *why != '\0' ? why : wrd_result_text(result));
        return result == WRD_INVALID ? EXIT_USAGE : EXIT_TROUBLE;
    }
    int code;
    if (!wait_open(doctor, &end)) {
        code = stopped(doctor, &end);
    } else {
        report_step(&doctor->report, "checks", FINDING_OK, NULL,
                    "%s answers connectivity checks: UDP gets through both ways.", doctor->where);
        report_step(&doctor->report, "dtls", FINDING_OK, NULL,
                    "The server's certificate is the one that the fingerprint names.");
        report_step(&doctor->report, "sctp", FINDING_OK, NULL,
                    "The data channel is open, %.1f ms after the first packet.", now_ms() - doctor->began_ms);
        code = doctor->no_echo ? EXIT_DONE : try_echo(doctor);
        tell_path(doctor);
    }
    wrd_client_free(doctor->client);
    return code;
}

static void look_at_token(struct doctor *doctor)
{
    char expires[TOKEN_TIME_SIZE];
    wrd_token token;

    if (doctor->token == NULL) {
        return;
    }
    if (!token_read(&token, doctor->token)) {
        report_step(&doctor->report, "token", FINDING_NOTE, "Only a server of another kind takes such a one.",
                    "The token is none that `wrd token mint` makes.");
    } else if (token_has_expired(doctor->token, expires)) {
        report_step(&doctor->report, "token", FINDING_NOTE,
                    "Mint a new one. It is tried all the same: the server's clock decides, and this one may be wrong.",
                    "The token expired %s by this machine's clock.", expires);
    } else {
        report_step(&doctor->report, "token", FINDING_OK, NULL,
                    "The token is good until %s by this machine's clock; whether it is genuine, the server knows.",
                    token_time(expires, token.expires));
    }
}

static int look(struct doctor *doctor, int argc, char **argv)
{
    char why[WHY_SIZE];

    if (!read_address(&doctor->address, why, sizeof why, argc, argv)) {
        report_step(&doctor->report, "address", FINDING_BAD,
                    "An address is what `wrd serve` prints: IP:PORT and 64 hex digits, or /ip4/.../certhash/u...", "%s",
                    why);
        return EXIT_USAGE;
    }
    wrd_addr_text(&doctor->address.addr, doctor->where);
    report_step(&doctor->report, "address", FINDING_OK, NULL, "%s, with a fingerprint.", doctor->where);
    if (!place_look(&doctor->report, &doctor->address.addr)) {
        return EXIT_USAGE;
    }
    place_buffers(&doctor->report);
    look_at_token(doctor);
    if (!place_route(&doctor->report, &doctor->address.addr)) {
        return EXIT_TROUBLE;
    }
    return connect_and_look(doctor);
}

int doctor_main(int argc, char **argv)
{
    struct doctor doctor = {.timeout_s = TIMEOUT_DEFAULT};
    int option;

    while ((option = next_option(argc, argv, options, "doctor")) != -1) {
        switch (option) {
        case 'r': doctor.raw = true; break;
        case 'n': doctor.no_echo = true; break;
        case 'j': doctor.json = true; break;
        case 'o':
            if (!option_token("doctor", optarg)) {
                return EXIT_USAGE;
            }
            doctor.token = optarg;
            break;
        case 't':
            if (!option_number(&doctor.timeout_s, "doctor", "timeout", optarg, "whole seconds from ", 1, 3600)) {
                return EXIT_USAGE;
            }
            break;
        case 'h': fputs(help, stdout); return EXIT_DONE;
        default: return EXIT_USAGE;
        }
    }
    if (optind == argc) {
        return usage_error("doctor", "an address is missing: wrd doctor IP:PORT FINGERPRINT");
    }
    report_begin(&doctor.report, doctor.json);
    int code = look(&doctor, argc - optind, argv + optind);
    return report_end(&doctor.report, code) ? code : EXIT_TROUBLE;
}
