/* SPDX-License-Identifier: MIT */
#include "cli/log.h"

#include <cJSON.h>
#include <stdio.h>
#include <string.h>

#include "cli/say.h"

static bool as_json;

void log_in_json(void)
{
    as_json = true;
    say_in_json();
}

/* ---- members of a line; one that memory is short for is left out */

static void add_text(cJSON *json, const char *name, const char *text)
{
    char safe[WRD_REASON_MAX + 1];

    (void)cJSON_AddStringToObject(json, name, say_safely(safe, sizeof safe, text));
}

static void add_peer(cJSON *json, const wrd_addr *peer)
{
    char text[WRD_ADDR_TEXT_SIZE];

    wrd_addr_text(peer, text);
    (void)cJSON_AddStringToObject(json, "peer", text);
}

static cJSON *begin(const char *event, const char *id)
{
    cJSON *json = say_event(event);

    (void)cJSON_AddStringToObject(json, "connection", id);
    return json;
}

static const char *reason_name(wrd_result reason)
{
    switch (reason) {
    case WRD_OK: return "closed-by-us";
    case WRD_CLOSED: return "closed-by-peer";
    case WRD_TIMEOUT: return "timeout";
    case WRD_LOST: return "lost";
    case WRD_PROTOCOL: return "protocol";
    case WRD_TOO_LARGE: return "too-large";
    case WRD_NO_MEMORY: return "no-memory";
    case WRD_MISMATCH: return "mismatch";
    case WRD_REFUSED: return "refused";
    case WRD_SYSTEM: return "system";
    case WRD_AGAIN:
    case WRD_GONE:
    case WRD_INVALID: break;
    }
    return "other";
}

static void add_end(cJSON *json, const wrd_event *event)
{
    (void)cJSON_AddStringToObject(json, "reason", reason_name(event->reason));
    add_text(json, "text", event->text);
    (void)cJSON_AddNumberToObject(json, "code", event->code);
    add_text(json, "said", event->said);
}

/* ", code 4000: the peer's words" behind what a close is told with. */
static void say_end(const char *what, const char *id, const wrd_event *event, const char *more)
{
    char code[32] = "";
    char said[WRD_REASON_MAX + 1];

    if (event->code != 0 || *event->said != '\0') {
        snprintf(code, sizeof code, ", code %lu%s", (unsigned long)event->code, *event->said != '\0' ? ": " : "");
    }
    say("%s %s closed: %s%s%s%s", what, id, event->text, code, say_safely(said, sizeof said, event->said), more);
}

/* ---- a client's token and certificate */

static void subject_hex(char out[2 * WRD_TOKEN_SUBJECT_SIZE + 1], const wrd_conn_info *info)
{
    for (size_t i = 0; i < WRD_TOKEN_SUBJECT_SIZE; i++) {
        snprintf(out + 2 * i, 3, "%02x", info->subject[i]);
    }
}

/* The subject as its owner wrote it, when that was text. */
static void subject_text(char out[WRD_TOKEN_SUBJECT_SIZE + 1], const wrd_conn_info *info)
{
    char raw[WRD_TOKEN_SUBJECT_SIZE + 1];

    memcpy(raw, info->subject, WRD_TOKEN_SUBJECT_SIZE);
    raw[WRD_TOKEN_SUBJECT_SIZE] = '\0';
    say_safely(out, WRD_TOKEN_SUBJECT_SIZE + 1, raw);
}

/* ---- the events */

void log_open(const char *id, const wrd_addr *peer, const wrd_conn_info *info)
{
    char text[WRD_ADDR_TEXT_SIZE];
    char fingerprint[WRD_FINGERPRINT_HEX_SIZE] = "";
    char hex[2 * WRD_TOKEN_SUBJECT_SIZE + 1];
    char subject[WRD_TOKEN_SUBJECT_SIZE + 1] = "";

    if (info->has_fingerprint) {
        wrd_fingerprint_hex(&info->fingerprint, fingerprint);
    }
    if (info->has_token) {
        subject_hex(hex, info);
        subject_text(subject, info);
    }
    if (as_json) {
        cJSON *json = begin("open", id);
        add_peer(json, peer);
        if (info->has_token) {
            (void)cJSON_AddStringToObject(json, "subject", hex);
            (void)cJSON_AddStringToObject(json, "subject_text", subject);
        }
        if (info->has_fingerprint) {
            (void)cJSON_AddStringToObject(json, "fingerprint", fingerprint);
        }
        say_json(json);
        return;
    }
    wrd_addr_text(peer, text);
    say("connection %s open from %s%s%s%s%s%s", id, text, info->has_token ? ", subject \"" : "", subject,
        info->has_token ? "\"" : "", info->has_fingerprint ? ", certificate " : "", fingerprint);
}

void log_moved(const char *id, const wrd_addr *peer)
{
    char text[WRD_ADDR_TEXT_SIZE];

    if (as_json) {
        cJSON *json = begin("moved", id);
        add_peer(json, peer);
        say_json(json);
        return;
    }
    wrd_addr_text(peer, text);
    say("connection %s moved to %s", id, text);
}

void log_closed(const char *id, const wrd_event *event, const struct log_visit *visit)
{
    char more[96] = "";

    if (as_json) {
        cJSON *json = begin("closed", id);
        add_peer(json, &event->peer);
        add_end(json, event);
        if (visit != NULL) {
            (void)cJSON_AddNumberToObject(json, "duration", visit->seconds);
            (void)cJSON_AddNumberToObject(json, "bytes_received", (double)visit->bytes_received);
            (void)cJSON_AddNumberToObject(json, "bytes_sent", (double)visit->bytes_sent);
            (void)cJSON_AddNumberToObject(json, "messages_received", (double)visit->messages_received);
            (void)cJSON_AddNumberToObject(json, "messages_sent", (double)visit->messages_sent);
        }
        say_json(json);
        return;
    }
    if (visit != NULL) {
        snprintf(more, sizeof more, " (%.3f s, %llu bytes in %llu messages)", visit->seconds,
                 (unsigned long long)visit->bytes_received, (unsigned long long)visit->messages_received);
    }
    say_end("connection", id, event, more);
}

void log_channel_open(const char *id, const wrd_channel_info *info)
{
    char label[WRD_CHANNEL_NAME_MAX + 1];

    say_safely(label, sizeof label, info->label);
    if (as_json) {
        cJSON *json = begin("channel-open", id);
        (void)cJSON_AddNumberToObject(json, "channel", info->id);
        (void)cJSON_AddStringToObject(json, "label", label);
        say_json(json);
        return;
    }
    say("connection %s opened channel %u \"%s\"", id, info->id, label);
}

void log_channel_closed(const char *id, const wrd_event *event)
{
    if (as_json) {
        cJSON *json = begin("channel-closed", id);
        add_end(json, event);
        say_json(json);
        return;
    }
    say_end("a channel of connection", id, event, "");
}

void log_dropped(const char *cause, const char *words, uint64_t count, double seconds)
{
    if (as_json) {
        cJSON *json = say_event("dropped");
        (void)cJSON_AddStringToObject(json, "cause", cause);
        (void)cJSON_AddNumberToObject(json, "count", (double)count);
        (void)cJSON_AddNumberToObject(json, "seconds", seconds);
        say_json(json);
        return;
    }
    say("dropped %llu %s in the last %.0f s", (unsigned long long)count, words, seconds);
}

void log_draining(uint32_t connections, int limit_s)
{
    if (as_json) {
        cJSON *json = say_event("draining");
        (void)cJSON_AddNumberToObject(json, "connections", connections);
        (void)cJSON_AddNumberToObject(json, "limit", limit_s);
        say_json(json);
        return;
    }
    say("draining: nobody is taken any more, %u connections get up to %d s to end", connections, limit_s);
}
