/* SPDX-License-Identifier: MIT */
/* The command line of `wrd serve`. */
#ifndef WRD_CLI_SERVE_OPTIONS_H
#define WRD_CLI_SERVE_OPTIONS_H

#include "wrd/server.h"

struct serve_options {
    const char *listen;
    const char *http, *metrics;   /* where pages and numbers are served; NULL: nowhere */
    const char *key, *second_key; /* files; NULL: none */
    const char *token_keys[WRD_TOKEN_KEYS_MAX];
    size_t token_key_count;
    wrd_server_options server; /* all but the keys; the limits as given, for all threads together */
    int drain_s;
    bool bench; /* `wrd bench` is going to ask for more than echoes */
    bool verbose, json;
};

/* True when the command shall run; otherwise `*code` is its exit code, and a person has been told. */
bool serve_options_read(struct serve_options *out, int argc, char **argv, int *code);
/* The memory limit of each of the threads, from that of all of them. */
void serve_options_share_memory(wrd_server_options *all);

#endif
