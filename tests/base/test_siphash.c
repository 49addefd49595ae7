/* SPDX-License-Identifier: MIT */
#include "base/siphash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Key 00..0f and input 00..0e: the example of the SipHash paper, appendix A. */
static void hashes_the_papers_example(void **state)
{
    (void)state;
    uint8_t key[16], input[15];
    for (uint8_t i = 0; i < 16; i++)
        key[i] = i;
    for (uint8_t i = 0; i < 15; i++)
        input[i] = i;
    assert_true(wrd_siphash(key, input, sizeof input) == 0xa129ca6149be45e5u);
    assert_true(wrd_siphash(key, input, 0) == 0x726fdb47dd0e0e31u);
    assert_true(wrd_siphash(key, input, 8) == 0x93f5f5799a932462u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hashes_the_papers_example)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
