/* SPDX-License-Identifier: MIT */
/* /webrtc-info: what a page must know of its server. http.h says what is in it. */
#ifndef WRD_CLI_INFO_H
#define WRD_CLI_INFO_H

#include "wrd/server.h"

/* `bound` is what the server was told to listen on, with its port. Freed with free(); NULL when memory is short. */
char *info_text(const wrd_server *server, const wrd_addr *bound, wrd_mode mode);

#endif
