/* SPDX-License-Identifier: MIT */
#include "ceiling.h"

#include <string.h>

static const uint8_t key[16] = "a key for no one", salt[4] = {1, 2, 3, 4};

static EVP_CIPHER_CTX *context(int sealing)
{
    EVP_CIPHER_CTX *out = EVP_CIPHER_CTX_new();
    if (!out || EVP_CipherInit_ex(out, EVP_aes_128_gcm(), NULL, key, NULL, sealing) != 1)
        give_up("AES-128-GCM");
    return out;
}

void records_open(struct records *records)
{
    *records = (struct records){.sealing = context(1), .opening = context(0), .crc = wrd_crc32c_pick()};
}

void records_close(struct records *records)
{
    EVP_CIPHER_CTX_free(records->sealing);
    EVP_CIPHER_CTX_free(records->opening);
}

static void put(uint8_t *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

/* RFC 5246 6.2.3.3: the record's number, type, version and length, of which `head` has all but in this order. */
static void additional(uint8_t out[13], const uint8_t *head, size_t len)
{
    memcpy(out, head + 3, 8);
    memcpy(out + 8, head, 3);
    put(out + 11, len, 2);
}

static void nonce(uint8_t out[12], const uint8_t *explicit_part)
{
    memcpy(out, salt, sizeof salt);
    memcpy(out + 4, explicit_part, 8);
}

static void checksum(const struct records *records, uint8_t *packet, size_t len, uint8_t out[4])
{
    memset(packet + 8, 0, 4);
    put(out, wrd_crc32c(records->crc, packet, len), 4);
}

size_t records_seal(struct records *records, uint8_t *out, size_t len)
{
    uint8_t aad[13], iv[12], sum[4], *packet = out + RECORD_HEAD;
    int n;
    checksum(records, packet, len, sum);
    memcpy(packet + 8, sum, sizeof sum);
    out[0] = 23;
    put(out + 1, 0xfefd, 2);
    put(out + 3, ((uint64_t)1 << 48) + records->sent++, 8);
    put(out + 11, len + RECORD_EXTRA - 13, 2);
    memcpy(out + 13, out + 3, 8);
    additional(aad, out, len);
    nonce(iv, out + 13);
    if (EVP_CipherInit_ex(records->sealing, NULL, NULL, NULL, iv, -1) != 1 ||
        EVP_EncryptUpdate(records->sealing, NULL, &n, aad, sizeof aad) != 1 ||
        EVP_EncryptUpdate(records->sealing, packet, &n, packet, (int)len) != 1 ||
        EVP_EncryptFinal_ex(records->sealing, packet + len, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(records->sealing, EVP_CTRL_AEAD_GET_TAG, 16, packet + len) != 1)
        give_up("seal");
    return len + RECORD_EXTRA;
}

size_t records_open_one(struct records *records, uint8_t *datagram, size_t len)
{
    uint8_t aad[13], iv[12], sum[4], had[4], *packet = datagram + RECORD_HEAD;
    int n;
    if (len < RECORD_EXTRA + PACKET_HEAD || datagram[0] != 23)
        return 0;
    size_t inside = len - RECORD_EXTRA;
    additional(aad, datagram, inside);
    nonce(iv, datagram + 13);
    if (EVP_CipherInit_ex(records->opening, NULL, NULL, NULL, iv, -1) != 1 ||
        EVP_CIPHER_CTX_ctrl(records->opening, EVP_CTRL_AEAD_SET_TAG, 16, packet + inside) != 1 ||
        EVP_DecryptUpdate(records->opening, NULL, &n, aad, sizeof aad) != 1 ||
        EVP_DecryptUpdate(records->opening, packet, &n, packet, (int)inside) != 1 ||
        EVP_DecryptFinal_ex(records->opening, packet + inside, &n) != 1)
        return 0;
    memcpy(had, packet + 8, sizeof had);
    checksum(records, packet, inside, sum);
    return memcmp(had, sum, sizeof sum) == 0 ? inside : 0;
}
