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

/// libav's log as whole lines on standard error, at most 20 a second: a broken file must not flood anyone.
static inline void ladle_av_log_line(void *object, int level, const char *format, va_list arguments) {
    static time_t second;
    static int lines;
    if (level > av_log_get_level()) return;
    char text[512] = "libav: ";
    int prefix = 1;
    int written = av_log_format_line2(object, level, format, arguments, text + 7, (int)sizeof text - 9, &prefix);
    if (written <= 0) return;
    // Races between libav's threads can at worst let some more lines through.
    time_t now = time(NULL);
    if (now != second) second = now, lines = 0;
    if (++lines > 20) return;
    size_t length = strlen(text);
    for (size_t i = 0; i + 1 < length; i++)
        if (text[i] == '\n' || text[i] == '\r') text[i] = ' ';
    if (text[length - 1] != '\n') text[length++] = '\n';
    ssize_t ignored = write(2, text, length);
    (void)ignored;
}
static inline void ladle_av_log_to_stderr(int level) {
    av_log_set_level(level);
    av_log_set_callback(ladle_av_log_line);
}
