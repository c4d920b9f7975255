// The media loop: clocks, epoll, sockets, threads (clock.c, epoll.c, udp.c, tcp.c, thread.c).
#pragma once
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

/// CPU time of the calling thread in nanoseconds.
int64_t ladle_thread_cpu_ns(void);
/// CLOCK_MONOTONIC in nanoseconds.
int64_t ladle_monotonic_ns(void);
/// CLOCK_REALTIME in nanoseconds since 1970.
int64_t ladle_realtime_ns(void);
/// Sleeps until the monotonic clock shows `deadline_ns`; returns early only for a signal.
void ladle_sleep_until_ns(int64_t deadline_ns);

/// A non-blocking eventfd that closes on exec; -1 and errno.
int ladle_eventfd(void);
/// A timer on CLOCK_MONOTONIC that closes on exec; -1 and errno.
int ladle_timer(void);
/// Lets it go off once, at `deadline_ns` (positive). 0 or errno.
int ladle_timer_set(int timer, int64_t deadline_ns);
/// epoll_pwait2: `timeout_ns` < 0 waits without end. Returns the number of events, or -errno.
int ladle_epoll_wait(int epoll, struct epoll_event *events, int capacity, int64_t timeout_ns);

/// The layout of `struct mmsghdr`, which glibc shows only with _GNU_SOURCE (udp.c checks it).
typedef struct ladle_mmsghdr {
    struct msghdr msg_hdr;
    unsigned int msg_len;
} ladle_mmsghdr;
/// Both return the number of messages, or -errno (-EAGAIN: nothing there, or no room); never block.
int ladle_recvmmsg(int fd, ladle_mmsghdr *messages, unsigned int count);
int ladle_sendmmsg(int fd, ladle_mmsghdr *messages, unsigned int count);

/// Room for one UDP_SEGMENT or UDP_GRO control message, a multiple of the alignment of `struct cmsghdr`.
enum { LADLE_CONTROL_SPACE = 32 };
/// Points the message at `control` (LADLE_CONTROL_SPACE bytes) and asks there for segments of `segment_size` bytes.
void ladle_put_segment_size(struct msghdr *message, void *control, uint16_t segment_size);
/// The size of the datagrams that the kernel joined to one message; 0: it is a single one.
int ladle_received_segment_size(const struct msghdr *message);

/// A non-blocking UDP socket that closes on exec, or -errno.
int ladle_udp_socket(int family);
/// Lets the kernel join datagrams of one source to one message. 0 or -errno.
int ladle_udp_receive_joined(int fd);
/// Sets the kernel's buffers, beyond the system's limit where we may; takes what it gets.
void ladle_socket_buffers(int fd, int receive_bytes, int send_bytes);

/// Leaves IPv4 to other sockets.
void ladle_ipv6_only(int fd);

/// A non-blocking listener that closes on exec, or -errno. IPv6 ones leave IPv4 alone.
int ladle_tcp_listen(const struct sockaddr_in6 *address, socklen_t length, int backlog);
/// A connection that waits, non-blocking and for small frames, or -errno (-EAGAIN: none). Keeps the kernel from holding
/// more than `unsent_bytes` that it could not send yet.
int ladle_tcp_accept(int fd, struct sockaddr_in6 *remote, int unsent_bytes);
/// Bytes read, 0 at the end, or -errno; never blocks.
int64_t ladle_tcp_receive(int fd, void *bytes, size_t room);
/// Bytes taken, or -errno; never blocks, never raises SIGPIPE.
int64_t ladle_tcp_send(int fd, const struct iovec *pieces, size_t count);

/// Names the calling thread for `ps` and `perf`; cut after 15 bytes.
void ladle_name_thread(const char *name);
/// How late the kernel may wake the calling thread; 50 µs unless set.
void ladle_timer_slack_ns(unsigned long ns);
