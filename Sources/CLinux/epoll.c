#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>

int ladle_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

int ladle_timer(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC); }

int ladle_timer_set(int timer, int64_t deadline_ns) {
    struct itimerspec at = {.it_value = {.tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000}};
    return timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL) == 0 ? 0 : errno;
}

int ladle_epoll_wait(int epoll, struct epoll_event *events, int capacity, int64_t timeout_ns) {
    struct timespec t = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    // epoll_wait knows whole milliseconds only: too coarse for a window of one.
    int n = epoll_pwait2(epoll, events, capacity, timeout_ns < 0 ? NULL : &t, NULL);
    return n < 0 ? -errno : n;
}
