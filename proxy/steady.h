/* The clock that deadlines go by: nobody sets it, and it never goes back. */
#ifndef PROXY_STEADY_H
#define PROXY_STEADY_H

#include <stdint.h>

/* Milliseconds since some moment before the daemon began. */
uint64_t steady_now_ms(void);

#endif
