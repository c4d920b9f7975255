#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

static void set(int fd, int level, int name, int value) { setsockopt(fd, level, name, &value, sizeof value); }

void ladle_ipv6_only(int fd) { set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1); }

int ladle_tcp_listen(const struct sockaddr_in6 *address, socklen_t length, int backlog) {
    int fd = socket(address->sin6_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    // Connections of the last run that linger are no hindrance.
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (address->sin6_family == AF_INET6) ladle_ipv6_only(fd);
    if (bind(fd, (const struct sockaddr *)address, length) < 0 || listen(fd, backlog) < 0) {
        int cause = errno;
        close(fd);
        return -cause;
    }
    return fd;
}

int ladle_tcp_accept(int fd, struct sockaddr_in6 *remote, int unsent_bytes) {
    socklen_t length = sizeof *remote;
    memset(remote, 0, sizeof *remote);
    int connection = accept4(fd, (struct sockaddr *)remote, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0) return -errno;
    set(connection, IPPROTO_TCP, TCP_NODELAY, 1);
    // What waits in the kernel is late when it gets out, and nobody can drop it there.
    set(connection, IPPROTO_TCP, TCP_NOTSENT_LOWAT, unsent_bytes);
    // A remote side that went away without a word is noticed after half a minute, busy or idle.
    set(connection, IPPROTO_TCP, TCP_USER_TIMEOUT, 30000);
    set(connection, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(connection, IPPROTO_TCP, TCP_KEEPIDLE, 15);
    set(connection, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set(connection, IPPROTO_TCP, TCP_KEEPCNT, 3);
    return connection;
}

int64_t ladle_tcp_receive(int fd, void *bytes, size_t room) {
    ssize_t n = recv(fd, bytes, room, MSG_DONTWAIT);
    return n < 0 ? -errno : n;
}

int64_t ladle_tcp_send(int fd, const struct iovec *pieces, size_t count) {
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = count}; // only read
    ssize_t n = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n < 0 ? -errno : n;
}
