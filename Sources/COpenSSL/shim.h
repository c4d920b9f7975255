// OpenSSL as Swift can see it, and the few sequences of calls that protect a packet.
#pragma once
// SHA1_* are old names, but the only ones whose state can be copied without allocating: EVP_MAC and EVP_MD_CTX_copy
// cost two allocations a packet.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdint.h>

// All functions return 1 when it worked, as OpenSSL does. Lengths are in bytes and have been checked by the caller.

/// A context whose key schedule is made once; only the initialisation vector changes. NULL: not available.
/// keyLength: 16 or 32.
static inline EVP_CIPHER_CTX *ladle_gcm_new(const uint8_t *key, int keyLength, int encrypts) {
    const EVP_CIPHER *cipher = keyLength == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    // 12 bytes of IV are the default of both.
    if (context && EVP_CipherInit_ex(context, cipher, NULL, key, NULL, encrypts) == 1) return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

/// Counter mode: the same call encrypts and decrypts.
static inline EVP_CIPHER_CTX *ladle_ctr_new(const uint8_t *key, int keyLength) {
    const EVP_CIPHER *cipher = keyLength == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context && EVP_EncryptInit_ex(context, cipher, NULL, key, NULL) == 1) return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

/// Encrypts `in` to `out` (which may be the same place) and writes the 16 bytes of tag. What is authenticated besides
/// comes in two pieces, the second may be empty.
static inline int ladle_gcm_seal(
    EVP_CIPHER_CTX *context, const uint8_t iv[12], const void *head, int headLength, const void *tail, int tailLength,
    const void *in, int length, void *out, void *tag) {
    int written;
    if (EVP_EncryptInit_ex(context, NULL, NULL, NULL, iv) != 1) return 0;
    if (EVP_EncryptUpdate(context, NULL, &written, (const uint8_t *)head, headLength) != 1) return 0;
    if (tailLength > 0 && EVP_EncryptUpdate(context, NULL, &written, (const uint8_t *)tail, tailLength) != 1) return 0;
    if (length > 0 && EVP_EncryptUpdate(context, (uint8_t *)out, &written, (const uint8_t *)in, length) != 1) return 0;
    if (EVP_EncryptFinal_ex(context, (uint8_t *)tag, &written) != 1) return 0;
    return EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag);
}

/// The way back; 0 when the tag is another one. Then `out` holds rubbish.
static inline int ladle_gcm_open(
    EVP_CIPHER_CTX *context, const uint8_t iv[12], const void *head, int headLength, const void *tail, int tailLength,
    const void *in, int length, void *out, const void *tag) {
    int written;
    uint8_t end[16];
    if (EVP_DecryptInit_ex(context, NULL, NULL, NULL, iv) != 1) return 0;
    if (EVP_DecryptUpdate(context, NULL, &written, (const uint8_t *)head, headLength) != 1) return 0;
    if (tailLength > 0 && EVP_DecryptUpdate(context, NULL, &written, (const uint8_t *)tail, tailLength) != 1) return 0;
    if (length > 0 && EVP_DecryptUpdate(context, (uint8_t *)out, &written, (const uint8_t *)in, length) != 1) return 0;
    // The tag is only read.
    if (EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, (void *)(uintptr_t)tag) != 1) return 0;
    return EVP_DecryptFinal_ex(context, end, &written) == 1;
}

/// XORs the key stream that begins at counter `iv` onto `in`; `out` may be the same place.
static inline int ladle_ctr_apply(
    EVP_CIPHER_CTX *context, const uint8_t iv[16], const void *in, int length, void *out) {
    int written;
    if (EVP_EncryptInit_ex(context, NULL, NULL, NULL, iv) != 1) return 0;
    if (length == 0) return 1;
    return EVP_EncryptUpdate(context, (uint8_t *)out, &written, (const uint8_t *)in, length);
}

/// HMAC-SHA1 (RFC 2104) whose two pads have been hashed already: two blocks less per packet, and nothing allocated.
typedef struct {
    SHA_CTX inner, outer;
} ladle_hmac_sha1;

/// keyLength: at most 64.
static inline int ladle_hmac_sha1_init(ladle_hmac_sha1 *hmac, const uint8_t *key, int keyLength) {
    uint8_t pad[64];
    int works = 1;
    for (int i = 0; i < 64; i++) pad[i] = 0x36 ^ (i < keyLength ? key[i] : 0);
    works &= SHA1_Init(&hmac->inner) == 1 && SHA1_Update(&hmac->inner, pad, sizeof pad) == 1;
    for (int i = 0; i < 64; i++) pad[i] ^= 0x36 ^ 0x5c;
    works &= SHA1_Init(&hmac->outer) == 1 && SHA1_Update(&hmac->outer, pad, sizeof pad) == 1;
    OPENSSL_cleanse(pad, sizeof pad);
    return works;
}

/// The 20 bytes of HMAC over `data` and the four bytes of `word` behind it.
static inline int ladle_hmac_sha1_sum(
    const ladle_hmac_sha1 *hmac, const void *data, size_t length, const uint8_t word[4], uint8_t sum[20]) {
    SHA_CTX state = hmac->inner;
    if (SHA1_Update(&state, data, length) != 1 || SHA1_Update(&state, word, 4) != 1) return 0;
    if (SHA1_Final(sum, &state) != 1) return 0;
    state = hmac->outer;
    return SHA1_Update(&state, sum, 20) == 1 && SHA1_Final(sum, &state) == 1;
}
