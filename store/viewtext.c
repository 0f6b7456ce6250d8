#include "viewtext.h"

#include <stdio.h>
#include <string.h>

#include "kerberos.h"
#include "tree.h"

static void
put_text(struct wire_out *out, const char *text)
{
	wire_put_view(out, wire_view_text(text));
}

static void
put_kerberos(struct folder *f, const struct view_place *place, const char *path,
             bool has_anchors)
{
	uint8_t text[KERBEROS_TEXT_MAX];
	struct wire_out out = wire_out(text, sizeof(text));
	char anchors[VIEW_PATH_MAX];

	(void)snprintf(anchors, sizeof(anchors), "%s/anchors", path);
	kerberos_put(&out, place->kerberos, has_anchors ? anchors : NULL);
	(void)folder_put(f, "krb5.conf", wire_written(&out));
}

/*
 * Beside the system's own anchors, which p11-kit would have without it, and what
 * is trusted on the whole host.
 */
static void
put_module(struct folder *f, const struct view_place *place, const char *name,
           const char *path)
{
	uint8_t text[4 * VIEW_PATH_MAX];
	struct wire_out out = wire_out(text, sizeof(text));

	put_text(&out, "# p11-kit's trust module with the roots of a card.\n"
	               "module: p11-kit-trust.so\n"
	               "trust-policy: yes\n"
	               "x-init-reserved: paths=\"");
	if (place->system_anchors != NULL) {
		put_text(&out, place->system_anchors);
		put_text(&out, ":");
	}
	put_text(&out, path);
	put_text(&out, "/trust:");
	put_text(&out, place->run_dir);
	put_text(&out, "/host/trust\"\n");
	if (wire_out_ok(&out))
		(void)folder_put(f, name, wire_written(&out));
}

/* One for this log-on alone, and one for whatever log-on the user has. */
static void
put_modules(struct folder *f, const struct view_style *style, const char *path)
{
	const struct view_place *place = style->place;
	char stays[VIEW_PATH_MAX];

	put_module(f, place, "p11-kit-trust.module", path);
	if (!style->linked || style->user == TREE_NO_USER)
		return;
	(void)snprintf(stays, sizeof(stays), "%s/user/%lu", place->run_dir,
	               (unsigned long)style->user);
	put_module(f, place, "p11-kit-user.module", stays);
}

/* What would end a word of one of these texts is in no path of ours. */
static bool
is_plain(const char *path)
{
	return path[0] == '/' && path[strspn(path, "abcdefghijklmnopqrstuvwxyz"
	                                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                                           "0123456789/._-")] == '\0';
}

bool
view_path(const char *run_dir, const char *session_id_hex,
          char path[static VIEW_PATH_MAX])
{
	int len = snprintf(path, VIEW_PATH_MAX, "%s/" VIEW_SESSIONS "/%s",
	                   run_dir, session_id_hex);

	return len > 0 && len < VIEW_PATH_MAX - 16 && is_plain(path);
}

void
viewtext_put(struct folder *f, const char *session_id_hex,
             const struct view_style *style, bool has_anchors)
{
	char path[VIEW_PATH_MAX];

	if (style->place == NULL ||
	    !view_path(style->place->run_dir, session_id_hex, path))
		return;
	put_kerberos(f, style->place, path, has_anchors);
	put_modules(f, style, path);
}
