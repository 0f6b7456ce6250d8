/*
 * Asking whether a password is an account's of this host: the session's side.
 *
 * The one who answers is the voucher (voucher.h), the only process that keeps
 * root; it asks PAM, service "cardproxy".  It knows the client's address from
 * the gate and not from us, and limits what a client may try.
 *
 * The password is copied into one buffer that is wiped as soon as it is sent.
 * Nothing here logs.
 */
#ifndef PROXY_VOUCH_H
#define PROXY_VOUCH_H

#include <event2/event.h>

#include "vouchwire.h"

enum { VOUCH_PATIENCE_MS = 40000 };

struct vouch;

/*
 * The answer to the one question that is open, on a turn of the loop of its
 * own.  The voucher's last word is also an answer: VOUCH_ABSENT when it is
 * gone. account is what PAM calls the user, borrowed, and empty unless the
 * reason is VOUCH_ACCEPTED.
 */
typedef void vouch_answered(void *arg, enum vouch_reason reason,
                            struct wire_view account);

/*
 * fd is the session's end of a pair with the voucher, taken; -1 when there is
 * no voucher: then each question is answered VOUCH_ABSENT.  NULL: no memory,
 * fd is closed.  It may be freed from inside the callback.
 */
struct vouch *vouch_new(struct event_base *base, int fd,
                        vouch_answered *on_answered, void *arg);
void vouch_free(struct vouch *v);

/*
 * Ask.  user is the account's name for PAM, password is UTF-8: both without NUL
 * and neither empty nor above its maximum (vouchwire.h).  They are the caller's
 * and to be wiped by the caller.  False: they are not such, or a question is
 * open already; then no answer comes.  One that nobody answers within
 * VOUCH_PATIENCE_MS is answered VOUCH_LATE.
 */
bool vouch_ask(struct vouch *v, struct wire_view user,
               struct wire_view password);

#endif
