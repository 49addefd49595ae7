/* SPDX-License-Identifier: MIT */
/*
 * Files for finding faults: a capture of decrypted SCTP packets that Wireshark opens, each as if it had travelled
 * straight on IP, and the session secrets in the form of an SSLKEYLOGFILE. They are as secret as what the peers say.
 */
#ifndef WRD_NATIVE_TRACE_H
#define WRD_NATIVE_TRACE_H

#include "wrd/endpoint.h"

#include <stdio.h>

struct wrd_trace_files {
    FILE *capture, *keys;
    wrd_addr local; /* for paths that do not know theirs */
    wrd_trace trace;
};

/* Either name may be NULL. The capture is emptied, keys are added to what the file has; new files are their owner's
 * alone. WRD_SYSTEM: errno, and `*why` says which. */
wrd_result wrd_trace_open(struct wrd_trace_files *files, const char *capture_file, const char *key_log_file,
                          const char **why);
void wrd_trace_close(struct wrd_trace_files *files);

#endif
