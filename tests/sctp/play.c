/* SPDX-License-Identifier: MIT */
#include "play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stage {
    struct script s;
    const char *name, *word;
    bool stale;   /* something happened since packets were collected */
    size_t shown; /* packets of those collected that were expected already */
};

static void wrong(const struct stage *stage, const char *what)
{
    fail_msg("%s: at \"%s\": %s", stage->name, stage->word, what);
}

/* ---- names */

static const struct {
    const char *name;
    uint8_t type;
} chunks[] = {
    {"DATA", WRD_SCTP_DATA},
    {"INIT", WRD_SCTP_INIT},
    {"INIT-ACK", WRD_SCTP_INIT_ACK},
    {"SACK", WRD_SCTP_SACK},
    {"HEARTBEAT", WRD_SCTP_HEARTBEAT},
    {"HEARTBEAT-ACK", WRD_SCTP_HEARTBEAT_ACK},
    {"ABORT", WRD_SCTP_ABORT},
    {"SHUTDOWN", WRD_SCTP_SHUTDOWN},
    {"SHUTDOWN-ACK", WRD_SCTP_SHUTDOWN_ACK},
    {"ERROR", WRD_SCTP_ERROR},
    {"COOKIE-ECHO", WRD_SCTP_COOKIE_ECHO},
    {"COOKIE-ACK", WRD_SCTP_COOKIE_ACK},
    {"SHUTDOWN-COMPLETE", WRD_SCTP_SHUTDOWN_COMPLETE},
};

static const char *const states[] = {
    [WRD_SCTP_CLOSED] = "CLOSED",
    [WRD_SCTP_COOKIE_WAIT] = "COOKIE-WAIT",
    [WRD_SCTP_COOKIE_ECHOED] = "COOKIE-ECHOED",
    [WRD_SCTP_ESTABLISHED] = "ESTABLISHED",
    [WRD_SCTP_SHUTDOWN_PENDING] = "SHUTDOWN-PENDING",
    [WRD_SCTP_SHUTDOWN_SENT] = "SHUTDOWN-SENT",
    [WRD_SCTP_SHUTDOWN_RECEIVED] = "SHUTDOWN-RECEIVED",
    [WRD_SCTP_SHUTDOWN_ACK_SENT] = "SHUTDOWN-ACK-SENT",
};

struct spelled {
    uint8_t type, flags;
    char rest[32]; /* behind the colon */
};

static struct spelled spell(const struct stage *stage, const char *text)
{
    char name[64];
    struct spelled out = {0};
    (void)snprintf(name, sizeof name, "%s", text);
    char *mark = strchr(name, '/');
    if (mark) {
        *mark = 0;
        out.flags = WRD_SCTP_REFLECTED;
    }
    char *rest = strchr(name, ':');
    if (rest) {
        *rest = 0;
        (void)snprintf(out.rest, sizeof out.rest, "%.31s", rest + 1);
    }
    if (strncmp(name, "0x", 2) == 0) {
        out.type = (uint8_t)strtoul(name, NULL, 16);
        return out;
    }
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        if (strcmp(chunks[i].name, name) == 0) {
            out.type = chunks[i].type;
            return out;
        }
    }
    wrong(stage, "no such chunk");
    return out;
}

/* ---- what the peer sends */

static void write_init(struct stage *stage, const struct spelled *chunk)
{
    struct script *s = &stage->s;
    struct wrd_sctp_init init = {
        .tag = SCRIPT_TAG, .a_rwnd = s->rwnd, .streams_out = 100, .streams_in = 100, .tsn = wrd_tsn(SCRIPT_TSN)};
    if (strcmp(chunk->rest, "tag0") == 0)
        init.tag = 0;
    if (strcmp(chunk->rest, "out0") == 0)
        init.streams_out = 0;
    if (strcmp(chunk->rest, "in0") == 0)
        init.streams_in = 0;
    if (strcmp(chunk->rest, "short") == 0) {
        size_t start = script_chunk(s, chunk->type, 0);
        wrd_wr32(&s->wr, SCRIPT_TAG);
        script_chunk_end(s, start);
        return;
    }
    size_t start = wrd_sctp_init_begin(&s->wr, chunk->type, &init);
    unsigned long param = strtoul(chunk->rest, NULL, 16);
    if (strlen(chunk->rest) == 4 && param > 0xff)
        wrd_sctp_param_write(&s->wr, (uint16_t)param, "abcd", 4);
    if (chunk->type == WRD_SCTP_INIT_ACK && strcmp(chunk->rest, "nocookie") != 0)
        wrd_sctp_param_write(&s->wr, WRD_SCTP_PARAM_STATE_COOKIE, "abc", 3);
    script_chunk_end(s, start);
}

static void write_data(struct stage *stage, const struct spelled *chunk)
{
    uint32_t n = (uint32_t)strtoul(chunk->rest, NULL, 10);
    bool empty = strstr(chunk->rest, ",empty"), wild = strstr(chunk->rest, ",wild");
    uint8_t flags = strstr(chunk->rest, ",now") ? 11 : 3;
    script_data(&stage->s, SCRIPT_TSN + n, wild ? 50000 : 0, wild ? 0 : (uint16_t)n, flags, "data", empty ? 0 : 4);
}

static void write_sack(struct stage *stage, const struct spelled *chunk)
{
    unsigned n = 0, from = 0, to = 0;
    int read = sscanf(chunk->rest, "%u,%u-%u", &n, &from, &to);
    uint16_t gaps[] = {(uint16_t)from, (uint16_t)to, 0, 0};
    script_sack(&stage->s, stage->s.tsn - 1 + n, stage->s.rwnd, read == 3 ? gaps : NULL);
}

static void write_cookie_echo(struct stage *stage, const struct spelled *chunk)
{
    struct script *s = &stage->s;
    size_t start = script_chunk(s, WRD_SCTP_COOKIE_ECHO, 0);
    wrd_wr_bytes(&s->wr, s->cookie, s->cookie_len);
    if (strcmp(chunk->rest, "forged") == 0)
        s->wr.start[s->wr.len - 1] ^= 1;
    script_chunk_end(s, start);
}

static void write_other(struct stage *stage, const struct spelled *chunk)
{
    static const uint8_t stale[] = {0, WRD_SCTP_CAUSE_STALE_COOKIE, 0, 8, 0, 0, 0, 0};
    struct script *s = &stage->s;
    size_t start = script_chunk(s, chunk->type, chunk->flags);
    if (chunk->type == WRD_SCTP_SHUTDOWN)
        wrd_wr32(&s->wr, s->tsn - 1 + (uint32_t)strtoul(chunk->rest, NULL, 10));
    else if (chunk->type == WRD_SCTP_HEARTBEAT)
        wrd_sctp_param_write(&s->wr, 1, "are you there", 13);
    else if (chunk->type == WRD_SCTP_ERROR)
        wrd_wr_bytes(&s->wr, stale, sizeof stale);
    script_chunk_end(s, start);
}

static void write_chunk(struct stage *stage, const char *text)
{
    struct spelled chunk = spell(stage, text);
    switch (chunk.type) {
    case WRD_SCTP_INIT:
    case WRD_SCTP_INIT_ACK: write_init(stage, &chunk); break;
    case WRD_SCTP_DATA: write_data(stage, &chunk); break;
    case WRD_SCTP_SACK: write_sack(stage, &chunk); break;
    case WRD_SCTP_COOKIE_ECHO: write_cookie_echo(stage, &chunk); break;
    default: write_other(stage, &chunk); break;
    }
}

static void let_peer_send(struct stage *stage, const char *under, char *packet)
{
    uint32_t tag = stage->s.tag;
    if (strcmp(under, "<0") == 0 || strncmp(packet, "INIT", 5) == 0 || strncmp(packet, "INIT:", 5) == 0 ||
        strncmp(packet, "INIT+", 5) == 0)
        tag = 0;
    if (strcmp(under, "<peer") == 0)
        tag = SCRIPT_TAG;
    if (strcmp(under, "<bad") == 0)
        tag = 0x0bad0bad;
    script_begin(&stage->s, tag);
    for (char *next; packet; packet = next) {
        next = strchr(packet, '+');
        if (next)
            *next++ = 0;
        write_chunk(stage, packet);
    }
    script_send(&stage->s);
    stage->stale = true;
}

/* ---- what we send */

/* Tag, first TSN and cookie, which later chunks of the peer need. */
static void learn(struct stage *stage, uint8_t type, const struct wrd_sctp_chunk *chunk)
{
    struct script *s = &stage->s;
    if (type != WRD_SCTP_INIT && type != WRD_SCTP_INIT_ACK)
        return;
    s->tag = wrd_load32be(chunk->value.at);
    s->tsn = wrd_load32be(chunk->value.at + 12);
    struct wrd_reader params = wrd_rd(chunk->value.at + 16, chunk->value.left - 16);
    struct wrd_sctp_param param;
    while (wrd_sctp_param_next(&params, &param)) {
        if (param.type != WRD_SCTP_PARAM_STATE_COOKIE || param.value.left > sizeof s->cookie)
            continue;
        memcpy(s->cookie, param.value.at, param.value.left);
        s->cookie_len = param.value.left;
    }
}

static bool value_fits(const struct spelled *want, const struct wrd_sctp_chunk *chunk)
{
    const uint8_t *at = chunk->value.at;
    unsigned long n = strtoul(want->rest, NULL, 10);
    if (want->rest[0] == 0)
        return true;
    if (want->type == WRD_SCTP_ABORT || want->type == WRD_SCTP_ERROR)
        return chunk->value.left < 4 ? n == 0 : wrd_load16be(at) == n;
    if (want->type == WRD_SCTP_SHUTDOWN)
        return wrd_load32be(at) == SCRIPT_TSN - 1 + (uint32_t)n;
    unsigned cumulative = 0, gaps = 0, duplicates = 0;
    (void)sscanf(want->rest, "%u,%u,%u", &cumulative, &gaps, &duplicates);
    return wrd_load32be(at) == SCRIPT_TSN - 1 + cumulative && wrd_load16be(at + 8) == gaps &&
           wrd_load16be(at + 10) == duplicates;
}

static bool holds(struct stage *stage, size_t index, const char *packet)
{
    char text[200];
    (void)snprintf(text, sizeof text, "%s", packet);
    struct wrd_reader rest =
        wrd_rd(stage->s.out[index].bytes + WRD_SCTP_HEADER_SIZE, stage->s.out[index].len - WRD_SCTP_HEADER_SIZE);
    struct wrd_sctp_chunk chunk;
    char *name = text;
    while (wrd_sctp_chunk_next(&rest, &chunk)) {
        if (!name)
            return false;
        char *next = strchr(name, '+');
        if (next)
            *next++ = 0;
        struct spelled want = spell(stage, name);
        if (want.type != chunk.type || (want.flags & chunk.flags) != want.flags || !value_fits(&want, &chunk))
            return false;
        learn(stage, chunk.type, &chunk);
        name = next;
    }
    return name == NULL;
}

static void show(const struct stage *stage)
{
    print_error("%s: sent were:\n", stage->name);
    for (size_t i = 0; i < stage->s.out_count; i++) {
        struct wrd_reader rest =
            wrd_rd(stage->s.out[i].bytes + WRD_SCTP_HEADER_SIZE, stage->s.out[i].len - WRD_SCTP_HEADER_SIZE);
        struct wrd_sctp_chunk chunk;
        while (wrd_sctp_chunk_next(&rest, &chunk)) {
            print_error(" %u/%u", chunk.type, chunk.flags);
            for (size_t at = 0; at < chunk.value.left && at < 16; at++)
                print_error("%s%02x", at % 4 ? "" : " ", chunk.value.at[at]);
        }
        print_error("\n");
    }
}

static void expect(struct stage *stage, const char *how, const char *packet)
{
    if (stage->stale) {
        script_collect(&stage->s);
        stage->shown = 0;
        stage->stale = false;
    }
    if (strcmp(packet, "nothing") == 0) {
        if (stage->shown == stage->s.out_count)
            return;
        show(stage);
        wrong(stage, "something was sent");
    }
    bool any = strcmp(how, ">*") == 0;
    unsigned long count = how[1] && !any ? strtoul(how + 1, NULL, 10) : 1;
    while (any && stage->shown < stage->s.out_count && !holds(stage, stage->shown, packet))
        stage->shown++;
    for (; count > 0; count--, stage->shown++) {
        if (stage->shown < stage->s.out_count && holds(stage, stage->shown, packet))
            continue;
        show(stage);
        wrong(stage, "that was not sent");
    }
}

/* ---- the rest */

static void act(struct stage *stage, const char *word)
{
    struct script *s = &stage->s;
    const char *colon = strchr(word, ':');
    unsigned long n = colon ? strtoul(colon + 1, NULL, 10) : 0;
    stage->stale = true;
    if (strcmp(word, "connect") == 0) {
        wrd_sctp_connect(s->sctp, s->now);
    } else if (strcmp(word, "shutdown") == 0) {
        wrd_sctp_shutdown(s->sctp, s->now);
    } else if (strcmp(word, "abort") == 0) {
        wrd_sctp_abort(s->sctp, s->now);
    } else if (strncmp(word, "say:", 4) == 0) {
        script_say(s, 0, n);
    } else if (strncmp(word, "wait:", 5) == 0) {
        script_wait(s, n * WRD_MILLISECOND);
        stage->stale = false;
        stage->shown = 0;
    } else if (strncmp(word, "hear:", 5) == 0) {
        struct wrd_sctp_message message;
        for (; n > 0; n--) {
            if (!wrd_sctp_peek(s->sctp, &message))
                wrong(stage, "there is no such message");
            wrd_sctp_release(s->sctp, s->now);
        }
        if (wrd_sctp_peek(s->sctp, &message))
            wrong(stage, "there is another message");
    } else {
        wrong(stage, "no such word");
    }
}

static void play(const struct play *row)
{
    static struct stage stage;
    char words[1000];
    stage.name = row->name;
    stage.stale = true;
    stage.shown = 0;
    script_init(&stage.s, NULL);
    assert_true(strlen(row->words) < sizeof words);
    strcpy(words, row->words);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
        char mark = word[0];
        char *object = mark == '<' || mark == '>' || mark == '=' ? strtok(NULL, " ") : NULL;
        char copy[200];
        (void)snprintf(copy, sizeof copy, "%s %s", word, object ? object : "");
        stage.word = copy;
        if (mark == '<')
            let_peer_send(&stage, word, object);
        else if (mark == '>')
            expect(&stage, word, object);
        else if (mark != '=')
            act(&stage, word);
        else if (strcmp(object, states[script_state(&stage.s)]) != 0)
            wrong(&stage, states[script_state(&stage.s)]);
    }
    script_free(&stage.s);
}

void play_all(const struct play *plays, size_t count)
{
    for (size_t i = 0; i < count; i++)
        play(&plays[i]);
}
