// What glibc hides behind _GNU_SOURCE or in macros that Swift can't import.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// CPU time of the calling thread in nanoseconds.
int64_t ladle_thread_cpu_ns(void);

// ---------------------------------------------------------------------------------------------------------------
// The media loop: clock.c, epoll.c, udp.c, thread.c
// ---------------------------------------------------------------------------------------------------------------
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <sys/uio.h>

/// CLOCK_MONOTONIC in nanoseconds.
int64_t ladle_monotonic_ns(void);
/// CLOCK_REALTIME in nanoseconds since 1970.
int64_t ladle_realtime_ns(void);
/// Sleeps until the monotonic clock shows `deadline_ns`; returns early only for a signal.
void ladle_sleep_until_ns(int64_t deadline_ns);

/// A non-blocking eventfd that closes on exec; -1 and errno.
int ladle_eventfd(void);
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

/// Names the calling thread for `ps` and `perf`; cut after 15 bytes.
void ladle_name_thread(const char *name);
/// How late the kernel may wake the calling thread; 50 µs unless set.
void ladle_timer_slack_ns(unsigned long ns);

// MARK: worker.c, for ladle-pipeline. Results below zero are −errno.

#include <poll.h>
#include <sys/types.h>

/// The kernel kills this process when the thread that made it ends.
int ladle_worker_die_with_parent(void);

/// Names the calling thread; 15 characters are kept.
int ladle_worker_name_thread(const char *name);

/// Reads from a Unix stream socket without waiting, with a descriptor that rides along (else −1).
ssize_t ladle_worker_receive(int socket, void *bytes, size_t room, int *descriptor);

/// Writes to a Unix stream socket; a descriptor ≥ 0 rides along.
ssize_t ladle_worker_send(int socket, const void *bytes, size_t count, int descriptor);

/// ppoll: waits to the nanosecond.
int ladle_worker_wait(struct pollfd *descriptors, unsigned count, int64_t timeout_ns);

/// Sends datagrams that lie back to back on a connected socket.
int ladle_worker_send_many(int socket, const uint8_t *bytes, const uint32_t *sizes, unsigned count);

/// Receives up to 64 datagrams without waiting, one into each slot; size 0 for one that did not fit.
int ladle_worker_receive_many(int socket, uint8_t *bytes, unsigned slot, uint32_t *sizes, unsigned count);

/// Asks for a receive buffer and says what the kernel gave.
int ladle_worker_receive_buffer(int socket, int bytes);

// MARK: Child processes and files below a folder (process.c). Failures are negative errno values.
#include <sys/epoll.h>
#include <sys/eventfd.h>

/// The system's words for an error number, cut to the space; never fails.
void ladle_error_text(int number, char *text, size_t space);

/// A Unix stream socket pair, both ends close-on-exec; the first end does not block.
int ladle_control_socket(int ends[2]);

/// A pipe, both ends close-on-exec; the read end (first) does not block.
int ladle_log_pipe(int ends[2]);

/// Starts a program as the leader of a process group of its own, with `input` as descriptor 0, `output` as
/// 1 and 2, nothing else open, and every signal at its default. Null-terminated arrays.
int ladle_spawn(
    const char *path, char *const arguments[], char *const environment[], int input, int output, int32_t *pid,
    int *pidfd);

/// 1 when the process has ended (it stays a zombie, so that its pid and group can't be reused), 0 when not.
/// `signal_number` is 0 for an exit.
int ladle_process_peek(int pidfd, int *code, int *signal_number);

/// As above, and the zombie is gone afterwards.
int ladle_process_reap(int pidfd, int *code, int *signal_number);

/// Sends bytes, with a descriptor riding along unless it is -1. Never blocks, never raises SIGPIPE.
int64_t ladle_send_line(int socket, const void *bytes, size_t count, int descriptor);

/// Opens a folder for `ladle_open_beneath`; needs no right to list it.
int ladle_open_folder(const char *path);

/// Opens a path that may not leave `folder`, neither by "..", an absolute name nor a symbolic link.
int ladle_open_beneath(int folder, const char *path, int flags, uint32_t mode);
