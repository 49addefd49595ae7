/* SPDX-License-Identifier: MIT */
/* Do all tables of an endpoint tell the same of its connections? */
#ifndef WRD_TESTS_AUDIT_H
#define WRD_TESTS_AUDIT_H

#include "sim/world.h"

/* NULL: they do. Else what does not hold. For endpoints without siblings. */
const char *audit(const wrd_endpoint *endpoint);

#endif
