/* SPDX-License-Identifier: MIT */
/*
 * The datagram entry of the dtls room. The first byte chooses the end (bit 0: client), the stage (bit 1: open) and
 * whether the server asks for a certificate (bit 2); then come datagrams, each behind a 16-bit length. A length beyond
 * the input's end means the rest.
 */
#include "dtls/dtls.h"

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/crypto.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIENT = 1, OPEN = 2, ASK = 4, SCRATCH_SIZE = 17000 };

static void *platform_memory(void *user, void *old, size_t old_size, size_t new_size)
{
    (void)user;
    (void)old_size;
    if (new_size > 0)
        return realloc(old, new_size);
    free(old);
    return NULL;
}

static void drain(struct wrd_dtls *dtls, wrd_time now)
{
    uint8_t out[SCRATCH_SIZE];
    while (wrd_dtls_next(dtls, now, out, sizeof out) > 0)
        continue;
    size_t len = 0;
    while ((len = wrd_dtls_transmit(dtls, now, out, WRD_DTLS_MTU)) > 0)
        WRD_ASSERT(len <= WRD_DTLS_MTU);
}

static void shake_hands(struct wrd_dtls *client, struct wrd_dtls *server)
{
    struct wrd_dtls *ends[] = {client, server};
    for (int step = 0; step < 4; step++) {
        uint8_t bytes[WRD_DTLS_MTU], out[1];
        size_t len = wrd_dtls_transmit(ends[step & 1], 0, bytes, sizeof bytes);
        wrd_dtls_receive(ends[!(step & 1)], 0, bytes, len);
        WRD_ASSERT(wrd_dtls_next(ends[!(step & 1)], 0, out, sizeof out) == 0);
    }
    WRD_ASSERT(wrd_dtls_state(client) == WRD_DTLS_OPEN && wrd_dtls_state(server) == WRD_DTLS_OPEN);
}

static void feed(struct wrd_dtls *dtls, struct wrd_reader rd)
{
    for (wrd_time now = 0; rd.left > 0; now += WRD_SECOND / 2) {
        size_t len = wrd_rd16(&rd);
        len = len < rd.left ? len : rd.left;
        uint8_t *datagram = malloc(len ? len : 1);
        WRD_ASSERT(datagram);
        if (len > 0)
            memcpy(datagram, wrd_rd_bytes(&rd, len), len);
        (void)wrd_dtls_is_client_hello(datagram, len);
        wrd_dtls_receive(dtls, now, datagram, len);
        drain(dtls, now);
        free(datagram);
        wrd_dtls_expire(dtls, now);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wrd_dtls_context *contexts[2];
    static wrd_fingerprint fingerprint;
    if (!contexts[0]) {
        wrd_env env = {.memory = platform_memory, .random = wrd_crypto_random};
        wrd_key key;
        WRD_ASSERT(wrd_key_from_seed(&key, 7) == WRD_OK && wrd_key_fingerprint(&fingerprint, &key) == WRD_OK);
        for (int asks = 0; asks < 2; asks++)
            contexts[asks] =
                wrd_dtls_context_new(&env, &(struct wrd_dtls_settings){.identities = {&key}, .ask_certificate = asks});
    }
    struct wrd_reader rd = wrd_rd(data, size);
    uint8_t choice = wrd_rd8(&rd);
    struct wrd_dtls_context *context = contexts[(choice & ASK) != 0];
    struct wrd_dtls *server = wrd_dtls_server_new(context, false, 0);
    struct wrd_dtls *client = wrd_dtls_client_new(context, 0, &fingerprint);
    WRD_ASSERT(server && client);
    if (choice & OPEN)
        shake_hands(client, server);
    else
        drain(client, 0);
    feed(choice & CLIENT ? client : server, rd);
    wrd_dtls_free(client);
    wrd_dtls_free(server);
    return 0;
}
