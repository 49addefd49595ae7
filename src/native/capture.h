/* SPDX-License-Identifier: MIT */
/*
 * A capture file of decrypted SCTP packets, which Wireshark opens: each as if it had travelled straight on IP, with the
 * addresses of its connection. The file holds what the peers said to each other: it is as secret as that.
 */
#ifndef WRD_NATIVE_CAPTURE_H
#define WRD_NATIVE_CAPTURE_H

#include "wrd/address.h"

#include <stdio.h>

struct wrd_capture {
    FILE *file;
};

/* Creates `path` for its owner alone, or empties it. WRD_SYSTEM: errno. */
wrd_result wrd_capture_open(struct wrd_capture *capture, const char *path);
/* Each packet is in the file when this returns, as far as the disk takes it. `unix_us`: when. */
void wrd_capture_packet(struct wrd_capture *capture, uint64_t unix_us, const wrd_addr *from, const wrd_addr *to,
                        const uint8_t *packet, size_t len);
void wrd_capture_close(struct wrd_capture *capture);

#endif
