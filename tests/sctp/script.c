/* SPDX-License-Identifier: MIT */
#include "script.h"

#include <string.h>

void script_init(struct script *s, const struct wrd_sctp_options *options)
{
    memset(s, 0, sizeof *s);
    lab_env_init(&s->env, 99);
    s->now = 10 * WRD_SECOND;
    s->rwnd = 1 << 20;
    s->sctp = wrd_sctp_new(options, &s->env.env);
    assert_non_null(s->sctp);
}

void script_free(struct script *s)
{
    wrd_sctp_audit(s->sctp);
    wrd_sctp_free(s->sctp);
    assert_int_equal(s->env.live, 0);
}

void script_begin(struct script *s, uint32_t tag)
{
    s->wr = wrd_wr(s->bytes, sizeof s->bytes);
    wrd_sctp_packet_begin(&s->wr, 5000, tag);
}

void script_send(struct script *s)
{
    assert_false(s->wr.bad);
    wrd_sctp_packet_end(&s->wr, wrd_crc32c_by_table);
    wrd_sctp_receive(s->sctp, s->now, s->bytes, s->wr.len);
    wrd_sctp_audit(s->sctp);
}

size_t script_chunk(struct script *s, uint8_t type, uint8_t flags)
{
    return wrd_sctp_chunk_begin(&s->wr, type, flags);
}

void script_chunk_end(struct script *s, size_t start)
{
    wrd_sctp_chunk_end(&s->wr, start);
}

void script_plain(struct script *s, uint8_t type, uint8_t flags)
{
    wrd_sctp_plain_write(&s->wr, type, flags);
}

void script_data(struct script *s, uint32_t tsn, uint16_t stream, uint16_t ssn, uint8_t flags, const void *bytes,
                 size_t len)
{
    size_t start = script_chunk(s, WRD_SCTP_DATA, flags);
    wrd_wr32(&s->wr, tsn);
    wrd_wr16(&s->wr, stream);
    wrd_wr16(&s->wr, ssn);
    wrd_wr32(&s->wr, 53);
    wrd_wr_bytes(&s->wr, bytes, len);
    script_chunk_end(s, start);
}

void script_send_data(struct script *s, uint32_t tsn, uint16_t stream, uint16_t ssn, uint8_t flags, const char *text)
{
    script_begin(s, s->tag);
    script_data(s, tsn, stream, ssn, flags, text, strlen(text));
    script_send(s);
}

void script_i_data(struct script *s, uint32_t tsn, uint16_t stream, uint32_t mid, uint32_t fsn, uint8_t flags,
                   const void *bytes, size_t len)
{
    size_t start = script_chunk(s, WRD_SCTP_I_DATA, flags);
    wrd_wr32(&s->wr, tsn);
    wrd_wr16(&s->wr, stream);
    wrd_wr16(&s->wr, 0);
    wrd_wr32(&s->wr, mid);
    wrd_wr32(&s->wr, flags & WRD_SCTP_BEGIN ? 53 : fsn);
    wrd_wr_bytes(&s->wr, bytes, len);
    script_chunk_end(s, start);
}

void script_send_i_data(struct script *s, uint32_t tsn, uint16_t stream, uint32_t mid, uint32_t fsn, uint8_t flags,
                        const char *text)
{
    script_begin(s, s->tag);
    script_i_data(s, tsn, stream, mid, fsn, flags, text, strlen(text));
    script_send(s);
}

void script_sack(struct script *s, uint32_t cumulative, uint32_t rwnd, const uint16_t *gaps)
{
    uint16_t count = 0;
    while (gaps && gaps[2 * count])
        count++;
    size_t start = script_chunk(s, WRD_SCTP_SACK, 0);
    wrd_wr32(&s->wr, cumulative);
    wrd_wr32(&s->wr, rwnd);
    wrd_wr16(&s->wr, count);
    wrd_wr16(&s->wr, 0);
    for (uint16_t i = 0; i < 2 * count; i++)
        wrd_wr16(&s->wr, gaps[i]);
    script_chunk_end(s, start);
}

void script_send_sack(struct script *s, uint32_t cumulative, const uint16_t *gaps)
{
    script_begin(s, s->tag);
    script_sack(s, cumulative, s->rwnd, gaps);
    script_send(s);
}

void script_init_chunk(struct script *s, uint8_t type, uint32_t tag, uint32_t tsn)
{
    struct wrd_sctp_init init = {
        .tag = tag, .a_rwnd = s->rwnd, .streams_out = 100, .streams_in = 100, .tsn = wrd_tsn(tsn)};
    size_t start = wrd_sctp_init_begin(&s->wr, type, &init);
    if (type == WRD_SCTP_INIT_ACK)
        wrd_sctp_param_write(&s->wr, WRD_SCTP_PARAM_STATE_COOKIE, "abc", 3);
    script_chunk_end(s, start);
}

void script_send_init(struct script *s, uint32_t tag, uint32_t tsn)
{
    script_begin(s, 0);
    script_init_chunk(s, WRD_SCTP_INIT, tag, tsn);
    script_send(s);
    script_take_init_ack(s);
}

void script_take_init_ack(struct script *s)
{
    script_collect(s);
    struct script_chunk ack;
    if (!script_find(s, WRD_SCTP_INIT_ACK, 0, &ack))
        return;
    s->tag = script_word(&ack, 0);
    s->tsn = script_word(&ack, 12);
    struct wrd_reader params = wrd_rd(ack.value + 16, ack.len - 16);
    struct wrd_sctp_param param;
    while (wrd_sctp_param_next(&params, &param)) {
        if (param.type == WRD_SCTP_PARAM_STATE_COOKIE) {
            assert_true(param.value.left <= sizeof s->cookie);
            memcpy(s->cookie, param.value.at, param.value.left);
            s->cookie_len = param.value.left;
        }
    }
}

void script_echo(struct script *s)
{
    script_begin(s, s->tag);
    size_t start = script_chunk(s, WRD_SCTP_COOKIE_ECHO, 0);
    wrd_wr_bytes(&s->wr, s->cookie, s->cookie_len);
    script_chunk_end(s, start);
}

void script_collect(struct script *s)
{
    s->out_count = 0;
    size_t len;
    while ((len = wrd_sctp_transmit(s->sctp, s->now, s->out[s->out_count].bytes, WRD_SCTP_PACKET_MAX)) > 0) {
        struct wrd_sctp_packet packet;
        assert_true(wrd_sctp_packet_read(&packet, wrd_crc32c_by_table, s->out[s->out_count].bytes, len));
        assert_int_equal(len % 4, 0);
        s->out[s->out_count].len = len;
        s->out[s->out_count].tag = packet.tag;
        s->out_count++;
        assert_true(s->out_count < SCRIPT_PACKETS);
    }
    wrd_sctp_audit(s->sctp);
}

bool script_find(const struct script *s, uint8_t type, unsigned n, struct script_chunk *found)
{
    for (size_t i = 0; i < s->out_count; i++) {
        struct wrd_reader chunks = wrd_rd(s->out[i].bytes + WRD_SCTP_HEADER_SIZE, s->out[i].len - WRD_SCTP_HEADER_SIZE);
        struct wrd_sctp_chunk chunk;
        while (wrd_sctp_chunk_next(&chunks, &chunk)) {
            if (chunk.type != type || n-- > 0)
                continue;
            *found = (struct script_chunk){
                .type = type, .flags = chunk.flags, .len = chunk.value.left, .value = chunk.value.at};
            return true;
        }
    }
    return false;
}

bool script_has(const struct script *s, uint8_t type)
{
    struct script_chunk chunk;
    return script_find(s, type, 0, &chunk);
}

unsigned script_count(const struct script *s, uint8_t type)
{
    struct script_chunk chunk;
    unsigned count = 0;
    while (script_find(s, type, count, &chunk))
        count++;
    return count;
}

void script_wait(struct script *s, wrd_time time)
{
    wrd_time until = s->now + time;
    size_t kept = 0;
    s->out_count = 0;
    for (;;) {
        wrd_time deadline = wrd_sctp_deadline(s->sctp);
        bool last = deadline > until;
        s->now = last ? until : deadline > s->now ? deadline : s->now;
        wrd_sctp_expire(s->sctp, s->now);
        wrd_sctp_audit(s->sctp);
        size_t len;
        while ((len = wrd_sctp_transmit(s->sctp, s->now, s->out[kept].bytes, WRD_SCTP_PACKET_MAX)) > 0) {
            s->out[kept].len = len;
            s->out[kept].tag = wrd_load32be(s->out[kept].bytes + 4);
            kept++;
            assert_true(kept < SCRIPT_PACKETS);
        }
        if (last)
            break;
    }
    s->out_count = kept;
}

void script_open(struct script *s)
{
    script_send_init(s, SCRIPT_TAG, SCRIPT_TSN);
    script_echo(s);
    script_send(s);
    assert_int_equal(script_state(s), WRD_SCTP_ESTABLISHED);
    script_collect(s);
    assert_true(script_has(s, WRD_SCTP_COOKIE_ACK));
}

void script_answer_init(struct script *s)
{
    wrd_sctp_connect(s->sctp, s->now);
    script_collect(s);
    struct script_chunk init;
    assert_true(script_find(s, WRD_SCTP_INIT, 0, &init));
    assert_int_equal(s->out[0].tag, 0);
    s->tag = script_word(&init, 0);
    s->tsn = script_word(&init, 12);
    script_begin(s, s->tag);
    script_init_chunk(s, WRD_SCTP_INIT_ACK, SCRIPT_TAG, SCRIPT_TSN);
    script_send(s);
    assert_int_equal(script_state(s), WRD_SCTP_COOKIE_ECHOED);
}

void script_say(struct script *s, uint16_t stream, size_t len)
{
    static uint8_t bytes[WRD_MESSAGE_MAX];
    for (size_t i = 0; i < len && i < 65536; i++)
        bytes[i] = (uint8_t)(i * 7);
    struct wrd_sctp_message message = {.stream = stream, .ppid = 53, .data = bytes, .len = len};
    assert_int_equal(wrd_sctp_send(s->sctp, s->now, &message), WRD_OK);
}

void script_hear(struct script *s, const char *text)
{
    struct wrd_sctp_message message;
    assert_true(wrd_sctp_peek(s->sctp, &message));
    assert_false(message.ends_stream);
    assert_int_equal(message.len, strlen(text));
    assert_memory_equal(message.data, text, message.len);
    wrd_sctp_release(s->sctp, s->now);
}

void script_hear_end(struct script *s, uint16_t stream)
{
    struct wrd_sctp_message message;
    assert_true(wrd_sctp_peek(s->sctp, &message));
    assert_true(message.ends_stream);
    assert_int_equal(message.stream, stream);
    assert_int_equal(message.len, 0);
    assert_non_null(message.data);
    wrd_sctp_release(s->sctp, s->now);
}

bool script_hears_nothing(struct script *s)
{
    struct wrd_sctp_message message;
    return !wrd_sctp_peek(s->sctp, &message);
}

enum wrd_sctp_state script_state(const struct script *s)
{
    return wrd_sctp_state(s->sctp);
}

uint32_t script_word(const struct script_chunk *chunk, size_t at)
{
    assert_true(at + 4 <= chunk->len);
    return wrd_load32be(chunk->value + at);
}
