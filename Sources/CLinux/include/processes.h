// Child processes and files below a folder (process.c). Failures are negative errno values.
#pragma once
#include <stddef.h>
#include <stdint.h>
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
