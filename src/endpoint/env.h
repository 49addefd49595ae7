/* SPDX-License-Identifier: MIT */
/* The environment with its missing members filled in: malloc, and the operating system's random source. */
#ifndef WRD_ENDPOINT_ENV_H
#define WRD_ENDPOINT_ENV_H

#include "wrd/base.h"

wrd_env wrd_env_complete(const wrd_env *env); /* NULL: everything by default */

#endif
