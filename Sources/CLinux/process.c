// Child processes and files below a folder: what needs _GNU_SOURCE, varargs or control messages.
#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// posix_spawn's dup2 actions run in order: an end that already is 0, 1 or 2 would be overwritten
// before its turn, so every descriptor starts at 3 or above.
static int move_up(int fd) {
    if (fd < 0 || fd > STDERR_FILENO) return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int failure = errno;
    close(fd);
    errno = failure;
    return moved;
}

static int finish_pair(int ends[2], int nonblocking) {
    ends[0] = move_up(ends[0]);
    ends[1] = move_up(ends[1]);
    if (ends[0] >= 0 && ends[1] >= 0 && fcntl(ends[nonblocking], F_SETFL, O_NONBLOCK) == 0) return 0;
    int failure = errno;
    if (ends[0] >= 0) close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
    return -failure;
}

int ladle_control_socket(int ends[2]) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -errno;
    return finish_pair(ends, 0);
}

int ladle_log_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
    return finish_pair(ends, 0);
}

int ladle_spawn(
    const char *path, char *const arguments[], char *const environment[], int input, int output, int32_t *pid,
    int *pidfd) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure != 0) return -failure;
    failure = posix_spawnattr_init(&attributes);
    if (failure != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return -failure;
    }
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    failure = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (failure == 0) failure = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (failure == 0) failure = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    // Whoever forgot O_CLOEXEC: nothing of the daemon's is open in the child.
    if (failure == 0) failure = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    if (failure == 0) failure = posix_spawnattr_setpgroup(&attributes, 0);
    if (failure == 0) failure = posix_spawnattr_setsigmask(&attributes, &none);
    if (failure == 0) failure = posix_spawnattr_setsigdefault(&attributes, &all);
    if (failure == 0)
        failure = posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t child = -1;
    if (failure == 0) failure = posix_spawn(&child, path, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (failure != 0) return -failure;

    // The pid is ours until we reap it, so it can't have become another process's meanwhile.
    int descriptor = (int)syscall(SYS_pidfd_open, child, 0);
    if (descriptor < 0) {
        failure = errno;
        kill(-child, SIGKILL);
        kill(child, SIGKILL);
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
        return -failure;
    }
    *pid = child;
    *pidfd = descriptor;
    return 0;
}

static int wait_for(int pidfd, int options, int *code, int *signal_number) {
    siginfo_t info;
    int result;
    memset(&info, 0, sizeof info);
    do {
        result = waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | options);
    } while (result != 0 && errno == EINTR);
    if (result != 0) return -errno;
    if (info.si_pid == 0) return 0;
    int exited = info.si_code == CLD_EXITED;
    *code = exited ? info.si_status : 0;
    *signal_number = exited ? 0 : info.si_status;
    return 1;
}

int ladle_process_peek(int pidfd, int *code, int *signal_number) {
    return wait_for(pidfd, WNOHANG | WNOWAIT, code, signal_number);
}

int ladle_process_reap(int pidfd, int *code, int *signal_number) {
    return wait_for(pidfd, WNOHANG, code, signal_number);
}

int64_t ladle_send_line(int socket, const void *bytes, size_t count, int descriptor) {
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.space;
        message.msg_controllen = sizeof control.space;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    }
    ssize_t sent;
    do {
        sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

int ladle_open_folder(const char *path) {
    int result;
    do {
        result = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : result;
}

int ladle_open_beneath(int folder, const char *path, int flags, uint32_t mode) {
    struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC),
        .mode = mode,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    long result;
    // EAGAIN: something was renamed while the kernel looked for "..", which it then can't judge.
    int attempts = 0;
    do {
        result = syscall(SYS_openat2, folder, path, &how, sizeof how);
    } while (result < 0 && (errno == EINTR || (errno == EAGAIN && ++attempts < 100)));
    return result < 0 ? -errno : (int)result;
}

void ladle_error_text(int number, char *text, size_t space) {
    const char *words = strerrordesc_np(number);
    if (words != NULL)
        snprintf(text, space, "%s", words);
    else
        snprintf(text, space, "error %d", number);
}
