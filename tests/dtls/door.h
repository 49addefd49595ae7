/* SPDX-License-Identifier: MIT */
/* What every backend behind dtls.h must do. */
#ifndef WRD_TESTS_DTLS_DOOR_H
#define WRD_TESTS_DTLS_DOOR_H

/* Returns how many tests failed. */
int door_run_tests(const char *backend);

#endif
