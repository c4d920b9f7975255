#define _GNU_SOURCE
#include "CBench.h"
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INCOMING = 32, OUTGOING = 256, SLOT = 1500 };

struct shared {
    int out;
    uint64_t sent;
    unsigned waiting;
    uint8_t received[INCOMING][2048];
    uint8_t slots[OUTGOING][SLOT];
    struct mmsghdr incoming[INCOMING], outgoing[OUTGOING];
    struct iovec in_pieces[INCOMING], out_pieces[OUTGOING];
};

static void flush(struct shared *s) {
    unsigned done = 0;
    while (done < s->waiting) {
        int sent = sendmmsg(s->out, s->outgoing + done, s->waiting - done, 0);
        // What the kernel refuses is left out, as the engine does.
        if (sent > 0) s->sent += (uint64_t)sent;
        done += sent > 0 ? (unsigned)sent : 1;
    }
    s->waiting = 0;
}

static void add(struct shared *s, const uint8_t *packet, int length, const struct sockaddr_in *to, bench_cipher *cipher,
                uint32_t number) {
    uint8_t *slot = s->slots[s->waiting];
    memcpy(slot, packet, 12);
    uint32_t ssrc = htonl(0x5eed0000u + number);
    memcpy(slot + 8, &ssrc, 4);
    s->out_pieces[s->waiting] = (struct iovec){
        slot, (size_t)bench_cipher_protect(cipher, slot, packet + 12, length - 12)};
    s->outgoing[s->waiting].msg_hdr = (struct msghdr){
        .msg_name = (void *)to, .msg_namelen = sizeof *to, .msg_iov = &s->out_pieces[s->waiting], .msg_iovlen = 1};
    if (++s->waiting == OUTGOING) flush(s);
}

static void run(struct shared *s, int in, const struct sockaddr_in *to, int count, bench_cipher **ciphers,
                int64_t *start) {
    for (int running = 1; running;) {
        int got = recvmmsg(in, s->incoming, INCOMING, MSG_WAITFORONE, NULL);
        if (got < 0 && errno != EINTR) return;
        if (!*start) *start = bench_thread_cpu_ns();
        // One destination after the other, as the engine does: its context stays in the cache.
        for (int d = 0; d < count; d++) {
            for (int i = 0; i < got; i++) {
                int length = (int)s->incoming[i].msg_len;
                if (length == 1) running = 0;
                if (length >= 12 && length + 16 <= SLOT) {
                    add(s, s->received[i], length, &to[d], ciphers[d], (uint32_t)d);
                }
            }
        }
        flush(s);
    }
}

int64_t bench_shared_loop(int in, const struct sockaddr_in *to, int count, uint64_t *sent) {
    uint16_t port;
    struct shared *s = calloc(1, sizeof *s);
    bench_cipher **ciphers = calloc((size_t)count, sizeof *ciphers);
    int64_t start = 0, spent = -1;
    int isWhole = s && ciphers && (s->out = bench_socket(&port)) >= 0;
    for (int i = 0; isWhole && i < count; i++) isWhole = (ciphers[i] = bench_cipher_new((uint32_t)i)) != NULL;
    if (isWhole) {
        for (int i = 0; i < INCOMING; i++) {
            s->in_pieces[i] = (struct iovec){s->received[i], sizeof s->received[i]};
            s->incoming[i].msg_hdr = (struct msghdr){.msg_iov = &s->in_pieces[i], .msg_iovlen = 1};
        }
        run(s, in, to, count, ciphers, &start);
        spent = bench_thread_cpu_ns() - start;
        *sent = s->sent;
        close(s->out);
    }
    for (int i = 0; ciphers && i < count; i++) bench_cipher_free(ciphers[i]);
    free(ciphers);
    free(s);
    return spent;
}

static EVP_PKEY *x25519(void) {
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_X25519, NULL);
    if (context && EVP_PKEY_keygen_init(context) > 0) EVP_PKEY_keygen(context, &key);
    EVP_PKEY_CTX_free(context);
    return key;
}

static int agree(EVP_PKEY *theirs) {
    uint8_t secret[32];
    size_t length = sizeof secret;
    EVP_PKEY *mine = x25519();
    EVP_PKEY_CTX *context = mine ? EVP_PKEY_CTX_new(mine, NULL) : NULL;
    int isDone = context && EVP_PKEY_derive_init(context) > 0 && EVP_PKEY_derive_set_peer(context, theirs) > 0
        && EVP_PKEY_derive(context, secret, &length) > 0;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(mine);
    return isDone;
}

static int sign_and_check(EVP_PKEY *key, const uint8_t *text, size_t length) {
    uint8_t signature[256];
    size_t size = sizeof signature;
    EVP_MD_CTX *signer = EVP_MD_CTX_new(), *checker = EVP_MD_CTX_new();
    int isDone = signer && checker && EVP_DigestSignInit(signer, NULL, EVP_sha256(), NULL, key) > 0
        && EVP_DigestSign(signer, signature, &size, text, length) > 0
        && EVP_DigestVerifyInit(checker, NULL, EVP_sha256(), NULL, key) > 0
        && EVP_DigestVerify(checker, signature, size, text, length) > 0;
    EVP_MD_CTX_free(signer);
    EVP_MD_CTX_free(checker);
    return isDone;
}

int64_t bench_handshake_keys(int times) {
    uint8_t text[128] = {1};
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), *theirs = x25519();
    int isDone = key && theirs;
    int64_t start = bench_thread_cpu_ns();
    for (int i = 0; isDone && i < times; i++) isDone = agree(theirs) && sign_and_check(key, text, sizeof text);
    int64_t spent = bench_thread_cpu_ns() - start;
    EVP_PKEY_free(key);
    EVP_PKEY_free(theirs);
    return isDone ? spent : -1;
}

int64_t bench_raise_descriptors(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return getrlimit(RLIMIT_NOFILE, &limit) < 0 ? 0 : (int64_t)limit.rlim_cur;
}
