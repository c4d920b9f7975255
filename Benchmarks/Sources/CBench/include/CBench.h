// The parts of the forwarding benchmark that must cost little and always the same.
#pragma once
#include <netinet/in.h>
#include <stdint.h>

int64_t bench_now_ns(void);
/// CPU time of all threads of a process, in nanoseconds; -1: no such process.
int64_t bench_process_cpu_ns(int pid);
/// CPU time of the calling thread, in nanoseconds.
int64_t bench_thread_cpu_ns(void);
/// Keeps this process, and the threads it will start, on one core. 0 or errno.
int bench_pin(int cpu);
/// Online cores.
int bench_cores(void);

/// A bound UDP socket on 127.0.0.1 with large buffers; its port is written to `port`. -1 and errno.
int bench_socket(uint16_t *port);
/// Whatever reaches this socket is dropped there, after the whole way through the kernel: nobody has to read it.
int bench_drop_all(int fd);

/// One RTP stream of VP8 frames: ten packets each, every 300th frame a key frame, the marker on the last packet.
typedef struct bench_stream {
    int fd;
    struct sockaddr_in to;
    uint32_t ssrc;
    uint8_t payload_type;
    /// Of a packet with its RTP header.
    int size;
    /// So many packets at the end of each frame are one byte longer.
    int longer;
    /// Packets so far.
    uint64_t sent;
    /// RTP packets that came out at the socket that is read.
    uint64_t sampled;
    /// Of the first of these.
    uint16_t first_sequence;
} bench_stream;

/// Sends at a rate for a time, in bursts evenly spaced, and reads `sample_fd` between them. Never sleeps: a sleeper
/// would be woken by the forwarder's packets, at the forwarder's expense. Returns how late the latest burst was.
int64_t bench_send(bench_stream *stream, double packets_per_second, int burst, int64_t duration_ns, int sample_fd);
/// Forgets the latencies seen so far.
void bench_latency_reset(void);
/// The latency that a share `q` of the packets that were read did not exceed, in nanoseconds; from before the send
/// call to after the read. 0: nothing was read.
int64_t bench_latency(double q);
/// Reads what is still on its way, until nothing came for 50 ms.
void bench_drain(bench_stream *stream, int sample_fd);

/// How a bare loop sends what it received at once.
#define BENCH_SENDMMSG 0
#define BENCH_SEGMENTS 1
typedef struct bench_bare {
    /// BENCH_SENDMMSG: one sendmmsg per destination; BENCH_SEGMENTS: one UDP_SEGMENT message per destination.
    int sending;
    /// Encrypts each packet with AES-128-GCM, a key and a kept context per destination (RFC 7714), into the slot.
    int gcm;
    /// Sleeps until the next multiple of this, then takes what has come; 0: is woken by each packet.
    int64_t tick_ns;
    /// Asks epoll for a readable socket before it reads, as whoever has more than one socket must.
    int waits_for_many;
} bench_bare;

/// The bare loop: receives, rewrites SSRC and sequence number, sends each packet on to `count` destinations from a
/// connected socket each. Ends with a datagram of one byte. Returns how many packets the kernel took.
uint64_t bench_bare_loop(int in, const struct sockaddr_in *to, int count, bench_bare how);

/// One destination's AES-128-GCM with a kept context; NULL without memory.
typedef struct bench_cipher bench_cipher;
bench_cipher *bench_cipher_new(uint32_t number);
void bench_cipher_free(bench_cipher *cipher);
/// Writes the packet behind its 12-byte header, encrypted, and the tag of 16 bytes; the header stands in `out` already.
/// Returns the length of all, or 0.
int bench_cipher_protect(bench_cipher *cipher, uint8_t *out, const uint8_t *payload, int payload_length);
