#include "kerberos.h"

#include <profile.h>
#include <stdlib.h>
#include <string.h>

#define ANCHORS "pkinit_anchors"

/* The places for one realm, in the order in which libkrb5 asks them. */
enum place { PLACE_LIBDEFAULTS, PLACE_REALMS, PLACES };
static const char *const places[PLACES] = {"libdefaults", "realms"};

enum { REALM_SIZE = 128 };

struct realms {
	char names[KERBEROS_REALMS_MAX][REALM_SIZE];
	size_t count;
};

struct kerberos {
	char *path;
	struct realms realms[PLACES];
};

struct kerberos *
kerberos_new(const char *path)
{
	struct kerberos *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->path = strdup(path);
	if (k->path == NULL) {
		free(k);
		return NULL;
	}
	kerberos_refresh(k);
	return k;
}

void
kerberos_free(struct kerberos *kerberos)
{
	if (kerberos == NULL)
		return;
	free(kerberos->path);
	free(kerberos);
}

/* A name that can stand in our text as it is. */
static bool
is_realm(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz"
	                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                          "0123456789._-");

	return len > 0 && len < REALM_SIZE && name[len] == '\0';
}

static bool
has_anchors(profile_t profile, const char *section, const char *realm)
{
	const char *names[] = {section, realm, ANCHORS, NULL};
	char **values = NULL;
	bool some = profile_get_values(profile, names, &values) == 0 &&
	            values != NULL && values[0] != NULL;

	if (values != NULL)
		profile_free_list(values);
	return some;
}

static bool
is_known(const struct realms *realms, const char *name)
{
	for (size_t i = 0; i < realms->count; i++)
		if (strcmp(realms->names[i], name) == 0)
			return true;
	return false;
}

/* Of several files the same realm comes several times. */
static void
note_realm(struct realms *realms, profile_t profile, const char *section,
           const char *name)
{
	if (realms->count < KERBEROS_REALMS_MAX && is_realm(name) &&
	    !is_known(realms, name) && has_anchors(profile, section, name))
		(void)strcpy(realms->names[realms->count++], name);
}

static void
read_place(struct realms *realms, profile_t profile, const char *section)
{
	const char *names[] = {section, NULL};
	void *iterator = NULL;
	char *name = NULL;
	char *value = NULL;

	if (profile_iterator_create(profile, names,
	                            PROFILE_ITER_LIST_SECTION |
	                                PROFILE_ITER_SECTIONS_ONLY,
	                            &iterator) != 0)
		return;
	while (profile_iterator(&iterator, &name, &value) == 0 &&
	       name != NULL) {
		note_realm(realms, profile, section, name);
		profile_release_string(name);
		profile_release_string(value);
	}
	profile_iterator_free(&iterator);
}

void
kerberos_refresh(struct kerberos *kerberos)
{
	const char *files[] = {kerberos->path, NULL};
	profile_t profile;

	for (size_t i = 0; i < PLACES; i++)
		kerberos->realms[i].count = 0;
	if (profile_init(files, &profile) != 0)
		return;
	for (size_t i = 0; i < PLACES; i++)
		read_place(&kerberos->realms[i], profile, places[i]);
	profile_release(profile);
}

/*
 * The text.
 */

static void
put_text(struct wire_out *out, const char *text)
{
	wire_put_view(out, wire_view_text(text));
}

static void
put_anchors(struct wire_out *out, const char *indent, const char *anchors)
{
	put_text(out, indent);
	put_text(out, ANCHORS " = DIR:");
	put_text(out, anchors);
	put_text(out, "\n");
}

static void
put_realms(struct wire_out *out, const struct realms *realms,
           const char *anchors)
{
	for (size_t i = 0; i < realms->count; i++) {
		put_text(out, "\t");
		put_text(out, realms->names[i]);
		put_text(out, " = {\n");
		put_anchors(out, "\t\t", anchors);
		put_text(out, "\t}\n");
	}
}

void
kerberos_put(struct wire_out *out, const struct kerberos *kerberos,
             const char *anchors)
{
	put_text(out,
	         "# The roots of a card, beside the realms' own anchors.\n");
	if (anchors == NULL)
		return;
	for (size_t i = 0; i < PLACES; i++) {
		put_text(out, "[");
		put_text(out, places[i]);
		put_text(out, "]\n");
		if (i == PLACE_LIBDEFAULTS)
			put_anchors(out, "\t", anchors);
		if (kerberos != NULL)
			put_realms(out, &kerberos->realms[i], anchors);
	}
}
