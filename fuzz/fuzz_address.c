/* SPDX-License-Identifier: MIT */
/* Every text that a person or a page hands to the dial room: addresses, fingerprints, ufrags. What is read prints back.
 */
#include "wrd/address.h"
#include "wrd/ufrag.h"

#include "base/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A refusal says why. */
static bool is_good(wrd_result result, const char *const *why)
{
    WRD_ASSERT(result == WRD_OK || (result == WRD_INVALID && *why && (*why)[0] != '\0'));
    return result == WRD_OK;
}

static void check_addr(const char *text, size_t len)
{
    wrd_addr addr, back;
    const char *why = NULL;
    if (!is_good(wrd_addr_parse(&addr, text, len, true, &why), &why))
        return;
    char printed[WRD_ADDR_TEXT_SIZE], ip[WRD_ADDR_TEXT_SIZE];
    size_t printed_len = wrd_addr_text(&addr, printed);
    WRD_ASSERT(printed_len < sizeof printed && strlen(printed) == printed_len);
    WRD_ASSERT(wrd_addr_ip_text(&addr, ip) < printed_len);
    WRD_ASSERT(wrd_addr_parse(&back, printed, printed_len, true, NULL) == WRD_OK);
    WRD_ASSERT(memcmp(&back, &addr, sizeof addr) == 0 && wrd_addr_equal(&back, &addr));
    WRD_ASSERT((wrd_addr_parse(&back, text, len, false, NULL) == WRD_OK) == (addr.port != 0));
}

static void check_address(const char *text, size_t len)
{
    wrd_address address, back;
    const char *why = NULL;
    if (!is_good(wrd_address_parse(&address, text, len, &why), &why))
        return;
    char words[WRD_ADDRESS_TEXT_SIZE], multiaddr[WRD_ADDRESS_TEXT_SIZE];
    size_t words_len = wrd_address_text(&address, words), multiaddr_len = wrd_address_multiaddr(&address, multiaddr);
    WRD_ASSERT(strlen(words) == words_len && strlen(multiaddr) == multiaddr_len);
    WRD_ASSERT(wrd_address_parse(&back, words, words_len, NULL) == WRD_OK);
    WRD_ASSERT(memcmp(&back, &address, sizeof address) == 0);
    WRD_ASSERT(wrd_address_parse(&back, multiaddr, multiaddr_len, NULL) == WRD_OK);
    WRD_ASSERT(memcmp(&back, &address, sizeof address) == 0);
}

static void check_fingerprint(const char *text, size_t len)
{
    wrd_fingerprint fingerprint, back;
    const char *why = NULL;
    if (!is_good(wrd_fingerprint_parse(&fingerprint, text, len, &why), &why))
        return;
    char hex[WRD_FINGERPRINT_HEX_SIZE], sdp[WRD_FINGERPRINT_SDP_SIZE], certhash[WRD_FINGERPRINT_CERTHASH_SIZE];
    wrd_fingerprint_hex(&fingerprint, hex);
    wrd_fingerprint_sdp(&fingerprint, sdp);
    wrd_fingerprint_certhash(&fingerprint, certhash);
    const char *forms[] = {hex, sdp, certhash};
    for (size_t i = 0; i < 3; i++) {
        WRD_ASSERT(wrd_fingerprint_parse(&back, forms[i], strlen(forms[i]), NULL) == WRD_OK);
        WRD_ASSERT(memcmp(&back, &fingerprint, sizeof back) == 0);
    }
}

static void check_ufrag(const char *text, size_t len)
{
    wrd_ufrag ufrag, from_username;
    const char *why = NULL;
    bool good = is_good(wrd_ufrag_parse(&ufrag, text, len, &why), &why);
    WRD_ASSERT(!good || (ufrag.len == len && memcmp(ufrag.text, text, len) == 0));
    if (wrd_ufrag_from_stun_username(&from_username, (const uint8_t *)text, len) != WRD_OK)
        return;
    WRD_ASSERT(!good && from_username.len < len && text[from_username.len] == ':');
    WRD_ASSERT(wrd_ufrag_parse(&ufrag, text, from_username.len, NULL) == WRD_OK);
    WRD_ASSERT(wrd_ufrag_equal(&ufrag, &from_username));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    check_addr(text, size);
    check_address(text, size);
    check_fingerprint(text, size);
    check_ufrag(text, size);
    return 0;
}
