/* SPDX-License-Identifier: MIT */
/* What the sanitizer of this build must report: a race under ThreadSanitizer, leaks under AddressSanitizer. */
#include <pthread.h>
#include <stdlib.h>

static volatile int shared;

static void *write_shared(void *count)
{
    shared = (int)(size_t)count;
    return NULL;
}

static void race(void)
{
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, write_shared, (void *)i) != 0)
            abort();
    for (size_t i = 0; i < 2; i++)
        (void)pthread_join(threads[i], NULL);
}

static void leak(void)
{
    static void *volatile lost;
    for (int i = 0; i < 8; i++) {
        lost = malloc(100);
        if (!lost)
            abort();
    }
    lost = NULL;
}

int main(void)
{
    race();
    leak();
    return 0;
}
