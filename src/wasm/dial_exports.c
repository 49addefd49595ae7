/* SPDX-License-Identifier: MIT */
#include "wasm/wasm.h"

#include "wrd/sdp.h"

enum dial_result { DIAL_OK, DIAL_BAD_ADDRESS, DIAL_BAD_FINGERPRINT };

WRD_EXPORT("dial") uint32_t wrd_wasm_dial(const uint8_t *in, size_t text_len, size_t mid_len);

/* Whether the address itself is right, so that the fault lies in the fingerprint. */
static bool is_fingerprint_fault(const char *text, size_t len)
{
    wrd_addr addr;
    size_t space = 0;
    while (space < len && text[space] != ' ')
        space++;
    return wrd_addr_parse(&addr, text, space, false, NULL) == WRD_OK;
}

/*
 * `in` holds 32 random bytes, the address in either form of address.h, and the offer's mid (may be empty). Answers
 * DIAL_OK with the answer's SDP, or what was bad with a sentence; words: text, length. The text lives until the next
 * call.
 */
uint32_t wrd_wasm_dial(const uint8_t *in, size_t text_len, size_t mid_len)
{
    static char sdp[WRD_SDP_ANSWER_SIZE];
    const char *text = (const char *)in + WRD_UFRAG_RANDOM_SIZE;
    wrd_address address;
    const char *why;
    if (wrd_address_parse(&address, text, text_len, &why) != WRD_OK) {
        size_t len = 0;
        while (why[len])
            len++;
        wrd_wasm_words[0] = (uint32_t)(uintptr_t)why;
        wrd_wasm_words[1] = len;
        return is_fingerprint_fault(text, text_len) ? DIAL_BAD_FINGERPRINT : DIAL_BAD_ADDRESS;
    }
    wrd_ufrag ufrag;
    wrd_ufrag_from_random(&ufrag, in);
    wrd_sdp_answer_options options = {.size = sizeof options, .max_message_size = 262144};
    if (mid_len > 0) {
        options.mid = text + text_len;
        options.mid_len = mid_len;
    }
    wrd_wasm_words[0] = (uint32_t)(uintptr_t)sdp;
    wrd_wasm_words[1] = wrd_sdp_answer(sdp, sizeof sdp, &address, &ufrag, &options);
    return DIAL_OK;
}
