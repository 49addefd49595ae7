/* SPDX-License-Identifier: MIT */
/* A session description from the page: read, amended, and answered. What we write reads back as it was meant. */
#include "wrd/sdp.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_slice(const char *slice, size_t len, const char *text, size_t text_len)
{
    return slice && len == text_len && memcmp(slice, text, len) == 0;
}

static bool lies_inside(const char *slice, size_t len, const char *text, size_t text_len)
{
    return !slice || (slice >= text && slice + len <= text + text_len);
}

/* The answer that copies what this offer says. */
static void check_answer(const wrd_sdp *offer, const wrd_ufrag *ufrag)
{
    wrd_address address = {.addr = {.ip = {0x20, 0x01, 0x0d, 0xb8}, .port = 3478, .family = 6},
                           .fingerprint = offer->fingerprint};
    wrd_sdp_answer_options options = {.size = sizeof options,
                                      .mid = offer->mid,
                                      .mid_len = offer->mid_len,
                                      .setup = offer->setup,
                                      .no_ice_lite = offer->ice_lite,
                                      .max_message_size = (uint32_t)offer->max_message_size};
    char out[WRD_SDP_ANSWER_SIZE];
    wrd_sdp answer;
    size_t len = wrd_sdp_answer(out, sizeof out, &address, ufrag, &options);
    WRD_ASSERT(len > 0);
    WRD_ASSERT(wrd_sdp_parse(&answer, out, len, NULL) == WRD_OK);
    WRD_ASSERT(is_slice(answer.mid, answer.mid_len, offer->mid ? offer->mid : "0", offer->mid ? offer->mid_len : 1));
    WRD_ASSERT(is_slice(answer.ufrag, answer.ufrag_len, ufrag->text, ufrag->len));
    WRD_ASSERT(is_slice(answer.pwd, answer.pwd_len, ufrag->text, ufrag->len));
    WRD_ASSERT(answer.setup == offer->setup && answer.ice_lite == !offer->ice_lite);
    WRD_ASSERT(memcmp(&answer.fingerprint, &offer->fingerprint, sizeof answer.fingerprint) == 0);
}

static void check_amended(const char *text, size_t size, const wrd_ufrag *ufrag)
{
    size_t cap = 1 + size * (1 + ufrag->len), len = 0, again_len = 0;
    char *out = malloc(cap), *again = malloc(cap);
    WRD_ASSERT(out && again);
    if (wrd_sdp_set_ice_credentials(out, cap, &len, text, size, ufrag) == WRD_OK) {
        WRD_ASSERT(wrd_sdp_set_ice_credentials(again, len, &again_len, out, len, ufrag) == WRD_OK);
        WRD_ASSERT(again_len == len && memcmp(again, out, len) == 0);
        WRD_ASSERT(wrd_sdp_set_ice_credentials(again, len - 1, &again_len, out, len, ufrag) == WRD_TOO_LARGE);
        wrd_sdp sdp;
        if (wrd_sdp_parse(&sdp, out, len, NULL) == WRD_OK)
            WRD_ASSERT(!sdp.ufrag || is_slice(sdp.ufrag, sdp.ufrag_len, ufrag->text, ufrag->len));
    }
    free(out);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *why = NULL;
    wrd_ufrag ufrag;
    wrd_ufrag_from_random(&ufrag, (const uint8_t *)"0123456789abcdef0123456789abcdef");
    wrd_sdp sdp;
    if (wrd_sdp_parse(&sdp, text, size, &why) == WRD_OK) {
        WRD_ASSERT(lies_inside(sdp.mid, sdp.mid_len, text, size));
        WRD_ASSERT(lies_inside(sdp.ufrag, sdp.ufrag_len, text, size));
        WRD_ASSERT(lies_inside(sdp.pwd, sdp.pwd_len, text, size));
        check_answer(&sdp, &ufrag);
    } else {
        WRD_ASSERT(why && why[0] != '\0');
    }
    check_amended(text, size, &ufrag);
    return 0;
}
