/* SPDX-License-Identifier: MIT */
#include "cli/token_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/say.h"

bool token_read_hex(uint8_t *out, size_t count, const char *text)
{
    if (strspn(text, "0123456789abcdefABCDEF") < 2 * count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        unsigned byte;
        if (sscanf(text + 2 * i, "%2x", &byte) != 1) {
            return false;
        }
        out[i] = (uint8_t)byte;
    }
    return true;
}

/* "wt1", five bytes of time, the subject, and what only the key can read. */
bool token_read(wrd_token *out, const char *text)
{
    uint8_t bytes[5 + WRD_TOKEN_SUBJECT_SIZE];

    if (strlen(text) != WRD_TOKEN_LEN || strncmp(text, "wt1", 3) != 0 ||
        strspn(text + 3, "0123456789abcdefABCDEF") != WRD_TOKEN_LEN - 3 ||
        !token_read_hex(bytes, sizeof bytes, text + 3)) {
        return false;
    }
    out->expires = 0;
    for (size_t i = 0; i < 5; i++) {
        out->expires = out->expires << 8 | bytes[i];
    }
    memcpy(out->subject, bytes + 5, WRD_TOKEN_SUBJECT_SIZE);
    return true;
}

const char *token_time(char out[TOKEN_TIME_SIZE], uint64_t seconds)
{
    time_t time = (time_t)seconds;
    struct tm parts;

    if (gmtime_r(&time, &parts) == NULL || strftime(out, TOKEN_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        snprintf(out, TOKEN_TIME_SIZE, "in a year that has no name");
    }
    return out;
}

bool token_has_expired(const char *text, char expires[TOKEN_TIME_SIZE])
{
    wrd_token token;

    if (!token_read(&token, text) || token.expires > (uint64_t)time(NULL)) {
        return false;
    }
    if (expires != NULL) {
        token_time(expires, token.expires);
    }
    return true;
}

void token_warn(const char *text)
{
    char expires[TOKEN_TIME_SIZE];

    if (text != NULL && token_has_expired(text, expires)) {
        say("the token expired %s by this machine's clock: mint a new one. Trying all the same, for the server's clock "
            "decides.",
            expires);
    }
}
