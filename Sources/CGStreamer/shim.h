// GStreamer as Swift can see it: casts, variadic calls and macros that can't be imported stand here as inline functions.
#pragma once
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>

// Messages
static inline GstMessageType ladle_gst_message_type(GstMessage *message) { return GST_MESSAGE_TYPE(message); }
static inline GstObject *ladle_gst_message_source(GstMessage *message) { return GST_MESSAGE_SRC(message); }

// Casts: nil when it is none.
static inline GstBin *ladle_gst_bin(GstElement *element) { return GST_IS_BIN(element) ? GST_BIN(element) : NULL; }
static inline GstPipeline *ladle_gst_pipeline(GstElement *element) {
    return GST_IS_PIPELINE(element) ? GST_PIPELINE(element) : NULL;
}
static inline GstElement *ladle_gst_element(GstObject *object) {
    return object && GST_IS_ELEMENT(object) ? GST_ELEMENT(object) : NULL;
}
static inline GstAppSink *ladle_gst_app_sink(GstElement *element) {
    return GST_IS_APP_SINK(element) ? GST_APP_SINK(element) : NULL;
}
static inline GstAppSrc *ladle_gst_app_source(GstElement *element) {
    return GST_IS_APP_SRC(element) ? GST_APP_SRC(element) : NULL;
}
static inline GstElementFactory *ladle_gst_element_factory(GstPluginFeature *feature) {
    return GST_IS_ELEMENT_FACTORY(feature) ? GST_ELEMENT_FACTORY(feature) : NULL;
}

// Names; those of objects live as long as the object.
static inline char *ladle_gst_object_name(void *object) { return gst_object_get_name(GST_OBJECT(object)); }
static inline const char *ladle_gst_feature_name(GstElementFactory *factory) { return GST_OBJECT_NAME(factory); }
static inline const char *ladle_gst_feature_plugin(GstElementFactory *factory) {
    return gst_plugin_feature_get_plugin_name(GST_PLUGIN_FEATURE(factory));
}
static inline void ladle_gst_remove_feature(GstElementFactory *factory) {
    gst_registry_remove_feature(gst_registry_get(), GST_PLUGIN_FEATURE(factory));
}
static inline void ladle_gst_add_feature(GstElementFactory *factory) {
    // The registry takes a reference of its own.
    gst_registry_add_feature(gst_registry_get(), GST_PLUGIN_FEATURE(gst_object_ref(factory)));
}
static inline const char *ladle_gst_factory_class(GstElementFactory *factory) {
    return gst_element_factory_get_metadata(factory, GST_ELEMENT_METADATA_KLASS);
}

// Iterators: the next object with a reference of the caller's, nil at the end.
static inline void *ladle_gst_iterator_next(GstIterator *iterator) {
    GValue value = G_VALUE_INIT;
    for (;;) {
        switch (gst_iterator_next(iterator, &value)) {
        case GST_ITERATOR_OK: {
            void *object = g_value_dup_object(&value);
            g_value_unset(&value);
            return object;
        }
        case GST_ITERATOR_RESYNC: gst_iterator_resync(iterator); break;
        default: return NULL;
        }
    }
}

// Values
typedef enum {
    LADLE_GST_BOOLEAN, LADLE_GST_INTEGER, LADLE_GST_NUMBER, LADLE_GST_STRING, LADLE_GST_ENUMERATION, LADLE_GST_FRACTION,
    LADLE_GST_CAPS, LADLE_GST_OTHER
} LadleGstKind;

static inline LadleGstKind ladle_gst_kind(GType type) {
    if (type == GST_TYPE_FRACTION) return LADLE_GST_FRACTION;
    if (type == GST_TYPE_CAPS) return LADLE_GST_CAPS;
    switch (G_TYPE_FUNDAMENTAL(type)) {
    case G_TYPE_BOOLEAN: return LADLE_GST_BOOLEAN;
    case G_TYPE_INT: case G_TYPE_UINT: case G_TYPE_LONG: case G_TYPE_ULONG: case G_TYPE_INT64: case G_TYPE_UINT64:
        return LADLE_GST_INTEGER;
    case G_TYPE_FLOAT: case G_TYPE_DOUBLE: return LADLE_GST_NUMBER;
    case G_TYPE_STRING: return LADLE_GST_STRING;
    case G_TYPE_ENUM: return LADLE_GST_ENUMERATION;
    default: return LADLE_GST_OTHER;
    }
}

/// False when the type can't hold it.
static inline gboolean ladle_gst_set_integer(GValue *value, gint64 integer) {
    switch (G_TYPE_FUNDAMENTAL(G_VALUE_TYPE(value))) {
    case G_TYPE_INT: if (integer < G_MININT || integer > G_MAXINT) return FALSE; g_value_set_int(value, (gint)integer); break;
    case G_TYPE_UINT: if (integer < 0 || integer > G_MAXUINT) return FALSE; g_value_set_uint(value, (guint)integer); break;
    case G_TYPE_LONG: g_value_set_long(value, integer); break;
    case G_TYPE_ULONG: if (integer < 0) return FALSE; g_value_set_ulong(value, (gulong)integer); break;
    case G_TYPE_INT64: g_value_set_int64(value, integer); break;
    case G_TYPE_UINT64: if (integer < 0) return FALSE; g_value_set_uint64(value, (guint64)integer); break;
    default: return FALSE;
    }
    return TRUE;
}
static inline void ladle_gst_set_number(GValue *value, double number) {
    if (G_VALUE_HOLDS_FLOAT(value)) g_value_set_float(value, (float)number);
    else g_value_set_double(value, number);
}
static inline void ladle_gst_set_fraction(GValue *value, int numerator, int denominator) {
    gst_value_set_fraction(value, numerator, denominator);
}
/// By nick; false: there is no such word.
static inline gboolean ladle_gst_set_word(GValue *value, const char *word) {
    GEnumClass *words = G_ENUM_CLASS(g_type_class_ref(G_VALUE_TYPE(value)));
    GEnumValue *found = g_enum_get_value_by_nick(words, word);
    if (found) g_value_set_enum(value, found->value);
    g_type_class_unref(words);
    return found != NULL;
}
/// The words of an enumeration with ", " between; to be freed.
static inline char *ladle_gst_words(GType type) {
    GEnumClass *words = G_ENUM_CLASS(g_type_class_ref(type));
    GString *list = g_string_new(NULL);
    for (guint index = 0; index < words->n_values; index++) {
        g_string_append_printf(list, index ? ", %s" : "%s", words->values[index].value_nick);
    }
    g_type_class_unref(words);
    return g_string_free(list, FALSE);
}

// Properties
static inline GType ladle_gst_property_type(GParamSpec *spec) { return spec->value_type; }
static inline gboolean ladle_gst_is_writable(GParamSpec *spec) { return (spec->flags & G_PARAM_WRITABLE) != 0; }
/// False: the property has no numeric range.
static inline gboolean ladle_gst_range(GParamSpec *spec, double *low, double *high) {
    if (G_IS_PARAM_SPEC_INT(spec)) *low = G_PARAM_SPEC_INT(spec)->minimum, *high = G_PARAM_SPEC_INT(spec)->maximum;
    else if (G_IS_PARAM_SPEC_UINT(spec)) *low = G_PARAM_SPEC_UINT(spec)->minimum, *high = G_PARAM_SPEC_UINT(spec)->maximum;
    else if (G_IS_PARAM_SPEC_INT64(spec)) *low = (double)G_PARAM_SPEC_INT64(spec)->minimum, *high = (double)G_PARAM_SPEC_INT64(spec)->maximum;
    else if (G_IS_PARAM_SPEC_UINT64(spec)) *low = (double)G_PARAM_SPEC_UINT64(spec)->minimum, *high = (double)G_PARAM_SPEC_UINT64(spec)->maximum;
    else if (G_IS_PARAM_SPEC_FLOAT(spec)) *low = G_PARAM_SPEC_FLOAT(spec)->minimum, *high = G_PARAM_SPEC_FLOAT(spec)->maximum;
    else if (G_IS_PARAM_SPEC_DOUBLE(spec)) *low = G_PARAM_SPEC_DOUBLE(spec)->minimum, *high = G_PARAM_SPEC_DOUBLE(spec)->maximum;
    else return FALSE;
    return TRUE;
}
static inline GObject *ladle_gst_gobject(void *object) { return G_OBJECT(object); }
static inline GObjectClass *ladle_gst_class(void *object) { return G_OBJECT_GET_CLASS(object); }
/// The object that a name like "sink_0::xpos" or "fd" means, with a reference; nil: there is none.
static inline GObject *ladle_gst_lookup(void *object, const char *name, GParamSpec **spec) {
    GObject *target = NULL;
    // GstChildProxy is an interface of bins and of a few elements.
    if (GST_IS_CHILD_PROXY(object)) return gst_child_proxy_lookup(GST_CHILD_PROXY(object), name, &target, spec) ? target : NULL;
    *spec = g_object_class_find_property(G_OBJECT_GET_CLASS(object), name);
    return *spec ? G_OBJECT(g_object_ref(object)) : NULL;
}

// Buffers
static inline GstClockTime ladle_gst_pts(GstBuffer *buffer) { return GST_BUFFER_PTS(buffer); }
static inline GstClockTime ladle_gst_dts(GstBuffer *buffer) { return GST_BUFFER_DTS(buffer); }
static inline GstClockTime ladle_gst_duration(GstBuffer *buffer) { return GST_BUFFER_DURATION(buffer); }
static inline gboolean ladle_gst_is_delta(GstBuffer *buffer) { return GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT); }
static inline gboolean ladle_gst_is_header(GstBuffer *buffer) { return GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_HEADER); }
static inline void ladle_gst_set_times(GstBuffer *buffer, GstClockTime time, GstClockTime duration, gboolean is_key) {
    GST_BUFFER_PTS(buffer) = time;
    GST_BUFFER_DTS(buffer) = time;
    if (duration > 0) GST_BUFFER_DURATION(buffer) = duration;
    if (!is_key) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
}
static const guint64 ladle_gst_no_time = GST_CLOCK_TIME_NONE;

// Events
/// Asks the encoder upstream of a sink's pad for a key frame, with everything a new viewer needs.
static inline gboolean ladle_gst_force_key_frame(GstElement *sink) {
    return gst_element_send_event(sink, gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM,
        gst_structure_new("GstForceKeyUnit", "all-headers", G_TYPE_BOOLEAN, TRUE, NULL)));
}

// Errors
static inline gboolean ladle_gst_is_parse_error(GError *error) { return error->domain == GST_PARSE_ERROR; }
