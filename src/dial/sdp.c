/* SPDX-License-Identifier: MIT */
#include "wrd/sdp.h"

#include "dial/words.h"

typedef struct wrd_dial_text text;

/* ICE wants at least this much of a ufrag and of a password (RFC 8839 5.4). */
#define UFRAG_MIN 4
#define PWD_MIN   22

static size_t left(const text *from)
{
    return (size_t)(from->end - from->at);
}

/* Takes the next line without its LF or CRLF; false when no text is left. */
static bool take_line(text *from, text *line)
{
    if (left(from) == 0)
        return false;
    *line = *from;
    while (from->at < from->end && *from->at != '\n')
        from->at++;
    line->end = from->at;
    if (from->at < from->end)
        from->at++;
    if (left(line) > 0 && line->end[-1] == '\r')
        line->end--;
    return true;
}

/* 1 to WRD_SDP_MID_MAX visible characters: it is copied into the answer, where a line end would forge lines. */
static bool is_mid(const char *mid, size_t len)
{
    if (len == 0 || len > WRD_SDP_MID_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (mid[i] <= ' ' || mid[i] > '~')
            return false;
    }
    return true;
}

/* Any number of digits; what is above 64 bits counts as the largest number. */
static bool take_size(text *line, uint64_t *out)
{
    uint64_t value = 0;
    bool has_digits = false;
    for (; line->at < line->end && *line->at >= '0' && *line->at <= '9'; line->at++) {
        value = value > (UINT64_MAX - 9) / 10 ? UINT64_MAX : value * 10 + (uint64_t)(*line->at - '0');
        has_digits = true;
    }
    *out = value;
    return has_digits && left(line) == 0;
}

static bool take_setup(text *line, wrd_dtls_setup *out)
{
    if (wrd_dial_take(line, "passive"))
        *out = WRD_SETUP_PASSIVE;
    else if (wrd_dial_take(line, "actpass"))
        *out = WRD_SETUP_ACTPASS;
    else if (wrd_dial_take(line, "active"))
        *out = WRD_SETUP_ACTIVE;
    else
        return false;
    return left(line) == 0;
}

static const char bad_sctp_port[] = "The value of a=sctp-port must be a number up to 65535.";

/* Reads what follows "a=" into `out`; unknown attributes are passed over. */
static void take_attribute(text *line, wrd_sdp *out)
{
    if (wrd_dial_take(line, "mid:")) {
        out->mid = line->at;
        out->mid_len = left(line);
        if (!is_mid(line->at, left(line)))
            wrd_dial_complain(line, "The value of a=mid must be 1 to 32 visible characters.");
    } else if (wrd_dial_take(line, "ice-ufrag:")) {
        out->ufrag = line->at;
        out->ufrag_len = left(line);
        if (!wrd_dial_is_ice_text(line->at, left(line), UFRAG_MIN))
            wrd_dial_complain(line, "The value of a=ice-ufrag must be 4 to 256 letters, digits, + or /.");
    } else if (wrd_dial_take(line, "ice-pwd:")) {
        out->pwd = line->at;
        out->pwd_len = left(line);
        if (!wrd_dial_is_ice_text(line->at, left(line), PWD_MIN))
            wrd_dial_complain(line, "The value of a=ice-pwd must be 22 to 256 letters, digits, + or /.");
    } else if (wrd_dial_take(line, "setup:")) {
        if (!take_setup(line, &out->setup))
            wrd_dial_complain(line, "The value of a=setup must be active, passive or actpass.");
    } else if (wrd_dial_take(line, "sctp-port:")) {
        out->sctp_port = (uint16_t)wrd_dial_take_number(line, UINT16_MAX, bad_sctp_port);
        if (left(line) > 0)
            wrd_dial_complain(line, bad_sctp_port);
    } else if (wrd_dial_take(line, "max-message-size:")) {
        if (!take_size(line, &out->max_message_size))
            wrd_dial_complain(line, "The value of a=max-message-size must be a number.");
    } else if (wrd_dial_take(line, "fingerprint:sha-256 ") || wrd_dial_take(line, "fingerprint:SHA-256 ")) {
        out->has_fingerprint = true;
        wrd_dial_take_fingerprint(line, &out->fingerprint);
    } else if (wrd_dial_take(line, "ice-lite") && left(line) == 0) {
        out->ice_lite = true;
    }
}

/* What stands above the first m= line holds for every section (RFC 8866 5.13), so both places are read into one. */
static void take_description(text *from, wrd_sdp *out)
{
    enum { SESSION, APPLICATION, OTHER } section = SESSION;
    text line = *from;
    if (!take_line(from, &line) || !wrd_dial_take(&line, "v=0") || left(&line) > 0)
        wrd_dial_complain(from, "That is not a session description: it must begin with a line v=0.");
    while (take_line(from, &line)) {
        if (wrd_dial_take(&line, "m=")) {
            if (section == APPLICATION)
                return;
            section = wrd_dial_take(&line, "application ") ? APPLICATION : OTHER;
        } else if (section != OTHER && wrd_dial_take(&line, "a=")) {
            take_attribute(&line, out);
        }
        if (line.complaint)
            wrd_dial_complain(from, line.complaint);
    }
    if (section != APPLICATION)
        wrd_dial_complain(from, "The description has no m=application section: create a data channel first.");
}

wrd_result wrd_sdp_parse(wrd_sdp *out, const char *start, size_t len, const char **why)
{
    wrd_sdp sdp = {.max_message_size = 65536};
    text from = wrd_dial_text(start, len);
    take_description(&from, &sdp);
    if (!from.complaint)
        *out = sdp;
    return wrd_dial_verdict(&from, why);
}

wrd_result wrd_sdp_set_ice_credentials(char *out, size_t cap, size_t *out_len, const char *start, size_t len,
                                       const wrd_ufrag *ufrag)
{
    struct wrd_writer wr = wrd_wr((uint8_t *)out, cap);
    text from = wrd_dial_text(start, len), line;
    bool has_ufrag = false, has_pwd = false;
    while (take_line(&from, &line)) {
        const char *line_start = line.at;
        bool is_ufrag = wrd_dial_take(&line, "a=ice-ufrag:");
        bool is_pwd = wrd_dial_take(&line, "a=ice-pwd:");
        if (is_ufrag || is_pwd) {
            wrd_dial_put_text(&wr, line_start, (size_t)(line.at - line_start));
            wrd_dial_put_text(&wr, ufrag->text, ufrag->len);
        } else {
            wrd_dial_put_text(&wr, line.at, left(&line));
        }
        wrd_dial_put(&wr, "\r\n");
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
 * The answer; `$` and a letter stand for what varies: F address family, I IP, P port, M mid, L the line of an ICE-lite
 * server, U ufrag and password, H fingerprint, S setup, Z message size. ice-lite is session-level only (RFC 8839 5.3);
 * the group answers the one that browsers offer, so its mid is the offer's (RFC 9143 7.3).
 */
static const char answer_form[] = "v=0\r\n"
                                  "o=- 0 0 IN IP$F $I\r\n"
                                  "s=-\r\n"
                                  "t=0 0\r\n"
                                  "a=group:BUNDLE $M\r\n"
                                  "$L"
                                  "m=application $P UDP/DTLS/SCTP webrtc-datachannel\r\n"
                                  "c=IN IP$F $I\r\n"
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

static const char setup_names[][8] = {
    [WRD_SETUP_PASSIVE] = "passive",
    [WRD_SETUP_ACTIVE] = "active",
    [WRD_SETUP_ACTPASS] = "actpass",
};

size_t wrd_sdp_answer(char *out, size_t cap, const wrd_address *address, const wrd_ufrag *ufrag,
                      const wrd_sdp_answer_options *options)
{
    static const wrd_sdp_answer_options defaults = {.size = sizeof defaults};
    if (!options)
        options = &defaults;
    const wrd_addr *addr = &address->addr;
    const char *mid = options->mid ? options->mid : "0";
    size_t mid_len = options->mid ? options->mid_len : 1;
    if (!is_mid(mid, mid_len) || options->setup > WRD_SETUP_ACTPASS)
        return 0;
    struct wrd_writer wr = wrd_wr((uint8_t *)out, cap);
    char fingerprint[WRD_FINGERPRINT_SDP_SIZE];
    wrd_fingerprint_sdp(&address->fingerprint, fingerprint);
    for (const char *at = answer_form; *at != '\0'; at++) {
        if (*at != '$') {
            wrd_dial_put8(&wr, *at);
            continue;
        }
        switch (*++at) {
        case 'F': wrd_dial_put8(&wr, addr->family == 6 ? '6' : '4'); break;
        case 'I': wrd_dial_put_ip(&wr, addr); break;
        case 'P': wrd_dial_put_number(&wr, addr->port, 10); break;
        case 'M': wrd_dial_put_text(&wr, mid, mid_len); break;
        case 'L': wrd_dial_put(&wr, options->no_ice_lite ? "" : "a=ice-lite\r\n"); break;
        case 'U': wrd_dial_put_text(&wr, ufrag->text, ufrag->len); break;
        case 'H': wrd_dial_put(&wr, fingerprint); break;
        case 'S': wrd_dial_put(&wr, setup_names[options->setup]); break;
        default:
            wrd_dial_put_number(&wr, options->max_message_size ? options->max_message_size : (uint32_t)WRD_MESSAGE_MAX,
                                10);
            break;
        }
    }
    return wr.bad ? 0 : wr.len;
}
