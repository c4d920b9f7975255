// libav as Swift can see it: macros that can't be imported stand here as constants and inline functions.
#pragma once
#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/channel_layout.h>
#include <libavutil/display.h>
#include <libavutil/error.h>
#include <libavutil/imgutils.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libavutil/rational.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const int ladle_averror_eagain = AVERROR(EAGAIN);
static const int ladle_averror_eof = AVERROR_EOF;
static const int ladle_averror_exit = AVERROR_EXIT;
static const int64_t ladle_av_nopts_value = AV_NOPTS_VALUE;
static const int ladle_averror_decoder_not_found = AVERROR_DECODER_NOT_FOUND;
static const int ladle_averror_encoder_not_found = AVERROR_ENCODER_NOT_FOUND;
static const int ladle_averror_invalid_data = AVERROR_INVALIDDATA;
static inline int ladle_averror(int code) { return AVERROR(code); }

/// A file that names other files or addresses (playlists, external references) gets nothing opened.
static inline int ladle_av_refuse_open(
    AVFormatContext *context, AVIOContext **io, const char *url, int flags, AVDictionary **options) {
    (void)io, (void)flags, (void)options;
    av_log(context, AV_LOG_WARNING, "refused to open \"%.200s\", which the file asks for\n", url ? url : "");
    return AVERROR(EPERM);
}
static inline void ladle_av_refuse_opening(AVFormatContext *context) { context->io_open = ladle_av_refuse_open; }

/// Takes one line of libav's log. Called on any thread.
typedef void (*ladle_av_log_sink)(int level, const char *line, int length);
/// Where the taker stands: a variable of the header itself would belong to no object file.
static inline ladle_av_log_sink *ladle_av_log_taker(void) {
    static ladle_av_log_sink taker;
    return &taker;
}

static inline void ladle_av_log_line(void *object, int level, const char *format, va_list arguments) {
    if (level > av_log_get_level()) return;
    // Longer than any address that is accepted; what is longer still is cut nowhere but left out whole, so that no half
    // of a secret can slip through.
    char text[16384];
    int prefix = 1;
    int written = av_log_format_line2(object, level, format, arguments, text, (int)sizeof text, &prefix);
    if (written <= 0 || written >= (int)sizeof text) return;
    ladle_av_log_sink taker = *ladle_av_log_taker();
    if (taker) taker(level, text, written);
}
static inline void ladle_av_log_to(int level, ladle_av_log_sink taker) {
    *ladle_av_log_taker() = taker;
    av_log_set_level(level);
    av_log_set_callback(ladle_av_log_line);
}

static const int ladle_averror_http_bad_request = AVERROR_HTTP_BAD_REQUEST;
static const int ladle_averror_http_unauthorized = AVERROR_HTTP_UNAUTHORIZED;
static const int ladle_averror_http_forbidden = AVERROR_HTTP_FORBIDDEN;
static const int ladle_averror_http_not_found = AVERROR_HTTP_NOT_FOUND;
static const int ladle_averror_http_other_4xx = AVERROR_HTTP_OTHER_4XX;
static const int ladle_averror_http_server_error = AVERROR_HTTP_SERVER_ERROR;
static const int ladle_averror_protocol_not_found = AVERROR_PROTOCOL_NOT_FOUND;
static const int ladle_averror_demuxer_not_found = AVERROR_DEMUXER_NOT_FOUND;
