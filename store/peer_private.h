/*
 * What the files of a peer share: peer.c (its life, and what is stored of it),
 * peer_serve.c (what it says, a handler for each message).
 */
#ifndef STORE_PEER_PRIVATE_H
#define STORE_PEER_PRIVATE_H

#include "peer.h"

/* Keep a copy; without memory the old text stays, it is only for display. */
void peer_set_text(char **to, struct wire_view text);

/* What it says of itself; what was known already is not forgotten for less. */
void peer_take_hello(struct peer *peer, const struct keep_hello *hello);

/* A job of this peer with its user as of now; NULL: no memory. */
struct job *peer_new_job(struct peer *peer, enum job_type type, uint32_t seq);

/* Have the user and the policy stored; false: no memory. */
bool peer_save_state(struct peer *peer);

void peer_reader_free(struct peer *peer, struct peer_reader *reader);

/* Its datagrams, at most PEER_BURST of them; arg is the peer. */
void peer_on_readable(evutil_socket_t fd, short what, void *arg);

#endif
