/*
 * A part of Kerberos' configuration that adds a directory of PKINIT anchors to
 * what the host has configured, and takes nothing away: KRB5_CONFIG names it
 * before the host's own file.
 *
 * libkrb5 takes the anchors of a realm from the first of these places that has
 * any: [libdefaults] for the realm, [realms], [libdefaults] for all.  Within
 * one place all files count.  So the directory is added in each place where the
 * host has anchors, and their own stay in force beside it.
 */
#ifndef STORE_KERBEROS_H
#define STORE_KERBEROS_H

#include "wire.h"

enum {
	KERBEROS_REALMS_MAX = 64, /* with anchors of their own */
	KERBEROS_TEXT_MAX = 64 * 1024
};

#define KERBEROS_CONFIG "/etc/krb5.conf"

struct kerberos;

/*
 * Read the configuration at path, with all that it includes.  One that is not
 * there, or that libkrb5 cannot read, has no anchors.  NULL: no memory.
 */
struct kerberos *kerberos_new(const char *path);

/* Read it again. */
void kerberos_refresh(struct kerberos *kerberos);
void kerberos_free(struct kerberos *kerberos);

/*
 * The text; anchors is the directory, or NULL for none: then it says nothing.
 * kerberos may be NULL, as if nothing were configured.
 */
void kerberos_put(struct wire_out *out, const struct kerberos *kerberos,
                  const char *anchors);

#endif
