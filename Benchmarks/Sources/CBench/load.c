#define _GNU_SOURCE
#include "CBench.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_BURST = 64, PACKET = 1500, PACKETS_PER_FRAME = 10, FRAMES_PER_KEY = 300 };

// The first million packets that were read; a run has fewer.
enum { LATENCIES = 1 << 20 };
static uint32_t latencies[LATENCIES];
static size_t latency_count;

// When each of the last packets was sent, by its number: payloads may come out encrypted.
enum { SENT = 1 << 16 };
static int64_t sent_at[SENT];

static int64_t read_clock(clockid_t clock) {
    struct timespec t;
    return clock_gettime(clock, &t) < 0 ? -1 : (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t bench_now_ns(void) { return read_clock(CLOCK_MONOTONIC); }

int64_t bench_thread_cpu_ns(void) { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

int64_t bench_process_cpu_ns(int pid) {
    clockid_t clock;
    return clock_getcpuclockid(pid, &clock) != 0 ? -1 : read_clock(clock);
}

int bench_pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) < 0 ? errno : 0;
}

int bench_cores(void) { return (int)sysconf(_SC_NPROCESSORS_ONLN); }

int bench_socket(uint16_t *port) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), bytes = 8 << 20;
    if (fd < 0) return -1;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof name;
    if (bind(fd, (struct sockaddr *)&name, sizeof name) < 0 || getsockname(fd, (struct sockaddr *)&name, &length) < 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(name.sin_port);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    return fd;
}

int bench_drop_all(int fd) {
    struct sock_filter keep_nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {.len = 1, .filter = &keep_nothing};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0 ? errno : 0;
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

void bench_latency_reset(void) { latency_count = 0; }

int64_t bench_latency(double q) {
    if (!latency_count) return 0;
    qsort(latencies, latency_count, sizeof *latencies, by_size);
    size_t place = (size_t)(q * (double)latency_count);
    return latencies[place < latency_count ? place : latency_count - 1];
}

static void build(const bench_stream *s, uint64_t index, uint8_t *packet, int64_t now) {
    sent_at[index % SENT] = now;
    uint64_t frame = index / PACKETS_PER_FRAME, place = index % PACKETS_PER_FRAME;
    uint16_t sequence = htons((uint16_t)index);
    uint32_t timestamp = htonl((uint32_t)(frame * 3000)), ssrc = htonl(s->ssrc);
    packet[0] = 0x80;
    packet[1] = s->payload_type | (place == PACKETS_PER_FRAME - 1 ? 0x80 : 0);
    memcpy(packet + 2, &sequence, 2);
    memcpy(packet + 4, &timestamp, 4);
    memcpy(packet + 8, &ssrc, 4);
    // VP8 (RFC 7741): the start bit on a frame's first packet; the first bit behind is 0 in a key frame.
    packet[12] = place == 0 ? 0x10 : 0x00;
    packet[13] = frame % FRAMES_PER_KEY == 0 ? 0x50 : 0x51;
}

static void sample(bench_stream *s, int fd, int64_t *last) {
    static uint8_t bytes[32][2048];
    struct mmsghdr messages[32];
    struct iovec pieces[32];
    for (int i = 0; i < 32; i++) {
        pieces[i] = (struct iovec){bytes[i], sizeof bytes[i]};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &pieces[i], .msg_iovlen = 1}};
    }
    int got = recvmmsg(fd, messages, 32, MSG_DONTWAIT, NULL);
    for (int i = 0; i < got; i++) {
        // RTCP packet types lie where RTP has marker and payload type (RFC 5761 §4).
        if (messages[i].msg_len < 12 || (bytes[i][1] >= 192 && bytes[i][1] <= 223)) continue;
        int64_t now = bench_now_ns();
        if (last) *last = now;
        // Numbered anew on its way, from the first packet on.
        uint16_t sequence;
        memcpy(&sequence, bytes[i] + 2, 2);
        sequence = ntohs(sequence);
        if (!s->sampled++) s->first_sequence = sequence;
        uint64_t lowest = s->sent > SENT ? s->sent - SENT : 0;
        uint64_t number = lowest + (uint16_t)(sequence - s->first_sequence - lowest);
        int64_t sent = sent_at[number % SENT];
        if (latency_count < LATENCIES && now > sent && now - sent < UINT32_MAX)
            latencies[latency_count++] = (uint32_t)(now - sent);
    }
}

int64_t bench_send(bench_stream *s, double packets_per_second, int burst, int64_t duration_ns, int sample_fd) {
    static uint8_t packets[MAX_BURST][PACKET];
    struct mmsghdr messages[MAX_BURST];
    struct iovec pieces[MAX_BURST];
    if (burst > MAX_BURST) burst = MAX_BURST;
    for (int i = 0; i < burst; i++) {
        pieces[i] = (struct iovec){packets[i], (size_t)s->size};
        messages[i] = (struct mmsghdr){.msg_hdr = {
            .msg_name = &s->to, .msg_namelen = sizeof s->to, .msg_iov = &pieces[i], .msg_iovlen = 1}};
    }
    double gap = 1e9 * burst / packets_per_second;
    int64_t start = bench_now_ns(), worst = 0;
    for (uint64_t number = 0;; number++) {
        int64_t due = start + (int64_t)((double)number * gap), now;
        if (due - start >= duration_ns) break;
        while ((now = bench_now_ns()) < due) sample(s, sample_fd, NULL);
        if (now - due > worst) worst = now - due;
        for (int i = 0; i < burst; i++) {
            uint64_t index = s->sent + (uint64_t)i;
            build(s, index, packets[i], now);
            int is_longer = (int)(index % PACKETS_PER_FRAME) >= PACKETS_PER_FRAME - s->longer;
            pieces[i].iov_len = (size_t)(s->size + is_longer);
        }
        int sent = sendmmsg(s->fd, messages, (unsigned)burst, 0);
        if (sent > 0) s->sent += (uint64_t)sent;
    }
    return worst;
}

void bench_drain(bench_stream *s, int sample_fd) {
    int64_t last = bench_now_ns();
    while (bench_now_ns() - last < 50000000) sample(s, sample_fd, &last);
}
