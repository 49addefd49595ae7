/* SPDX-License-Identifier: MIT */
/* A foreign peer for one end of a pair: libssl driven directly, whose datagrams are short. */
#ifndef WRD_TESTS_DTLS_FOREIGN_H
#define WRD_TESTS_DTLS_FOREIGN_H

#include "tests/dtls/pair.h"

#include <openssl/ssl.h>

enum { FOREIGN_RECORDS = 32, FOREIGN_MTU = 256 };

struct foreign {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out;               /* owned by ssl */
    wrd_fingerprint certificate; /* of the client that answered its request */
    int record_count;
    size_t record_len[FOREIGN_RECORDS];
    uint8_t records[FOREIGN_RECORDS][1500]; /* what it sent, one record each */
};

void foreign_client(struct foreign *foreign, const char *ciphers);
/* A server with the identity that `pair` expects, a cookie exchange and a CertificateRequest. */
void foreign_server(struct foreign *foreign, const struct pair *pair);
/* Shows the certificate of one key and signs with another; honest peers have one and the same. */
void foreign_identity(struct foreign *foreign, const wrd_key *shown, const wrd_key *signing);
void foreign_free(struct foreign *foreign);

/* Lets libssl work on one datagram and cuts what it writes into records. Returns SSL_get_error(). */
int foreign_receive(struct foreign *foreign, const uint8_t *bytes, size_t len);
/* What it wrote goes to `end` of the pair. */
void foreign_give(struct foreign *foreign, struct pair *pair, int end);
/* Both talk until neither has more to say. */
int foreign_talk(struct foreign *foreign, struct pair *pair, int end);

#endif
