// libav as Swift can see it: macros that can't be imported stand here as constants and inline functions.
#pragma once
#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/channel_layout.h>
#include <libavutil/error.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libavutil/rational.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>

static const int ladle_averror_eagain = AVERROR(EAGAIN);
static const int ladle_averror_eof = AVERROR_EOF;
static const int ladle_averror_exit = AVERROR_EXIT;
static const int64_t ladle_av_nopts_value = AV_NOPTS_VALUE;
static inline int ladle_averror(int code) { return AVERROR(code); }
