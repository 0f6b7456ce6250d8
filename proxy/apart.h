/*
 * Work whose memory is kept apart.  What the gate prepares, the configuration
 * and the TLS contexts, stays for good, and between it are the holes of what
 * was needed for a moment.  A session would fill them, and so copy each page
 * that has one.  A thread has an arena of the heap for itself: there the holes
 * trouble nobody, and what a session needs lies close together in the arena
 * that it inherits.
 */
#ifndef PROXY_APART_H
#define PROXY_APART_H

/*
 * Returns when work has ended.  What it allocated is used and freed like any
 * other memory; it may not keep anything of its thread.
 */
void apart_run(void (*work)(void *arg), void *arg);

#endif
