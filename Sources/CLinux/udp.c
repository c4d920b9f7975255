#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <string.h>
#include <netinet/udp.h>

// Older libc headers lack them; the numbers are the kernel's (include/uapi/linux/udp.h).
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

_Static_assert(sizeof(ladle_mmsghdr) == sizeof(struct mmsghdr), "one layout");
_Static_assert(offsetof(ladle_mmsghdr, msg_len) == offsetof(struct mmsghdr, msg_len), "one layout");
_Static_assert(LADLE_CONTROL_SPACE >= CMSG_SPACE(sizeof(int)), "room for UDP_GRO's int");
_Static_assert(LADLE_CONTROL_SPACE % _Alignof(struct cmsghdr) == 0, "control blocks lie side by side");

int ladle_recvmmsg(int fd, ladle_mmsghdr *messages, unsigned int count) {
    int n = recvmmsg(fd, (struct mmsghdr *)messages, count, MSG_DONTWAIT, NULL);
    return n < 0 ? -errno : n;
}

int ladle_sendmmsg(int fd, ladle_mmsghdr *messages, unsigned int count) {
    int n = sendmmsg(fd, (struct mmsghdr *)messages, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n < 0 ? -errno : n;
}

void ladle_put_segment_size(struct msghdr *message, void *control, uint16_t segment_size) {
    message->msg_control = control;
    message->msg_controllen = CMSG_SPACE(sizeof segment_size);
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    c->cmsg_level = SOL_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof segment_size);
    memcpy(CMSG_DATA(c), &segment_size, sizeof segment_size);
}

int ladle_received_segment_size(const struct msghdr *message) {
    struct msghdr *m = (struct msghdr *)message; // CMSG_NXTHDR wants it writable and does not write
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_UDP || c->cmsg_type != UDP_GRO || c->cmsg_len < CMSG_LEN(sizeof(int))) continue;
        int size;
        memcpy(&size, CMSG_DATA(c), sizeof size);
        return size > 0 ? size : 0;
    }
    return 0;
}

int ladle_udp_socket(int family) {
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

int ladle_udp_receive_joined(int fd) {
    int on = 1;
    return setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on) < 0 ? -errno : 0;
}

void ladle_socket_buffers(int fd, int receive_bytes, int send_bytes) {
    // The forced variants need CAP_NET_ADMIN; the others are cut to net.core.rmem_max and wmem_max silently.
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_bytes, sizeof receive_bytes) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &send_bytes, sizeof send_bytes) < 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
}
