// For ladle-pipeline: its tie to the daemon, descriptors that ride along with lines, batches of datagrams.
#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

int ladle_worker_die_with_parent(void) {
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 ? 0 : -errno;
}

// More than one descriptor a message is nobody's business here: the rest is closed.
enum { WORKER_DESCRIPTORS = 16 };

ssize_t ladle_worker_receive(int socket, void *bytes, size_t room, int *descriptor) {
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int) * WORKER_DESCRIPTORS)];
    } control;
    struct iovec vector = {bytes, room};
    struct msghdr message = {0};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.room;
    message.msg_controllen = sizeof control.room;
    *descriptor = -1;
    ssize_t got;
    do got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0) return -errno;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int one;
            memcpy(&one, CMSG_DATA(head) + i * sizeof one, sizeof one);
            if (*descriptor < 0) *descriptor = one;
            else close(one);
        }
    }
    return got;
}

ssize_t ladle_worker_send(int socket, const void *bytes, size_t count, int descriptor) {
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec vector = {(void *)bytes, count};
    struct msghdr message = {0};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    if (descriptor >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.room;
        message.msg_controllen = sizeof control.room;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof descriptor);
        memcpy(CMSG_DATA(head), &descriptor, sizeof descriptor);
    }
    ssize_t sent;
    do sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

int ladle_worker_wait(struct pollfd *descriptors, unsigned count, int64_t timeout_ns) {
    if (timeout_ns < 0) timeout_ns = 0;
    struct timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    int ready = ppoll(descriptors, count, &timeout, NULL);
    return ready < 0 ? -errno : ready;
}

int ladle_worker_send_many(int socket, const uint8_t *bytes, const uint32_t *sizes, unsigned count) {
    enum { BATCH = 64 };
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    unsigned done = 0;
    while (done < count) {
        unsigned batch = count - done < BATCH ? count - done : BATCH;
        const uint8_t *next = bytes;
        for (unsigned i = 0; i < batch; i++) {
            vectors[i] = (struct iovec){(void *)next, sizes[done + i]};
            messages[i] = (struct mmsghdr){0};
            messages[i].msg_hdr.msg_iov = &vectors[i];
            messages[i].msg_hdr.msg_iovlen = 1;
            next += sizes[done + i];
        }
        int sent = sendmmsg(socket, messages, batch, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        // An error belongs to the first one of the batch (also one that an earlier datagram's ICMP left): skip it.
        unsigned passed = sent > 0 ? (unsigned)sent : 1;
        if (sent < 0 && errno != ECONNREFUSED && errno != ENOBUFS && errno != EAGAIN && errno != EPERM) return -errno;
        // A refusal that was pending did not send this datagram: once more, then it is lost.
        if (sent < 0 && errno == ECONNREFUSED && sendmmsg(socket, messages, 1, MSG_NOSIGNAL) < 0 && errno == EBADF)
            return -EBADF;
        for (unsigned i = 0; i < passed; i++) bytes += sizes[done + i];
        done += passed;
    }
    return 0;
}

int ladle_worker_receive_many(int socket, uint8_t *bytes, unsigned slot, uint32_t *sizes, unsigned count) {
    enum { BATCH = 64 };
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    if (count > BATCH) count = BATCH;
    for (unsigned i = 0; i < count; i++) {
        vectors[i] = (struct iovec){bytes + (size_t)i * slot, slot};
        messages[i] = (struct mmsghdr){0};
        messages[i].msg_hdr.msg_iov = &vectors[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    int got = recvmmsg(socket, messages, count, MSG_DONTWAIT, NULL);
    if (got < 0) return -errno;
    // A datagram that was cut is longer than any that we know: size 0 says "not this one".
    for (int i = 0; i < got; i++)
        sizes[i] = messages[i].msg_hdr.msg_flags & MSG_TRUNC ? 0 : messages[i].msg_len;
    return got;
}

int ladle_worker_receive_buffer(int socket, int bytes) {
    if (setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    int got = 0;
    socklen_t length = sizeof got;
    return getsockopt(socket, SOL_SOCKET, SO_RCVBUF, &got, &length) == 0 ? got : -errno;
}
