#define OPENSSL_SUPPRESS_DEPRECATED
#include "CRawCiphers.h"
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct raw_cipher {
    int suite;
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
    SHA_CTX inner, outer;
};

raw_cipher *raw_cipher_new(int suite) {
    static const uint8_t key[64] = {1, 2, 3};
    raw_cipher *raw = calloc(1, sizeof *raw);
    raw->suite = suite;
    raw->cipher = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *kind = suite == 0 ? EVP_aes_256_gcm() : suite == 1 ? EVP_aes_128_gcm() : EVP_aes_128_ctr();
    EVP_EncryptInit_ex(raw->cipher, kind, NULL, key, NULL);
    if (suite < 2) return raw;
    SHA1_Init(&raw->inner);
    SHA1_Update(&raw->inner, key, 64);
    SHA1_Init(&raw->outer);
    SHA1_Update(&raw->outer, key, 64);
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    raw->mac = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", "SHA1", 0), OSSL_PARAM_construct_end()};
    EVP_MAC_init(raw->mac, key, 20, parameters);
    return raw;
}

void raw_cipher_free(raw_cipher *raw) {
    EVP_CIPHER_CTX_free(raw->cipher);
    EVP_MAC_CTX_free(raw->mac);
    free(raw);
}

int raw_cipher_protect(raw_cipher *raw, const void *in, int header, int length, uint64_t index, void *out) {
    const uint8_t *from = in;
    uint8_t *to = out, iv[16] = {0};
    int written;
    memcpy(iv + 4, &index, 8);
    memcpy(to, from, (size_t)header);
    EVP_EncryptInit_ex(raw->cipher, NULL, NULL, NULL, iv);
    if (raw->suite < 2) {
        EVP_EncryptUpdate(raw->cipher, NULL, &written, to, header);
        EVP_EncryptUpdate(raw->cipher, to + header, &written, from + header, length - header);
        EVP_EncryptFinal_ex(raw->cipher, to + length, &written);
        return EVP_CIPHER_CTX_ctrl(raw->cipher, EVP_CTRL_AEAD_GET_TAG, 16, to + length);
    }
    EVP_EncryptUpdate(raw->cipher, to + header, &written, from + header, length - header);
    uint32_t rollover = (uint32_t)(index >> 16);
    uint8_t sum[20];
    if (raw->suite == 2) {
        SHA_CTX state = raw->inner;
        SHA1_Update(&state, to, (size_t)length);
        SHA1_Update(&state, &rollover, 4);
        SHA1_Final(sum, &state);
        state = raw->outer;
        SHA1_Update(&state, sum, 20);
        SHA1_Final(sum, &state);
    } else {
        size_t size;
        EVP_MAC_init(raw->mac, NULL, 0, NULL);
        EVP_MAC_update(raw->mac, to, (size_t)length);
        EVP_MAC_update(raw->mac, (const uint8_t *)&rollover, 4);
        EVP_MAC_final(raw->mac, sum, &size, sizeof sum);
    }
    memcpy(to + length, sum, 10);
    return 1;
}

uint64_t raw_thread_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
