#define _GNU_SOURCE
#include "CBench.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <time.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum { BATCH = 32, SLOT = 2048 };

struct bare {
    int count, in;
    bench_bare how;
    int *fds;
    bench_cipher **ciphers;
    uint64_t sent;
    uint8_t received[BATCH][SLOT];
    // One destination's packets, back to back.
    uint8_t slots[BATCH * SLOT];
    struct mmsghdr incoming[BATCH], outgoing[BATCH];
    struct iovec in_pieces[BATCH], out_pieces[BATCH];
    union { char bytes[CMSG_SPACE(sizeof(uint16_t))]; struct cmsghdr header; } control;
};

static void rewrite(uint8_t *packet, uint32_t number) {
    uint16_t sequence;
    memcpy(&sequence, packet + 2, 2);
    sequence = htons((uint16_t)(ntohs(sequence) + number * 7));
    memcpy(packet + 2, &sequence, 2);
    uint32_t ssrc = htonl(0x5eed0000u + number);
    memcpy(packet + 8, &ssrc, 4);
}

static void send_each(struct bare *b, int destination, int packets) {
    for (int i = 0; i < packets; i++) {
        b->outgoing[i].msg_hdr = (struct msghdr){
            .msg_iov = &b->out_pieces[i], .msg_iovlen = 1,
        };
    }
    int sent = sendmmsg(b->fds[destination], b->outgoing, (unsigned)packets, 0);
    if (sent > 0) b->sent += (uint64_t)sent;
}

static void send_segments(struct bare *b, int destination, int packets) {
    struct iovec all = {.iov_base = b->slots, .iov_len = 0};
    for (int i = 0; i < packets; i++) all.iov_len += b->out_pieces[i].iov_len;
    struct msghdr message = {.msg_iov = &all, .msg_iovlen = 1};
    if (packets > 1) {
        message.msg_control = b->control.bytes;
        message.msg_controllen = sizeof b->control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        uint16_t size = (uint16_t)b->out_pieces[0].iov_len;
        c->cmsg_level = SOL_UDP;
        c->cmsg_type = UDP_SEGMENT;
        c->cmsg_len = CMSG_LEN(sizeof size);
        memcpy(CMSG_DATA(c), &size, sizeof size);
    }
    if (sendmsg(b->fds[destination], &message, 0) >= 0) b->sent += (uint64_t)packets;
}

// Copies or encrypts one destination's packets into the slots.
static void write_all(struct bare *b, int destination, const struct iovec *incoming, int packets) {
    size_t used = 0;
    for (int i = 0; i < packets; i++) {
        uint8_t *slot = b->slots + used;
        const uint8_t *packet = incoming[i].iov_base;
        size_t length = incoming[i].iov_len;
        if (b->how.gcm) {
            memcpy(slot, packet, 12);
            rewrite(slot, (uint32_t)destination);
            length = (size_t)bench_cipher_protect(b->ciphers[destination], slot, packet + 12, (int)length - 12);
        } else {
            memcpy(slot, packet, length);
            rewrite(slot, (uint32_t)destination);
        }
        b->out_pieces[i] = (struct iovec){slot, length};
        used += length;
    }
}

static void forward(struct bare *b, int got, int *running) {
    struct iovec incoming[BATCH];
    int packets = 0;
    for (int i = 0; i < got; i++) {
        unsigned length = b->incoming[i].msg_len;
        if (length == 1) *running = 0;
        // All packets of the benchmark have one size, so the batch may go as one message.
        if (length >= 12) incoming[packets++] = (struct iovec){.iov_base = b->received[i], .iov_len = length};
    }
    if (!packets) return;
    for (int d = 0; d < b->count; d++) {
        write_all(b, d, incoming, packets);
        if (b->how.sending == BENCH_SEGMENTS) send_segments(b, d, packets);
        else send_each(b, d, packets);
    }
}

uint64_t bench_bare_loop(int in, const struct sockaddr_in *to, int count, bench_bare how) {
    struct bare *b = calloc(1, sizeof *b);
    if (!b) return 0;
    *b = (struct bare){
        .count = count, .in = in, .how = how, .fds = calloc((size_t)count, sizeof(int)),
        .ciphers = calloc((size_t)count, sizeof(bench_cipher *))};
    if (!b->fds || !b->ciphers) return 0;
    for (int i = 0; i < count; i++) {
        uint16_t port;
        b->fds[i] = bench_socket(&port);
        if (connect(b->fds[i], (const struct sockaddr *)&to[i], sizeof to[i]) < 0) return 0;
        if (how.gcm && !(b->ciphers[i] = bench_cipher_new((uint32_t)i))) return 0;
    }
    for (int i = 0; i < BATCH; i++) {
        b->in_pieces[i] = (struct iovec){b->received[i], SLOT};
        b->incoming[i].msg_hdr = (struct msghdr){.msg_iov = &b->in_pieces[i], .msg_iovlen = 1};
    }
    if (how.tick_ns) prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
    int epoll = how.waits_for_many ? epoll_create1(0) : -1;
    if (epoll >= 0) {
        struct epoll_event event = {.events = EPOLLIN};
        epoll_ctl(epoll, EPOLL_CTL_ADD, in, &event);
    }
    for (int running = 1; running;) {
        struct epoll_event ready;
        if (epoll >= 0) epoll_wait(epoll, &ready, 1, -1);
        if (how.tick_ns) {
            int64_t next = bench_now_ns() / how.tick_ns * how.tick_ns + how.tick_ns;
            struct timespec until = {next / 1000000000, next % 1000000000};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        }
        int got = recvmmsg(in, b->incoming, BATCH, how.tick_ns || epoll >= 0 ? MSG_DONTWAIT : MSG_WAITFORONE, NULL);
        if (got < 0 && errno != EINTR && errno != EAGAIN) break;
        // More than a batch may have come in a tick: taken at once, since a second tick would double its wait.
        for (; got > 0; got = how.tick_ns && got == BATCH ? recvmmsg(in, b->incoming, BATCH, MSG_DONTWAIT, NULL) : 0)
            forward(b, got, &running);
    }
    uint64_t sent = b->sent;
    if (epoll >= 0) close(epoll);
    for (int i = 0; i < count; i++) bench_cipher_free(b->ciphers[i]);
    free(b->ciphers);
    free(b->fds);
    free(b);
    return sent;
}
