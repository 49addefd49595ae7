/* SPDX-License-Identifier: MIT */
/* The simulator's stand-in must behave as the real backend does. Linked with dtls_null.c instead of the room's objects.
 */
#include "tests/dtls/door.h"

int main(void)
{
    return door_run_tests("dtls_null: the door") + identity_run_tests("dtls_null: identities");
}
