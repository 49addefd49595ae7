/* SPDX-License-Identifier: MIT */
#include "tests/dtls/door.h"

int main(void)
{
    return door_run_tests("dtls_openssl");
}
