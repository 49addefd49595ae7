/* SPDX-License-Identifier: MIT */
/* What `wrd doctor` can tell before it sends anything: of the address, this machine's buffers, and the way there. */
#ifndef WRD_CLI_DOCTOR_PLACE_H
#define WRD_CLI_DOCTOR_PLACE_H

#include "cli/doctor_report.h"
#include "wrd/address.h"

/* Each answers false when nothing can work because of what it said. */
bool place_look(struct report *report, const wrd_addr *addr);
void place_buffers(struct report *report);
bool place_route(struct report *report, const wrd_addr *addr);

#endif
