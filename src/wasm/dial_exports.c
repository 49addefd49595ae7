/* SPDX-License-Identifier: MIT */
#include "wasm/wasm.h"

#include "wrd/sdp.h"

enum dial_result { DIAL_OK, DIAL_BAD_ADDRESS, DIAL_BAD_FINGERPRINT, DIAL_BAD_TOKEN };

WRD_EXPORT("dial")
const uint32_t *wrd_wasm_dial(const uint8_t *in, size_t text_len, size_t mid_len, size_t token_len);

/* Whether the address itself is right, so that the fault lies in the fingerprint. */
static bool is_fingerprint_fault(const char *text, size_t len)
{
    wrd_addr addr;
    size_t space = 0;
    while (space < len && text[space] != ' ')
        space++;
    return wrd_addr_parse(&addr, text, space, false, NULL) == WRD_OK;
}

static const uint32_t *answer(enum dial_result result, const char *text, size_t len)
{
    static uint32_t words[3];
    words[0] = result;
    words[1] = (uint32_t)(uintptr_t)text;
    words[2] = len;
    return words;
}

static const uint32_t *refuse(enum dial_result result, const char *why)
{
    size_t len = 0;
    while (why[len])
        len++;
    return answer(result, why, len);
}

/*
 * `in` holds 32 random bytes, the address in either form of address.h, the offer's mid and the token (both may be
 * empty). Answers the address of three words: DIAL_OK with the answer's SDP, or what was bad with a sentence; the
 * text's address and length. The text lives until the next call.
 */
const uint32_t *wrd_wasm_dial(const uint8_t *in, size_t text_len, size_t mid_len, size_t token_len)
{
    static char sdp[WRD_SDP_ANSWER_SIZE];
    const char *text = (const char *)in + WRD_UFRAG_RANDOM_SIZE;
    const char *mid = text + text_len;
    wrd_address address;
    wrd_ufrag ufrag;
    const char *why;
    if (wrd_address_parse(&address, text, text_len, &why) != WRD_OK)
        return refuse(is_fingerprint_fault(text, text_len) ? DIAL_BAD_FINGERPRINT : DIAL_BAD_ADDRESS, why);
    if (wrd_ufrag_for(&ufrag, mid + mid_len, token_len, in, &address.fingerprint) != WRD_OK)
        return refuse(DIAL_BAD_TOKEN, "The token must be 0-189 letters, digits, + or /.");
    wrd_sdp_answer_options options = {.size = sizeof options, .max_message_size = 262144};
    if (mid_len > 0) {
        options.mid = mid;
        options.mid_len = mid_len;
    }
    return answer(DIAL_OK, sdp, wrd_sdp_answer(sdp, sizeof sdp, &address, &ufrag, &options));
}
