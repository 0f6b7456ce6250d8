/*
 * SANITIZED: the address sanitizer is built in.  It reserves much memory, and
 * looks into the process from outside to find leaks.
 */
#ifndef PROXY_SANITIZED_H
#define PROXY_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#endif
