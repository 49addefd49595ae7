/* SPDX-License-Identifier: MIT */
/*
 * Files for finding faults: a capture of decrypted SCTP packets that Wireshark opens, each as if it had travelled
 * straight on IP, and the session secrets in the form of an SSLKEYLOGFILE. They are as secret as what the peers say.
 * One that cannot be written any more ends where it is, with whole packets or lines, and what is missing is counted. So
 * is what a pipe has no room for because its reader pauses; it goes on behind that. Nobody waits for a reader.
 */
#ifndef WRD_NATIVE_TRACE_H
#define WRD_NATIVE_TRACE_H

#include "wrd/endpoint.h"

#include <pthread.h>

struct wrd_trace_file {
    int fd;
    bool open, is_pipe;
    int error;     /* of the write that failed, the last one; 0: none did, or only for want of room in a pipe */
    uint64_t lost; /* packets or lines */
};

struct wrd_trace_files {
    pthread_mutex_t mutex; /* of both, which the loops of a server share */
    struct wrd_trace_file capture, keys;
    wrd_addr local; /* for paths that do not know theirs */
    wrd_trace trace;
};

/* Either name may be NULL. The capture is emptied, keys are added to what the file has; new files are their owner's
 * alone. WRD_SYSTEM: errno, and `*why` says which. */
wrd_result wrd_trace_open(struct wrd_trace_files *files, const char *capture_file, const char *key_log_file,
                          const char **why);
/* What became of both by now. Any thread. */
void wrd_trace_look(struct wrd_trace_files *files, struct wrd_trace_file *capture, struct wrd_trace_file *keys);
/* errno of why something is missing, EAGAIN for want of room in a pipe; 0: nothing is. */
int wrd_trace_error(const struct wrd_trace_file *file);
void wrd_trace_close(struct wrd_trace_files *files);

#endif
