// usrsctp has two clocks: its timers go by the milliseconds that it is handed, and what they do by the wall clock. A test
// that lets a minute pass in a moment would leave the second one behind. Linked into the tests' program, this gives it the
// time that it was handed as the wall clock's. Nothing is to be called.
#pragma once

/// Milliseconds that usrsctp was handed so far.
unsigned long long ladle_test_sctp_milliseconds(void);
