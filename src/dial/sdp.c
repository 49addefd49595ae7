/* SPDX-License-Identifier: MIT */
#include "wrd/sdp.h"

#include "base/text.h"
#include "dial/words.h"

#define LITERAL WRD_DIAL_LITERAL

typedef struct wrd_dial_slice slice;

/* ICE wants at least this much of a ufrag and of a password (RFC 8839 5.4). */
#define UFRAG_MIN 4
#define PWD_MIN   22

/* Takes the next line without its LF or CRLF; false when no text is left. */
static bool take_line(slice *rest, slice *line)
{
    if (rest->len == 0)
        return false;
    *line = (slice){rest->text, 0};
    while (line->len < rest->len && rest->text[line->len] != '\n')
        line->len++;
    size_t taken = line->len < rest->len ? line->len + 1 : line->len;
    *rest = (slice){rest->text + taken, rest->len - taken};
    if (line->len > 0 && line->text[line->len - 1] == '\r')
        line->len--;
    return true;
}

/* 1 to WRD_SDP_MID_MAX visible characters: it is copied into the answer, where a line end would forge lines. */
static bool is_mid(slice mid)
{
    if (mid.len == 0 || mid.len > WRD_SDP_MID_MAX)
        return false;
    for (size_t i = 0; i < mid.len; i++) {
        if (mid.text[i] <= ' ' || mid.text[i] > '~')
            return false;
    }
    return true;
}

/* Any number of digits; what is above 64 bits counts as the largest number. */
static bool read_size(uint64_t *out, slice digits)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.text[i];
        if (c < '0' || c > '9')
            return false;
        value = value > (UINT64_MAX - 9) / 10 ? UINT64_MAX : value * 10 + (uint64_t)(c - '0');
    }
    *out = value;
    return digits.len > 0;
}

static bool read_setup(wrd_dtls_setup *out, slice value)
{
    if (wrd_dial_take(&value, LITERAL("passive")))
        *out = WRD_SETUP_PASSIVE;
    else if (wrd_dial_take(&value, LITERAL("actpass")))
        *out = WRD_SETUP_ACTPASS;
    else if (wrd_dial_take(&value, LITERAL("active")))
        *out = WRD_SETUP_ACTIVE;
    else
        return false;
    return value.len == 0;
}

/* Reads one "a=" line into `out`; other attributes are passed over. */
static const char *read_attribute(wrd_sdp *out, slice line)
{
    const char *why = NULL;
    if (wrd_dial_take(&line, LITERAL("mid:"))) {
        out->mid = line.text;
        out->mid_len = line.len;
        return is_mid(line) ? NULL : "The value of a=mid must be 1 to 32 visible characters.";
    }
    if (wrd_dial_take(&line, LITERAL("ice-ufrag:"))) {
        out->ufrag = line.text;
        out->ufrag_len = line.len;
        return wrd_dial_is_ice_text(line.text, line.len, UFRAG_MIN) ? NULL : "The value of a=ice-ufrag is malformed.";
    }
    if (wrd_dial_take(&line, LITERAL("ice-pwd:"))) {
        out->pwd = line.text;
        out->pwd_len = line.len;
        return wrd_dial_is_ice_text(line.text, line.len, PWD_MIN) ? NULL : "The value of a=ice-pwd is malformed.";
    }
    if (wrd_dial_take(&line, LITERAL("setup:")))
        return read_setup(&out->setup, line) ? NULL : "The value of a=setup must be active, passive or actpass.";
    if (wrd_dial_take(&line, LITERAL("sctp-port:"))) {
        uint32_t port = 0;
        if (!wrd_decimal_read(&port, line.text, line.len, UINT16_MAX))
            return "The value of a=sctp-port must be a number up to 65535.";
        out->sctp_port = (uint16_t)port;
        return NULL;
    }
    if (wrd_dial_take(&line, LITERAL("max-message-size:")))
        return read_size(&out->max_message_size, line) ? NULL : "The value of a=max-message-size must be a number.";
    slice hash = line;
    if (wrd_dial_take(&hash, LITERAL("fingerprint:sha-256 ")) ||
        wrd_dial_take(&hash, LITERAL("fingerprint:SHA-256 "))) {
        out->has_fingerprint = true;
        return wrd_fingerprint_parse(&out->fingerprint, hash.text, hash.len, &why) ? why : NULL;
    }
    if (wrd_dial_take(&line, LITERAL("ice-lite")) && line.len == 0)
        out->ice_lite = true;
    return NULL;
}

/* What stands above the first m= line holds for every section (RFC 8866 5.13), so both places are read into one. */
static const char *read_description(wrd_sdp *out, slice text)
{
    enum { SESSION, APPLICATION, OTHER } section = SESSION;
    slice line;
    if (!take_line(&text, &line) || line.len != 3 || !wrd_dial_take(&line, LITERAL("v=0")))
        return "That is not a session description: it must begin with a line v=0.";
    while (take_line(&text, &line)) {
        if (wrd_dial_take(&line, LITERAL("m="))) {
            if (section == APPLICATION)
                return NULL;
            section = wrd_dial_take(&line, LITERAL("application ")) ? APPLICATION : OTHER;
        }
        const char *complaint = NULL;
        if (section != OTHER && wrd_dial_take(&line, LITERAL("a=")))
            complaint = read_attribute(out, line);
        if (complaint)
            return complaint;
    }
    return section == APPLICATION ? NULL : "The description has no m=application section: create a data channel first.";
}

wrd_result wrd_sdp_parse(wrd_sdp *out, const char *text, size_t len, const char **why)
{
    wrd_sdp sdp = {.max_message_size = 65536};
    const char *complaint = read_description(&sdp, (slice){text, len});
    if (!complaint)
        *out = sdp;
    return wrd_dial_verdict(complaint, why);
}

wrd_result wrd_sdp_set_ice_credentials(char *out, size_t cap, size_t *out_len, const char *text, size_t len,
                                       const wrd_ufrag *ufrag)
{
    struct wrd_writer wr = wrd_wr((uint8_t *)out, cap);
    slice rest = {text, len}, line;
    bool has_ufrag = false, has_pwd = false;
    while (take_line(&rest, &line)) {
        slice value = line;
        bool is_ufrag = wrd_dial_take(&value, LITERAL("a=ice-ufrag:"));
        bool is_pwd = wrd_dial_take(&value, LITERAL("a=ice-pwd:"));
        if (is_ufrag || is_pwd) {
            wrd_wr_bytes(&wr, line.text, line.len - value.len);
            wrd_wr_bytes(&wr, ufrag->text, ufrag->len);
        } else {
            wrd_wr_bytes(&wr, line.text, line.len);
        }
        wrd_wr_bytes(&wr, LITERAL("\r\n"));
        has_ufrag |= is_ufrag;
        has_pwd |= is_pwd;
    }
    if (!has_ufrag || !has_pwd)
        return WRD_INVALID;
    if (wr.bad)
        return WRD_TOO_LARGE;
    *out_len = wr.len;
    return WRD_OK;
}

/*
 * The answer, with a mark for each part that varies: F address family, I IP, P port, M mid, U ufrag and password,
 * H fingerprint, S setup, Z message size. `<` and `>` enclose the line that only an ICE-lite server has; it is
 * session-level only (RFC 8839 5.3). The group is what browsers offer (RFC 9143); its mid must be the offer's.
 */
static const char answer_form[] = "v=0\r\n"
                                  "o=- 0 0 IN $F $I\r\n"
                                  "s=-\r\n"
                                  "t=0 0\r\n"
                                  "a=group:BUNDLE $M\r\n"
                                  "$<a=ice-lite\r\n$>"
                                  "m=application $P UDP/DTLS/SCTP webrtc-datachannel\r\n"
                                  "c=IN $F $I\r\n"
                                  "a=mid:$M\r\n"
                                  "a=ice-options:ice2\r\n"
                                  "a=ice-ufrag:$U\r\n"
                                  "a=ice-pwd:$U\r\n"
                                  "a=fingerprint:sha-256 $H\r\n"
                                  "a=setup:$S\r\n"
                                  "a=sctp-port:5000\r\n"
                                  "a=max-message-size:$Z\r\n"
                                  "a=candidate:1467250027 1 UDP 1467250027 $I $P typ host\r\n"
                                  "a=end-of-candidates\r\n";

struct answer {
    const wrd_address *address;
    const wrd_ufrag *ufrag;
    slice mid;
    wrd_dtls_setup setup;
    uint32_t max_message_size;
};

static void put_part(struct wrd_writer *wr, char mark, const struct answer *answer)
{
    wrd_addr addr = answer->address->addr;
    char text[WRD_FINGERPRINT_SDP_SIZE];
    switch (mark) {
    case 'F': wrd_wr_bytes(wr, addr.family == 6 ? "IP6" : "IP4", 3); break;
    case 'I':
        addr.scope = 0; /* a candidate has no zone */
        wrd_wr_bytes(wr, text, wrd_addr_ip_text(&addr, text));
        break;
    case 'P': wrd_dial_put_decimal(wr, addr.port); break;
    case 'M': wrd_wr_bytes(wr, answer->mid.text, answer->mid.len); break;
    case 'U': wrd_wr_bytes(wr, answer->ufrag->text, answer->ufrag->len); break;
    case 'H':
        wrd_fingerprint_sdp(&answer->address->fingerprint, text);
        wrd_wr_bytes(wr, text, sizeof text - 1);
        break;
    case 'S':
        if (answer->setup == WRD_SETUP_ACTIVE)
            wrd_wr_bytes(wr, LITERAL("active"));
        else if (answer->setup == WRD_SETUP_ACTPASS)
            wrd_wr_bytes(wr, LITERAL("actpass"));
        else
            wrd_wr_bytes(wr, LITERAL("passive"));
        break;
    default: wrd_dial_put_decimal(wr, answer->max_message_size); break;
    }
}

size_t wrd_sdp_answer(char *out, size_t cap, const wrd_address *address, const wrd_ufrag *ufrag,
                      const wrd_sdp_answer_options *options)
{
    struct answer answer = {address, ufrag, {LITERAL("0")}, WRD_SETUP_PASSIVE, (uint32_t)WRD_MESSAGE_MAX};
    bool ice_lite = !options || !options->no_ice_lite;
    if (options) {
        answer.setup = options->setup;
        if (options->mid)
            answer.mid = (slice){options->mid, options->mid_len};
        if (options->max_message_size != 0)
            answer.max_message_size = options->max_message_size;
    }
    if (!is_mid(answer.mid))
        return 0;
    struct wrd_writer wr = wrd_wr((uint8_t *)out, cap);
    bool shown = true;
    for (const char *at = answer_form; *at != '\0'; at++) {
        if (*at != '$') {
            if (shown)
                wrd_wr8(&wr, (uint8_t)*at);
            continue;
        }
        at++;
        if (*at == '<')
            shown = ice_lite;
        else if (*at == '>')
            shown = true;
        else
            put_part(&wr, *at, &answer);
    }
    return wr.bad ? 0 : wr.len;
}
