// For ladle-pipeline (worker.c). Results below zero are −errno.
#pragma once
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// The kernel kills this process when the thread that made it ends.
int ladle_worker_die_with_parent(void);

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
