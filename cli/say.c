/* SPDX-License-Identifier: MIT */
#include "cli/say.h"

#include <stdarg.h>
#include <stdio.h>

static const char *program = "wrd";

void say_as(const char *name)
{
    program = name;
}

void say(const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "%s: ", program);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

const char *say_safely(char *out, size_t size, const char *text)
{
    size_t len = 0;

    for (; text[len] != '\0' && len + 1 < size; len++) {
        unsigned char c = (unsigned char)text[len];
        /* C1 controls are two bytes in UTF-8, the second of which may not follow the first alone. */
        int is_c1 = len > 0 && (unsigned char)text[len - 1] == 0xc2 && c < 0xa0;
        if (is_c1) {
            out[len - 1] = '?';
        }
        out[len] = c < 0x20 || c == 0x7f || is_c1 ? '?' : text[len];
    }
    out[len] = '\0';
    return out;
}
