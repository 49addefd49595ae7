/* SPDX-License-Identifier: MIT */
#include "sctp/chunk.h"

#include "sctp/param.h"

/* Top bits of an unknown parameter's type: skip it rather than stop, and report it (RFC 9260 3.2.1). */
#define PARAM_SKIP   0x8000
#define PARAM_REPORT 0x4000

bool wrd_sctp_data_read(struct wrd_sctp_data *data, const struct wrd_sctp_chunk *chunk)
{
    struct wrd_reader rd = chunk->value;
    bool interleaved = chunk->type == WRD_SCTP_I_DATA;
    bool begins = chunk->flags & WRD_SCTP_BEGIN;
    data->tsn = wrd_tsn(wrd_rd32(&rd));
    data->stream = wrd_rd16(&rd);
    data->ssn = (struct wrd_ssn){wrd_rd16(&rd)};
    data->mid = interleaved ? wrd_rd32(&rd) : 0;
    uint32_t last = wrd_rd32(&rd);
    data->ppid = interleaved && !begins ? 0 : last;
    data->fsn = interleaved && !begins ? last : 0;
    data->flags = chunk->flags;
    data->len = rd.left;
    data->bytes = rd.at;
    return !rd.bad;
}

bool wrd_sctp_sack_read(struct wrd_sctp_sack *sack, const struct wrd_sctp_chunk *chunk)
{
    struct wrd_reader rd = chunk->value;
    sack->cumulative = wrd_tsn(wrd_rd32(&rd));
    sack->a_rwnd = wrd_rd32(&rd);
    sack->gap_count = wrd_rd16(&rd);
    sack->duplicate_count = wrd_rd16(&rd);
    sack->gaps = wrd_rd_bytes(&rd, sack->gap_count * 4);
    (void)wrd_rd_bytes(&rd, sack->duplicate_count * 4);
    return !rd.bad;
}

/* Error detection by DTLS (RFC 9653 6). */
#define EDMID_DTLS 1

static void note_extensions(struct wrd_sctp_init *init, struct wrd_reader types)
{
    while (types.left > 0) {
        uint8_t type = wrd_rd8(&types);
        if (type == WRD_SCTP_RE_CONFIG)
            init->reconfig = true;
        else if (type == WRD_SCTP_FORWARD_TSN)
            init->forward_tsn = true;
        else if (type == WRD_SCTP_I_DATA)
            init->interleaving = true;
        else if (type == WRD_SCTP_I_FORWARD_TSN)
            init->i_forward_tsn = true;
    }
}

/* False when the rest of the list is not to be read. */
static bool note_param(struct wrd_sctp_init *init, const struct wrd_sctp_param *param, struct wrd_writer *unrecognized)
{
    switch (param->type) {
    case WRD_SCTP_PARAM_STATE_COOKIE:
        init->cookie = param->value.at;
        init->cookie_len = param->value.left;
        return true;
    case WRD_SCTP_PARAM_FORWARD_TSN: init->forward_tsn = true; return true;
    case WRD_SCTP_PARAM_ZERO_CHECKSUM:
        if (param->value.left == 4 && wrd_load32be(param->value.at) == EDMID_DTLS)
            init->zero_checksum = true;
        return true;
    case WRD_SCTP_PARAM_SUPPORTED_EXTENSIONS: note_extensions(init, param->value); return true;
    case WRD_SCTP_PARAM_IPV4:
    case WRD_SCTP_PARAM_IPV6:
    case WRD_SCTP_PARAM_UNRECOGNIZED:
    case WRD_SCTP_PARAM_COOKIE_PRESERVATIVE:
    case WRD_SCTP_PARAM_ADDRESS_TYPES:
    case WRD_SCTP_PARAM_ADAPTATION: return true; /* without meaning over DTLS (RFC 8261 6.1) */
    default: break;
    }
    size_t padded = (param->whole_len + 3) & ~(size_t)3;
    if (param->type & PARAM_REPORT && padded <= unrecognized->cap - unrecognized->len)
        wrd_sctp_param_write(unrecognized, param->type, param->value.at, param->value.left);
    return param->type & PARAM_SKIP;
}

bool wrd_sctp_init_read(struct wrd_sctp_init *init, const struct wrd_sctp_chunk *chunk, struct wrd_writer *unrecognized)
{
    memset(init, 0, sizeof *init);
    struct wrd_reader rd = chunk->value;
    init->tag = wrd_rd32(&rd);
    init->a_rwnd = wrd_rd32(&rd);
    init->streams_out = wrd_rd16(&rd);
    init->streams_in = wrd_rd16(&rd);
    init->tsn = wrd_tsn(wrd_rd32(&rd));
    if (rd.bad)
        return false;
    struct wrd_sctp_param param;
    while (wrd_sctp_param_next(&rd, &param)) {
        if (!note_param(init, &param, unrecognized))
            break;
    }
    return !rd.bad;
}

void wrd_sctp_data_write_header(uint8_t out[WRD_SCTP_DATA_HEADER_SIZE], const struct wrd_sctp_data *data)
{
    out[0] = WRD_SCTP_DATA;
    out[1] = data->flags;
    wrd_store16be(out + 2, (uint16_t)(WRD_SCTP_DATA_HEADER_SIZE + data->len));
    wrd_store32be(out + 4, data->tsn.v);
    wrd_store16be(out + 8, data->stream);
    wrd_store16be(out + 10, data->ssn.v);
    wrd_store32be(out + 12, data->ppid);
}

void wrd_sctp_i_data_write_header(uint8_t out[WRD_SCTP_I_DATA_HEADER_SIZE], const struct wrd_sctp_data *data)
{
    out[0] = WRD_SCTP_I_DATA;
    out[1] = data->flags;
    wrd_store16be(out + 2, (uint16_t)(WRD_SCTP_I_DATA_HEADER_SIZE + data->len));
    wrd_store32be(out + 4, data->tsn.v);
    wrd_store16be(out + 8, data->stream);
    wrd_store16be(out + 10, 0);
    wrd_store32be(out + 12, data->mid);
    wrd_store32be(out + 16, data->flags & WRD_SCTP_BEGIN ? data->ppid : data->fsn);
}

size_t wrd_sctp_init_begin(struct wrd_writer *wr, uint8_t type, const struct wrd_sctp_init *init)
{
    static const uint8_t extensions[] = {WRD_SCTP_RE_CONFIG, WRD_SCTP_FORWARD_TSN, WRD_SCTP_I_DATA,
                                         WRD_SCTP_I_FORWARD_TSN};
    size_t start = wrd_sctp_chunk_begin(wr, type, 0);
    wrd_wr32(wr, init->tag);
    wrd_wr32(wr, init->a_rwnd);
    wrd_wr16(wr, init->streams_out);
    wrd_wr16(wr, init->streams_in);
    wrd_wr32(wr, init->tsn.v);
    wrd_sctp_param_write(wr, WRD_SCTP_PARAM_FORWARD_TSN, NULL, 0);
    wrd_sctp_param_write(wr, WRD_SCTP_PARAM_SUPPORTED_EXTENSIONS, extensions,
                         init->interleaving ? sizeof extensions : 2);
    if (init->zero_checksum) {
        size_t param = wrd_sctp_param_begin(wr, WRD_SCTP_PARAM_ZERO_CHECKSUM);
        wrd_wr32(wr, EDMID_DTLS);
        wrd_sctp_param_end(wr, param);
    }
    return start;
}

void wrd_sctp_plain_write(struct wrd_writer *wr, uint8_t type, uint8_t flags)
{
    wrd_sctp_chunk_end(wr, wrd_sctp_chunk_begin(wr, type, flags));
}

void wrd_sctp_shutdown_write(struct wrd_writer *wr, struct wrd_tsn cumulative)
{
    size_t start = wrd_sctp_chunk_begin(wr, WRD_SCTP_SHUTDOWN, 0);
    wrd_wr32(wr, cumulative.v);
    wrd_sctp_chunk_end(wr, start);
}

void wrd_sctp_abort_write(struct wrd_writer *wr, uint8_t flags, uint16_t cause, const void *value, size_t len)
{
    size_t start = wrd_sctp_chunk_begin(wr, WRD_SCTP_ABORT, flags);
    if (cause)
        wrd_sctp_param_write(wr, cause, value, len);
    wrd_sctp_chunk_end(wr, start);
}
