/* SPDX-License-Identifier: MIT */
/* What every backend behind dtls.h must do. */
#ifndef WRD_TESTS_DTLS_DOOR_H
#define WRD_TESTS_DTLS_DOOR_H

/* Each returns how many tests failed. */
int door_run_tests(const char *backend);
int identity_run_tests(const char *backend);

#endif
