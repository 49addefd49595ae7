/* SPDX-License-Identifier: MIT */
/* The files inside the program; assets.c is written by embed.cmake. */
#ifndef WRD_CLI_ASSETS_H
#define WRD_CLI_ASSETS_H

#include <stdbool.h>
#include <stddef.h>

struct asset {
    const char *path;           /* of the URL, with its slash */
    const char *type;           /* Content-Type */
    const unsigned char *bytes; /* NULL: was not there when the program was built */
    size_t len;
    bool of_page, of_status; /* served with the page, with the numbers */
};

extern const struct asset assets[];
extern const size_t asset_count;

#endif
