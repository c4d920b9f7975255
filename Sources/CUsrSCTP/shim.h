// usrsctp as Swift can see it, and the sequences of its calls that make one association over packets of our own.
#pragma once
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <usrsctp.h>

// Associations are named by numbers that the library takes for addresses and only compares.
typedef int (*ladle_sctp_output)(void *address, void *packet, size_t length, uint8_t tos, uint8_t setDF);
typedef int (*ladle_sctp_receive)(
    struct socket *socket, union sctp_sockstore from, void *data, size_t length, struct sctp_rcvinfo info, int flags,
    void *context);
typedef int (*ladle_sctp_sent)(struct socket *socket, uint32_t free, void *context);

enum {
    ladle_sctp_notification = MSG_NOTIFICATION,
    ladle_sctp_end_of_record = MSG_EOR,
};

/// Once in a process. No thread is made, and nothing is printed.
static inline void ladle_sctp_init(ladle_sctp_output output) {
    usrsctp_init_nothreads(0, output, NULL);
    // What WebRTC has no use for, so that nobody can reach it (RFC 8831 §5): marks of congestion that DTLS does not carry,
    // changes of addresses that there are none of, authentication that DTLS does.
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_sysctl_set_sctp_asconf_enable(0);
    usrsctp_sysctl_set_sctp_auth_enable(0);
    // Packets of no association are not answered.
    usrsctp_sysctl_set_sctp_blackhole(2);
}

static inline struct sockaddr_conn ladle_sctp_address(uintptr_t key, uint16_t port) {
    struct sockaddr_conn address;
    memset(&address, 0, sizeof address);
    address.sconn_family = AF_CONN;
    address.sconn_port = htons(port);
    address.sconn_addr = (void *)key;
    return address;
}

static inline int ladle_sctp_option(struct socket *socket, int option, const void *value, socklen_t length) {
    return usrsctp_setsockopt(socket, IPPROTO_SCTP, option, value, length);
}

/// A socket with the options of WebRTC, bound to its port. NULL with errno set: it can't be made.
static inline struct socket *ladle_sctp_open(
    uintptr_t key, uint16_t port, uint16_t outgoing, uint16_t incoming, int sendBuffer, int receiveBuffer,
    ladle_sctp_receive receive, ladle_sctp_sent sent) {
    // Told of whatever has been taken off the send buffer: 1 byte of room is enough.
    struct socket *socket =
        usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, receive, sent, 1, (void *)key);
    if (!socket) return NULL;
    const uint16_t events[] = {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT, SCTP_STREAM_CHANGE_EVENT,
                               SCTP_PARTIAL_DELIVERY_EVENT};
    // Closing does not wait for anybody: the other side is told by an ABORT.
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    struct sctp_assoc_value resets = {
        .assoc_id = SCTP_ALL_ASSOC, .assoc_value = SCTP_ENABLE_RESET_STREAM_REQ | SCTP_ENABLE_CHANGE_ASSOC_REQ};
    uint32_t on = 1;
    // A remote side that is not ready yet is asked again, every 5 s at least, for days.
    struct sctp_initmsg init = {.sinit_num_ostreams = outgoing, .sinit_max_instreams = incoming,
                                .sinit_max_attempts = 65535, .sinit_max_init_timeo = 5000};
    struct sockaddr_conn address = ladle_sctp_address(key, port);
    int failed = usrsctp_set_non_blocking(socket, 1) < 0
        || usrsctp_setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) < 0
        || usrsctp_setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &sendBuffer, sizeof sendBuffer) < 0
        || usrsctp_setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, sizeof receiveBuffer) < 0
        || ladle_sctp_option(socket, SCTP_ENABLE_STREAM_RESET, &resets, sizeof resets) < 0
        || ladle_sctp_option(socket, SCTP_NODELAY, &on, sizeof on) < 0
        || ladle_sctp_option(socket, SCTP_INITMSG, &init, sizeof init) < 0;
    for (size_t i = 0; !failed && i < sizeof events / sizeof events[0]; i++) {
        struct sctp_event event = {.se_assoc_id = SCTP_ALL_ASSOC, .se_type = events[i], .se_on = 1};
        failed = ladle_sctp_option(socket, SCTP_EVENT, &event, sizeof event) < 0;
    }
    if (!failed && usrsctp_bind(socket, (struct sockaddr *)&address, sizeof address) == 0) return socket;
    int error = errno;
    usrsctp_close(socket);
    errno = error;
    return NULL;
}

/// Sends INIT. 0, or errno.
static inline int ladle_sctp_connect(struct socket *socket, uintptr_t key, uint16_t port, uint32_t maximumPacket) {
    struct sockaddr_conn address = ladle_sctp_address(key, port);
    if (usrsctp_connect(socket, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) return errno;
    struct sctp_paddrparams path;
    memset(&path, 0, sizeof path);
    memcpy(&path.spp_address, &address, sizeof address);
    path.spp_flags = SPP_PMTUD_DISABLE;
    path.spp_pathmtu = maximumPacket;
    return ladle_sctp_option(socket, SCTP_PEER_ADDR_PARAMS, &path, sizeof path) < 0 ? errno : 0;
}

/// policy: SCTP_PR_SCTP_NONE, _TTL (value in ms) or _RTX (value in times). ppid in host order. 0, or errno.
static inline int ladle_sctp_send(
    struct socket *socket, const void *data, size_t length, uint16_t stream, uint32_t ppid, int ordered,
    uint16_t policy, uint32_t value) {
    struct sctp_sendv_spa spa;
    memset(&spa, 0, sizeof spa);
    spa.sendv_flags = SCTP_SEND_SNDINFO_VALID;
    spa.sendv_sndinfo.snd_sid = stream;
    spa.sendv_sndinfo.snd_ppid = htonl(ppid);
    spa.sendv_sndinfo.snd_flags = SCTP_EOR | (ordered ? 0 : SCTP_UNORDERED);
    if (policy != SCTP_PR_SCTP_NONE) {
        spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
        spa.sendv_prinfo.pr_policy = policy;
        spa.sendv_prinfo.pr_value = value;
    }
    ssize_t sent = usrsctp_sendv(socket, data, length, NULL, 0, &spa, sizeof spa, SCTP_SENDV_SPA, 0);
    return sent < 0 ? errno : 0;
}

/// flags: SCTP_STREAM_RESET_OUTGOING or _INCOMING. 0, or errno.
static inline int ladle_sctp_reset(struct socket *socket, uint16_t flags, uint16_t stream) {
    union {
        struct sctp_reset_streams request;
        uint8_t bytes[sizeof(struct sctp_reset_streams) + sizeof(uint16_t)];
    } reset;
    memset(&reset, 0, sizeof reset);
    reset.request.srs_assoc_id = SCTP_ALL_ASSOC;
    reset.request.srs_flags = flags;
    reset.request.srs_number_streams = 1;
    memcpy(reset.bytes + sizeof(struct sctp_reset_streams), &stream, sizeof stream);
    return ladle_sctp_option(socket, SCTP_RESET_STREAMS, &reset, sizeof reset) < 0 ? errno : 0;
}

/// More outgoing streams than were agreed on. 0, or errno.
static inline int ladle_sctp_add_streams(struct socket *socket, uint16_t outgoing) {
    struct sctp_add_streams more = {.sas_assoc_id = SCTP_ALL_ASSOC, .sas_instrms = 0, .sas_outstrms = outgoing};
    return ladle_sctp_option(socket, SCTP_ADD_STREAMS, &more, sizeof more) < 0 ? errno : 0;
}
