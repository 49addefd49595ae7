/* SPDX-License-Identifier: MIT */
#ifndef WRD_BASE_EARLIER_H
#define WRD_BASE_EARLIER_H

#include "wrd/base.h"

static inline wrd_time wrd_earlier(wrd_time a, wrd_time b)
{
    return a < b ? a : b;
}

#endif
