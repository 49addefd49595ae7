/* SPDX-License-Identifier: MIT */
/* Uses the protocol library alone. */
#include <stdio.h>
#include <string.h>

#include "wrd/fingerprint.h"

int main(void)
{
    static const char hex[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    wrd_fingerprint fingerprint;
    const char *why = "";
    if (wrd_fingerprint_parse(&fingerprint, hex, strlen(hex), &why) != WRD_OK) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    char again[WRD_FINGERPRINT_HEX_SIZE];
    wrd_fingerprint_hex(&fingerprint, again);
    puts(strcmp(hex, again) == 0 ? "the protocol library works" : "wrong digits");
    return strcmp(hex, again) != 0;
}
