// GStreamer as Swift can see it: casts, variadic calls and macros that can't be imported stand here as inline functions.
#pragma once
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

static inline GstMessageType ladle_gst_message_type(GstMessage *message) { return GST_MESSAGE_TYPE(message); }
