#include "CBench.h"
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct bench_cipher {
    EVP_CIPHER_CTX *context;
    uint8_t salt[12];
};

bench_cipher *bench_cipher_new(uint32_t number) {
    bench_cipher *cipher = calloc(1, sizeof *cipher);
    if (!cipher) return NULL;
    uint8_t key[16] = {0};
    memcpy(key, &number, sizeof number);
    memcpy(cipher->salt, &number, sizeof number);
    cipher->context = EVP_CIPHER_CTX_new();
    if (!cipher->context || !EVP_EncryptInit_ex(cipher->context, EVP_aes_128_gcm(), NULL, key, cipher->salt)) {
        bench_cipher_free(cipher);
        return NULL;
    }
    return cipher;
}

void bench_cipher_free(bench_cipher *cipher) {
    if (!cipher) return;
    EVP_CIPHER_CTX_free(cipher->context);
    free(cipher);
}

// The nonce is 00 00 SSRC ROC SEQ xor salt, the header is authenticated (RFC 7714 §8.1, §8.2). The rollover counter stays 0: its
// bytes cost nothing.
int bench_cipher_protect(bench_cipher *cipher, uint8_t *out, const uint8_t *payload, int payload_length) {
    uint8_t nonce[12] = {0};
    memcpy(nonce + 2, out + 8, 4);
    memcpy(nonce + 10, out + 2, 2);
    for (int i = 0; i < 12; i++) nonce[i] ^= cipher->salt[i];
    int written = 0, more = 0;
    if (!EVP_EncryptInit_ex(cipher->context, NULL, NULL, NULL, nonce)
        || !EVP_EncryptUpdate(cipher->context, NULL, &more, out, 12)
        || !EVP_EncryptUpdate(cipher->context, out + 12, &written, payload, payload_length)
        || !EVP_EncryptFinal_ex(cipher->context, out + 12 + written, &more)
        || !EVP_CIPHER_CTX_ctrl(cipher->context, EVP_CTRL_AEAD_GET_TAG, 16, out + 12 + written))
        return 0;
    return 12 + written + 16;
}
