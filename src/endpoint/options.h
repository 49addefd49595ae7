/* SPDX-License-Identifier: MIT */
#ifndef WRD_ENDPOINT_OPTIONS_H
#define WRD_ENDPOINT_OPTIONS_H

#include "wrd/endpoint.h"

/* A copy with every default filled in and every range checked. */
wrd_result wrd_endpoint_options_complete(wrd_endpoint_options *out, const wrd_endpoint_options *options,
                                         const char **why);

#endif
