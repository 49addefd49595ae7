/* SPDX-License-Identifier: MIT */
/* The TCP socket of the HTTP side. */
#ifndef WRD_CLI_HTTP_LISTEN_H
#define WRD_CLI_HTTP_LISTEN_H

#include "wrd/address.h"

/* A non-blocking socket that listens on `addr`, or -1 with errno. */
int http_listen(const wrd_addr *addr);
/* The port that the system chose; 0 when it does not say. */
uint16_t http_bound_port(int fd);
/* Why `what` ("pages") cannot be served, for errno of http_listen(); `option` is what names the address. */
void http_say_listen_failed(const char *what, const char *option, const char *listen, int error);

#endif
